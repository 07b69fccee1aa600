/** The languages that a form offers; the server hears many more by itself. */
export const LANGUAGES = ["ar", "ca", "de", "en", "es", "eu", "fr", "gl", "it", "ja", "nl", "pl", "pt", "uk", "zh"];

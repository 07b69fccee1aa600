/**
 * Words in the reader's language.
 *
 * A dictionary maps a key to a sentence with `{names}` in it, or to plural forms `{one, other}`
 * chosen by `count`. Both dictionaries have the same keys; a test compares them.
 */
import { readSetting, saveSetting } from "../settings.js";
import { createStore } from "../store.js";

export const LOCALES = { en: "English", es: "Español" };

const load = { en: () => import("./en.js"), es: () => import("./es.js") };

export const locale = createStore("en");
let messages = {};

/** Switches the whole page. Resolves when the dictionary is there. */
export async function setLocale(code) {
  const dictionary = await load[code]();
  messages = dictionary.default;
  document.documentElement.lang = code;
  locale.set(code);
}

export async function chooseLocale(code) {
  await setLocale(code);
  saveSetting("locale", code);
}

/** The saved choice, else the first of the browser's languages that we speak, else English. */
export function preferredLocale() {
  const wanted = [readSetting("locale"), ...navigator.languages];
  const known = wanted.map((tag) => tag?.slice(0, 2)).find((tag) => tag in LOCALES);
  return known ?? "en";
}

export function has(key) {
  return key in messages;
}

export function t(key, values = {}) {
  let message = messages[key] ?? key;
  if (typeof message === "object") {
    message = message[new Intl.PluralRules(locale.get()).select(values.count)] ?? message.other;
  }
  return message.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

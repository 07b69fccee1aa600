/**
 * Words in the reader's language.
 *
 * A dictionary maps a key to a sentence with `{names}` in it, or to plural forms `{one, other}`
 * chosen by `count`. Both languages have the same keys; a test compares them. A language is three
 * files, of which the first page needs the first, a debate's the second as well, the others all.
 */
import { readSetting, saveSetting } from "../settings.js";
import { createStore } from "../store.js";

export const LOCALES = { en: "English", es: "Español" };

const load = {
  en: [() => import("./en.js"), () => import("./en-debate.js"), () => import("./en-more.js")],
  es: [() => import("./es.js"), () => import("./es-debate.js"), () => import("./es-more.js")],
};

export const locale = createStore("en");
let messages = {};
let chosen = "en";
let files = 1; // of a language, that are wanted

/** Switches the whole page. Resolves when the sentences are there. */
export async function setLocale(code) {
  chosen = code;
  const loaded = await Promise.all(load[code].slice(0, files).map((file) => file()));
  if (code !== chosen || loaded.length < files) return; // another call is to come, and has more
  messages = Object.assign({}, ...loaded.map((each) => each.default));
  document.documentElement.lang = code;
  locale.set(code);
}

/** As many files of the language, for whoever needs them. */
export async function loadSentences(count) {
  files = Math.max(files, count);
  await setLocale(chosen);
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

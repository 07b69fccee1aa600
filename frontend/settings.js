/**
 * What this person chose, kept in this browser: theme and language; and, until the tab is closed,
 * whom to write to.
 */
import { createStore } from "./store.js";

export const THEMES = ["system", "light", "dark"];

export function readSetting(name, storage = "localStorage") {
  try {
    return globalThis[storage].getItem(name);
  } catch {
    return null; // storage blocked: choices last until the page is closed
  }
}

export function saveSetting(name, value, storage = "localStorage") {
  try {
    globalThis[storage].setItem(name, value);
  } catch {
    // as above
  }
}

export function removeSetting(name) {
  try {
    localStorage.removeItem(name);
  } catch {
    // as above
  }
}

/** `[name, value]` of all that begin so. */
export function keptSettings(beginning) {
  try {
    return Object.entries(localStorage).filter(([name]) => name.startsWith(beginning));
  } catch {
    return []; // as above
  }
}

const saved = readSetting("theme");
export const theme = createStore(THEMES.includes(saved) ? saved : "system");

export function setTheme(name) {
  if (name === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  saveSetting("theme", name);
  theme.set(name);
}

/** The address as it was typed. Of this tab alone: others may use the browser, too. */
export const mailAddress = createStore(readSetting("notify", "sessionStorage") ?? "");

export function setMailAddress(text) {
  saveSetting("notify", text, "sessionStorage");
  mailAddress.set(text);
}

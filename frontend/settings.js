/** What this person chose, kept in this browser: theme and language. */
import { createStore } from "./store.js";

export const THEMES = ["system", "light", "dark"];

export function readSetting(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // storage blocked: choices last until the page is closed
  }
}

export function saveSetting(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // as above
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

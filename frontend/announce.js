/** What a screen reader should say now, without moving the focus. Shown by the App's live region. */
import { createStore } from "./store.js";

export const announcement = createStore("");

export function announce(sentence) {
  announcement.set(sentence);
}

/** What a screen reader should say now, without moving the focus. Shown by the App's live region. */
import { createStore } from "./store.js";

const AGAIN = "\u00a0"; // a region that does not change says nothing

export const announcement = createStore("");

export function announce(sentence) {
  announcement.update((last) => (last === sentence ? sentence + AGAIN : sentence));
}

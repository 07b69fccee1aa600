/**
 * The recording's player as the rest of the page knows it: a time to watch, a place to go to.
 * Works before the media element exists: a seek is then remembered.
 */
import { createStore } from "./store.js";

// Starting sound without a gesture, a second seek before the first has played, a format that the
// browser cannot play (the player says so): nothing to do about any of them here.
const EXPECTED = new Set(["NotAllowedError", "AbortError", "NotSupportedError"]);

export function createPlayback() {
  const time = createStore(0);
  let media = null;
  let pending = null;

  function apply() {
    const { seconds, play } = pending;
    pending = null;
    media.currentTime = seconds;
    if (play) media.play().catch((error) => EXPECTED.has(error.name) || reportError(error));
  }

  return {
    time,
    /** Goes to `seconds`; with `play`, plays from there. */
    seek(seconds, { play = false } = {}) {
      pending = { seconds, play };
      time.set(seconds);
      if (media?.readyState > 0) apply();
    },
    show() {
      media?.scrollIntoView({ block: "nearest" });
    },
    /** Takes the element; returns the function that lets it go. */
    attach(element) {
      media = element;
      const onTime = () => {
        // Without metadata the element says 0 whatever the moment was: its address is being renewed.
        if (!pending && element.readyState > 0) time.set(element.currentTime);
      };
      const onReady = () => pending && apply();
      element.addEventListener("timeupdate", onTime);
      element.addEventListener("seeking", onTime);
      element.addEventListener("loadedmetadata", onReady);
      return () => {
        media = null;
        element.removeEventListener("timeupdate", onTime);
        element.removeEventListener("seeking", onTime);
        element.removeEventListener("loadedmetadata", onReady);
      };
    },
  };
}

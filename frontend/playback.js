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
      if (media?.readyState >= HTMLMediaElement.HAVE_METADATA) apply();
    },
    /** Takes the element; returns the function that lets it go. */
    attach(element) {
      media = element;
      const onTime = () => pending || time.set(element.currentTime);
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

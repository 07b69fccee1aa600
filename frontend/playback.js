/**
 * The recording's player as the rest of the page knows it: a time to watch, a place to go to, a
 * clip that ends. Works before the media element exists: where to go is then remembered.
 */
import { createStore } from "./store.js";

// Starting sound without a gesture, a second seek before the first has played, a format that the
// browser cannot play (the player says so): nothing to do about any of them here.
const EXPECTED = new Set(["NotAllowedError", "AbortError", "NotSupportedError"]);

const SOON = 0.5; // s: more than passes between two of the element's time updates
const AGO = 0.25; // s: how far before its start a seek may end that was meant for a clip

export function createPlayback() {
  const time = createStore(0);
  let media = null;
  let pending = null;
  let clip = null; // {start, end}: where playing stops by itself
  let timer = null;

  function start() {
    media.play().catch((error) => EXPECTED.has(error.name) || reportError(error));
  }

  function apply() {
    const { seconds, play } = pending;
    pending = null;
    media.currentTime = seconds;
    if (play) start();
  }

  function stopAtEnd() {
    clearTimeout(timer);
    if (!clip || !media || media.paused) return;
    const left = clip.end - media.currentTime;
    if (left <= 0) {
      clip = null;
      media.pause();
    } else if (left < SOON) {
      timer = setTimeout(stopAtEnd, (left * 1000) / media.playbackRate);
    }
  }

  /** Goes to `seconds`; with `play`, plays from there; with `end`, playing stops there. */
  function seek(seconds, { play = false, end = null } = {}) {
    pending = { seconds, play };
    clip = end > seconds ? { start: seconds, end } : null;
    time.set(seconds);
    if (media?.readyState > 0) apply();
  }

  return {
    time,
    seek,
    play: (seconds, end) => seek(seconds, { play: true, end }),
    /** Plays, or pauses. */
    toggle() {
      if (!media) return;
      if (media.paused) start();
      else media.pause();
    },
    /** Some seconds on, or back. */
    skip(by) {
      if (media) media.currentTime += by;
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
        stopAtEnd();
      };
      const onSeeking = () => {
        const now = element.currentTime;
        if (clip && !pending && (now < clip.start - AGO || now > clip.end)) clip = null; // went elsewhere
        onTime();
      };
      const onReady = () => pending && apply();
      const listeners = {
        timeupdate: onTime,
        playing: stopAtEnd,
        seeking: onSeeking,
        loadedmetadata: onReady,
      };
      for (const [event, listener] of Object.entries(listeners)) element.addEventListener(event, listener);
      return () => {
        media = null;
        clearTimeout(timer);
        for (const [event, listener] of Object.entries(listeners)) element.removeEventListener(event, listener);
      };
    },
  };
}

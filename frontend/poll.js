/** Asking again and again, politely. */
import { ApiError } from "./api.js";
import { createStore } from "./store.js";
import { useLayoutEffect, useState } from "./view.js";

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;

/** The last ApiError that says the server cannot be worked with, or null. Shown as a banner. */
export const trouble = createStore(null);

/** Whether this device has a connection at all. */
export const online = createStore(navigator.onLine);
for (const event of ["online", "offline"]) addEventListener(event, () => online.set(navigator.onLine));

/** What is being asked again and again; what of it fails, and how. One that works hides no other. */
const running = new Set();
const failing = new Map();

function report(polling, error) {
  if (error) failing.set(polling, error);
  else failing.delete(polling);
  trouble.set([...failing.values()].at(-1) ?? null);
}

/** Whoever does not want to wait: everything is asked now. */
export function askAgain() {
  for (const polling of running) polling.wake();
}

/**
 * Runs `task` now and again after each delay (ms) that it returns; null ends it. A hidden tab does
 * not ask. When the server fails, it is asked again with growing pauses, and now and then for what it
 * does not have; other errors end the polling. Returns `{stop, wake}`; wake asks at once.
 */
export function poll(task, { onError = () => {} } = {}) {
  const polling = { wake: run, stop };
  let timer = null;
  let retry = FIRST_RETRY_MS;
  let busy = false;
  let asked = false;
  let ended = false;

  /** The delay until the next run, or null. */
  async function attempt() {
    try {
      const delay = await task();
      retry = FIRST_RETRY_MS;
      if (!ended) report(polling, null);
      return delay;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (ended) return null;
      report(polling, error.transient || error.status === 401 ? error : null);
      onError(error);
      if (error.status === 404) return LAST_RETRY_MS; // it may have come late, or come back
      if (!error.transient) return null;
      const delay = retry;
      retry = Math.min(retry * 2, LAST_RETRY_MS);
      return delay;
    }
  }

  async function run() {
    clearTimeout(timer);
    asked = document.hidden || busy;
    if (asked || ended) return;
    busy = true;
    const delay = await attempt();
    busy = false;
    if (delay === null) end();
    else if (!ended) timer = setTimeout(run, asked ? 0 : delay);
  }

  function onVisible() {
    if (!document.hidden && asked) run();
  }

  function end() {
    ended = true;
    clearTimeout(timer);
    running.delete(polling);
    document.removeEventListener("visibilitychange", onVisible);
    removeEventListener("online", run);
  }

  /** Nobody wants to know any more. */
  function stop() {
    end();
    report(polling, null);
  }

  running.add(polling);
  document.addEventListener("visibilitychange", onVisible);
  addEventListener("online", run);
  run();
  return polling;
}

/**
 * Something to load once: `{data, error}`, both undefined while it is on its way. Loads again when
 * `key` changes, showing what it had meanwhile, and keeps trying while the server is away. A null
 * key loads nothing.
 */
export function useResource(load, key) {
  const [state, setState] = useState({});
  // Asked before the page without it is painted, not after.
  useLayoutEffect(() => {
    if (key === null) return undefined;
    let wanted = true;
    const polling = poll(
      async () => {
        const data = await load();
        if (wanted) setState({ data });
        return null;
      },
      { onError: (error) => error.transient || setState({ error }) },
    );
    return () => {
      wanted = false;
      polling.stop();
    };
  }, [key]);
  return state;
}

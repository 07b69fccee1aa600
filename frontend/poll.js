/** Asking again and again, politely. */
import { ApiError } from "./api.js";
import { createStore } from "./store.js";
import { useEffect, useState } from "./view.js";

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;

/** The last ApiError that says the server cannot be worked with, or null. Shown as a banner. */
export const trouble = createStore(null);

/**
 * Runs `task` now and again after each delay (ms) that it returns; null ends it. A hidden tab does
 * not ask. When the server fails, it is asked again with growing pauses; other errors end the
 * polling. Returns `{stop, wake}`; wake asks at once.
 */
export function poll(task, { onError = () => {} } = {}) {
  let timer = null;
  let retry = FIRST_RETRY_MS;
  let running = false;
  let asked = false;
  let ended = false;

  /** The delay until the next run, or null. */
  async function attempt() {
    try {
      const delay = await task();
      retry = FIRST_RETRY_MS;
      trouble.set(null);
      return delay;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (ended) return null;
      if (error.transient || error.status === 401) trouble.set(error);
      onError(error);
      if (!error.transient) return null;
      const delay = retry;
      retry = Math.min(retry * 2, LAST_RETRY_MS);
      return delay;
    }
  }

  async function run() {
    clearTimeout(timer);
    asked = document.hidden || running;
    if (asked || ended) return;
    running = true;
    const delay = await attempt();
    running = false;
    if (delay === null) stop();
    else if (!ended) timer = setTimeout(run, asked ? 0 : delay);
  }

  function onVisible() {
    if (!document.hidden && asked) run();
  }

  function stop() {
    ended = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", onVisible);
    removeEventListener("online", run);
  }

  document.addEventListener("visibilitychange", onVisible);
  addEventListener("online", run);
  run();
  return { wake: run, stop };
}

/**
 * Something to load once: `{data, error}`, both undefined while it is on its way. Loads again when
 * `key` changes, showing what it had meanwhile, and keeps trying while the server is away. A null
 * key loads nothing.
 */
export function useResource(load, key) {
  const [state, setState] = useState({});
  useEffect(() => {
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

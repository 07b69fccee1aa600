/** Trying again what may pass by itself. */
const WAITS_MS = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000];
const TRIES = 6;

/** That long, or until the connection is back, or the signal ends it all. */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const over = new AbortController();
    const end = () => {
      clearTimeout(timer);
      over.abort();
      resolve();
    };
    const timer = setTimeout(end, ms);
    addEventListener("online", end, { signal: over.signal });
    signal.addEventListener("abort", end, { signal: over.signal });
  });
}

/**
 * The task's result, if need be after some tries. A connection that is lost is waited for as long
 * as it takes; what the server or the storage refuses for now is tried `tries` times. Meanwhile
 * `onTrouble(error)` says why, with null once it is over. Rejects with the last ApiError, or with
 * the signal's reason.
 */
export async function persist(task, { signal, onTrouble = () => {}, tries = TRIES }) {
  for (let pauses = 0, refusals = 0; ; pauses++) {
    signal.throwIfAborted();
    try {
      const result = await task();
      onTrouble(null);
      return result;
    } catch (error) {
      signal.throwIfAborted();
      const isLost = error.code === "unreachable";
      const mayPass = error.transient || error.code === "put_refused"; // its address may be too old
      if (!mayPass || (!isLost && ++refusals >= tries)) throw error;
      onTrouble(error);
    }
    await pause(WAITS_MS[Math.min(pauses, WAITS_MS.length - 1)], signal);
  }
}

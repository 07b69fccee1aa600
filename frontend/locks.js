/**
 * What one window does and the others of this browser leave alone. The browser lets go of a lock
 * when its window is closed or dies. Where it has none (no HTTPS, for one), nothing is held.
 */

/** The function that lets go; null where another window holds it. */
export function hold(name) {
  if (!navigator.locks) return Promise.resolve(() => {});
  return new Promise((resolve) => {
    navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      if (!lock) return resolve(null);
      return new Promise((release) => resolve(release));
    });
  });
}

export async function isHeld(name) {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return held.some((lock) => lock.name === name);
}

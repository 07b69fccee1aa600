/**
 * For a list whose items may go while one has the focus. Call it before they do; what it returns
 * is to be called after. If the focus went with its item, the nearest that is left takes it: what
 * came after, else what came before.
 */
export function keepFocus(selector) {
  const stops = [...document.querySelectorAll(selector)];
  const here = stops.findLastIndex((stop) => stop.contains(document.activeElement));
  const nearest = here < 0 ? [] : [...stops.slice(here), ...stops.slice(0, here).reverse()];
  return () => {
    if (document.activeElement === document.body) nearest.find((stop) => stop.isConnected)?.focus();
  };
}

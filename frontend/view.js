/** The one door to the vendored view library: `html` templates whose values are always text. */
import htm from "./vendor/htm/htm.js";
import { h } from "./vendor/preact/preact.js";

export const html = htm.bind(h);
export { render } from "./vendor/preact/preact.js";
export {
  useEffect,
  useErrorBoundary,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "./vendor/preact/hooks.js";

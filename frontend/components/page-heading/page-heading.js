import { hasNavigated } from "../../router.js";
import { html, useEffect, useRef } from "../../view.js";

/** The one h1 of a page. It takes the focus on arrival, unless that has gone elsewhere meanwhile. */
export function PageHeading({ children }) {
  const element = useRef();
  useEffect(() => {
    const free = document.activeElement === document.body;
    if (hasNavigated() && free) element.current.focus({ preventScroll: true });
  }, []);
  return html`<h1 ref=${element} tabindex="-1">${children}</h1>`;
}

import { html, useId, useLayoutEffect, useRef } from "../../view.js";

const STOPS = "a[href], button, input, select, textarea, [tabindex='0']";

/**
 * A dialog over a debate. A popover that keeps the focus, and no modal <dialog>: that makes the
 * browser style every segment of the page anew, twice.
 */
export function QuickDialog({ title, onClose, children }) {
  const element = useRef();
  const heading = useId();

  useLayoutEffect(() => {
    const before = document.activeElement;
    element.current.showPopover();
    if (!element.current.contains(document.activeElement)) element.current.focus();
    return () => before?.isConnected && before.focus();
  }, []);

  function onKeyDown(event) {
    event.stopPropagation(); // no key of the page's means anything here
    if (event.key === "Escape") {
      event.preventDefault();
      onClose();
    }
    if (event.key !== "Tab") return;
    const stops = [...element.current.querySelectorAll(STOPS)];
    const [first, last] = [stops.at(0), stops.at(-1)];
    const leaves = event.shiftKey ? [first, element.current] : [last];
    if (!leaves.includes(document.activeElement)) return;
    event.preventDefault();
    (event.shiftKey ? last : first).focus();
  }

  return html`<div
    ref=${element}
    popover="manual"
    role="dialog"
    aria-modal="true"
    tabindex="-1"
    class="dialog quick-dialog"
    aria-labelledby=${heading}
    onKeyDown=${onKeyDown}
  >
    <h2 id=${heading}>${title}</h2>
    ${children}
  </div>`;
}

import { html, useId, useLayoutEffect, useRef } from "../../view.js";

/** A modal dialog, open while it is rendered. It gives the focus back to whoever had it. */
export function Dialog({ title, onClose, children }) {
  const element = useRef();
  const isOpen = useRef(true);
  const heading = useId();

  useLayoutEffect(() => {
    const dialog = element.current;
    dialog.showModal();
    return () => {
      isOpen.current = false; // the event comes later, when another may be open
      dialog.close();
    };
  }, []);

  return html`<dialog
    ref=${element}
    class="dialog"
    aria-labelledby=${heading}
    onClose=${() => isOpen.current && onClose()}
  >
    <h2 id=${heading}>${title}</h2>
    ${children}
  </dialog>`;
}

import { announce } from "../../announce.js";
import { html, useState } from "../../view.js";

/**
 * For what cannot be taken back: it is asked for twice, the second time with the words `sure`. While
 * `busy` it does nothing, and is not disabled: that would cost the focus.
 */
export function SureButton({ label, sure, busy, onSure, ...others }) {
  const [isAsked, setAsked] = useState(false);

  function onClick() {
    if (busy) return;
    setAsked(!isAsked);
    if (isAsked) onSure();
    else announce(sure);
  }

  return html`<button
    type="button"
    class=${`button button-small button-quiet ${isAsked ? "sure-button-asked" : ""}`}
    aria-disabled=${busy ? "true" : null}
    onClick=${onClick}
    onBlur=${() => setAsked(false)}
    onKeyDown=${(event) => {
      if (event.key !== "Escape" || !isAsked) return;
      event.preventDefault(); // in a dialog, it would close
      setAsked(false);
    }}
    ...${others}
  >
    ${isAsked ? sure : label}
  </button>`;
}

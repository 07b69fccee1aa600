import { html } from "../../view.js";

/** What stands where there is nothing to show: that it is so, and what to do. */
export function Nothing({ title, children }) {
  return html`<div class="nothing">
    <p class="nothing-title">${title}</p>
    ${children}
  </div>`;
}

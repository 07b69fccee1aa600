import { html } from "../../view.js";

const ID = "page-heading";

/** The one h1 of a page: where the focus goes when the page changes. */
export function PageHeading({ children }) {
  return html`<h1 id=${ID} tabindex="-1">${children}</h1>`;
}

export function focusHeading() {
  document.getElementById(ID)?.focus({ preventScroll: true });
}

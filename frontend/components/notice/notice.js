import { html } from "../../view.js";
import { Icon } from "../icon/icon.js";

const ICONS = { info: "clock", warning: "alert", error: "alert" };

/** A boxed message. `kind` is info, warning or error. */
export function Notice({ kind = "info", title, children }) {
  return html`<div class=${`notice notice-${kind}`}>
    <${Icon} name=${ICONS[kind]} />
    <div>
      ${title && html`<p class="notice-title">${title}</p>`}
      ${children}
    </div>
  </div>`;
}

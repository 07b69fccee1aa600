import { t } from "../../i18n/index.js";
import { trouble } from "../../poll.js";
import { useStore } from "../../store.js";
import { html } from "../../view.js";
import { Icon } from "../icon/icon.js";

function sentence(error) {
  if (error.status === 401) return t("trouble.sign_in");
  return error.code === "unreachable" ? t("trouble.unreachable") : t("trouble.server");
}

/** Says that the server cannot be worked with, for as long as that is so. */
export function Banner() {
  const error = useStore(trouble);
  return html`<div role="alert" class="banner-place">
    ${error && html`<p class="banner"><${Icon} name="alert" /> ${sentence(error)}</p>`}
  </div>`;
}

import { account, signIn } from "../../account.js";
import { t } from "../../i18n/index.js";
import { askAgain, online, trouble } from "../../poll.js";
import { useStore } from "../../store.js";
import { html } from "../../view.js";
import { Icon } from "../icon/icon.js";

function sentence(error) {
  if (error.status === 401) return t("trouble.sign_in");
  if (error.status === 429) return t("trouble.too_many");
  return error.code === "unreachable" ? t("trouble.unreachable") : t("trouble.server");
}

function WantsSignIn({ problem }) {
  return html`<p class="banner">
    <${Icon} name="alert" />
    <span>${t(problem ?? "account.needed")}</span>
    <button type="button" class="button button-small" onClick=${signIn}>${t("account.sign_in")}</button>
  </p>`;
}

/** Says that the server cannot be worked with, for as long as that is so. */
export function Banner() {
  const error = useStore(trouble);
  const connected = useStore(online);
  const who = useStore(account);
  const wantsSignIn = who && (who.problem || error?.status === 401);
  const shown = !wantsSignIn && (!connected || error);
  return html`<div role="alert" class="banner-place">
    ${wantsSignIn && html`<${WantsSignIn} problem=${who.problem} />`}
    ${shown &&
    html`<p class="banner">
      <${Icon} name="alert" />
      <span>${connected ? sentence(error) : t("trouble.offline")}</span>
      ${connected &&
      error.transient &&
      html`<button type="button" class="button button-small" onClick=${askAgain}>${t("trouble.ask_now")}</button>`}
    </p>`}
  </div>`;
}

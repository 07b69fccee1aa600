import { account, signIn, signOut } from "../../account.js";
import { t } from "../../i18n/index.js";
import { linkOf } from "../../links.js";
import { route } from "../../router.js";
import { useStore } from "../../store.js";
import { html } from "../../view.js";

/** Who is signed in, where anybody has to be. Where nothing can be seen without it, the banner asks for it. */
export function Account() {
  const who = useStore(account);
  const { jobId } = useStore(route);
  if (who?.name) {
    return html`<div class="account">
      <span class="visually-hidden">${t("account.as")}</span>
      <bdi class="account-name" title=${who.name}>${who.name}</bdi>
      <button type="button" class="button button-quiet" onClick=${signOut}>${t("account.sign_out")}</button>
    </div>`;
  }
  if (!who || !linkOf(jobId ?? "")) return null;
  return html`<button type="button" class="button button-quiet" onClick=${signIn}>${t("account.sign_in")}</button>`;
}

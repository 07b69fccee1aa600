import { t } from "../../i18n/index.js";
import { isLive } from "../../live.js";
import { HOME, route } from "../../router.js";
import { useStore } from "../../store.js";
import { html } from "../../view.js";

/** Nobody forgets a microphone that is on: on other pages than the recorder's there is a way back to it. */
export function LiveSign() {
  const live = useStore(isLive);
  const { page } = useStore(route);
  if (!live || page === "home") return null;
  return html`<p class="live-sign">
    <a href=${HOME}><span class="live-sign-dot" aria-hidden="true"></span>${t("recorder.live")}</a>
  </p>`;
}

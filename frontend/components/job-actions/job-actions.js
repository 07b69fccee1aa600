import { actionsFor, choose } from "../../desk.js";
import { t } from "../../i18n/index.js";
import { html } from "../../view.js";
import { JobMenu } from "../job-menu/job-menu.js";

/** What may be done with a debate, at the head of its page; nothing for whoever came by a link. */
export function JobActions({ job }) {
  if (!actionsFor(job).length) return null;
  return html`<div class="job-actions">
    <button type="button" class="button button-quiet" onClick=${() => choose("share", job)}>${t("desk.share")}</button>
    <${JobMenu} job=${job} />
  </div>`;
}

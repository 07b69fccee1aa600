import { serverNow } from "../../api.js";
import { choose } from "../../desk.js";
import { remedyOf } from "../../faults.js";
import { timeOfDay } from "../../format.js";
import { t } from "../../i18n/index.js";
import { linkOf } from "../../links.js";
import { HOME } from "../../router.js";
import { html } from "../../view.js";
import { ServerSentence } from "../refusal/refusal.js";

const REMEDIES = { again: ["again", "remedy.again"], ask: ["retry", "remedy.ask"] };

/** What to do now, at hand. */
function Remedy({ job }) {
  const [what, sentence] = REMEDIES[remedyOf(job)] ?? [];
  if (!what) return html`<p class="fine">${t("remedy.upload")} <a href=${HOME}>${t("remedy.upload_now")}</a></p>`;
  return html`<p class="fine remedy">
    <span>${t(sentence)}</span>
    <button type="button" class="button button-small" onClick=${() => choose(what, job)}>${t(`desk.${what}`)}</button>
  </p>`;
}

/** Why a job failed, and what to do; or why it will be tried again. */
export function JobProblem({ job }) {
  const retry = job.retry_at && Date.parse(job.retry_at) > serverNow();
  const failed = job.status === "FAILED";
  if (!job.error || !(retry || failed)) return null;
  const { code, message } = job.error;
  return html`<div class="job-problem">
    <p class="problem">
      <${ServerSentence} code=${code} sentence=${message} />${" "}
      ${retry && t("job.retry_at", { time: timeOfDay(job.retry_at) })}
    </p>
    ${failed && !linkOf(job.job_id) && html`<${Remedy} job=${job} />`}
  </div>`;
}

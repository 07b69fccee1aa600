import { serverNow } from "../../api.js";
import { left, percent } from "../../format.js";
import { t } from "../../i18n/index.js";
import { STAGES, isEnded, stageOf } from "../../jobs.js";
import { useStore } from "../../store.js";
import { uploads } from "../../uploads.js";
import { html } from "../../view.js";
import { Icon } from "../icon/icon.js";
import { JobProblem } from "../job-problem/job-problem.js";

const ICONS = { done: "check", current: "running", waiting: "clock", unreached: "close", failed: "alert", ended: "close" };

/** done, current, waiting, unreached; the stage at which a job ended says how. */
function stateOf(stage, job) {
  const reached = STAGES.indexOf(stageOf(job));
  const index = STAGES.indexOf(stage);
  if (index < reached) return "done";
  if (index > reached) return isEnded(job) ? "unreached" : "waiting";
  return { FAILED: "failed", CANCELLED: "ended", DELETED: "ended" }[job.status] ?? "current";
}

/** 0 to 1 of the current stage; null when nobody knows. */
function progressOf(job, sending) {
  if (job.status !== "UPLOADING") return job.progress ?? null;
  const mine = sending.find((item) => item.jobId === job.job_id);
  return mine ? mine.sent / mine.size : null;
}

function Stage({ stage, job, progress }) {
  const state = stateOf(stage, job);
  const current = state === "current";
  return html`<li class=${`stage stage-${state}`} aria-current=${current ? "step" : undefined}>
    <p class="stage-name"><${Icon} name=${ICONS[state]} /> ${t(`stage.${stage}`)}</p>
    <p class="stage-words">
      ${current ? t(`status.${job.status}`) : t(`stage.${state}`)}
      ${current && progress !== null && html` <strong>${percent(Math.floor(progress * 100) / 100)}</strong>`}
    </p>
    ${current &&
    html`<progress value=${progress ?? undefined} max="1" aria-label=${t(`stage.${stage}`)}></progress>`}
    ${current && progress !== null && job.expected_at &&
    html`<p class="stage-left fine">${left(job.expected_at, serverNow())}</p>`}
  </li>`;
}

/** Where a debate is on its way, and what to do when it stopped. */
export function Stages({ job }) {
  const sending = useStore(uploads);
  const progress = progressOf(job, sending);
  return html`<section class="stages" aria-labelledby="stages-heading">
    <h2 id="stages-heading" class="visually-hidden">${t("stages.title")}</h2>
    <ol>
      ${STAGES.map((stage) => html`<${Stage} key=${stage} stage=${stage} job=${job} progress=${progress} />`)}
    </ol>
    <${JobProblem} job=${job} />
    ${!isEnded(job) &&
    html`<p class="fine">${t(job.status === "UPLOADING" ? "stages.uploading" : "stages.meanwhile")}</p>`}
  </section>`;
}

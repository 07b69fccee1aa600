import { useTick } from "../../hooks.js";
import { t } from "../../i18n/index.js";
import { isEnded, jobs, loadOlderJobs } from "../../jobs.js";
import { debateHref } from "../../router.js";
import { useStore } from "../../store.js";
import { isShownAsUpload, uploads } from "../../uploads.js";
import { html, useState } from "../../view.js";
import { JobFacts } from "../job-facts/job-facts.js";
import { JobProblem } from "../job-problem/job-problem.js";
import { JobStatus } from "../job-status/job-status.js";

function JobRow({ job }) {
  return html`<li class="job">
    <h3><a href=${debateHref(job.job_id)}><bdi>${job.title || job.filename}</bdi></a></h3>
    <${JobFacts} job=${job} />
    <${JobStatus} job=${job} />
    <${JobProblem} job=${job} />
  </li>`;
}

function Empty() {
  return html`<div class="empty">
    <p class="empty-title">${t("jobs.empty")}</p>
    <p>${t("jobs.empty_first")}</p>
    <p>${t("jobs.empty_demo")} <code>make demo</code></p>
  </div>`;
}

function Older() {
  const [problem, setProblem] = useState(false);
  const load = () => loadOlderJobs().then(() => setProblem(false), () => setProblem(true));
  return html`<p class="jobs-older">
    <button type="button" class="button" onClick=${load}>${t("jobs.older")}</button>
    ${problem && html`<span class="problem" role="alert">${t("trouble.again")}</span>`}
  </p>`;
}

export function JobList() {
  const { list, cursor } = useStore(jobs);
  useStore(uploads); // decides which rows are shown
  const rows = list && list.filter((job) => job.status !== "DELETED" && !isShownAsUpload(job));
  useTick(Boolean(rows?.some((job) => !isEnded(job))));
  return html`<section class="jobs" aria-labelledby="jobs-heading">
    <h2 id="jobs-heading">${t("jobs.title")}</h2>
    ${rows === null && html`<p class="fine" role="status">${t("app.loading")}</p>`}
    ${rows?.length === 0 && html`<${Empty} />`}
    ${rows?.length > 0 &&
    html`<ul class="job-rows">
      ${rows.map((job) => html`<${JobRow} key=${job.job_id} job=${job} />`)}
    </ul>`}
    ${cursor && html`<${Older} />`}
  </section>`;
}

import { t } from "../../i18n/index.js";
import { useTitle } from "../../hooks.js";
import { announceStatus, hasTranscript, watchJob } from "../../jobs.js";
import { linkOf } from "../../links.js";
import { HOME, compareHref } from "../../router.js";
import { html, useLayoutEffect, useState } from "../../view.js";
import { Debate } from "../debate/debate.js";
import { Downloads } from "../downloads/downloads.js";
import { Icon } from "../icon/icon.js";
import { JobActions } from "../job-actions/job-actions.js";
import { JobQuestions } from "../job-questions/job-questions.js";
import { Notice } from "../notice/notice.js";
import { PageHeading } from "../page-heading/page-heading.js";

function Missing({ error }) {
  if (error.status === 401) return html`<${PageHeading}>${t("trouble.sign_in")}<//>`;
  const known = error.status === 404 || error.status === 400;
  return html`
    <${PageHeading}>${t(known ? "debate.missing" : "broken.title")}<//>
    <${Notice} kind="warning">
      <p>${known ? t("debate.missing_text") : error.detail || t("broken.text")}</p>
    <//>
  `;
}

/** Follows one job and shows what there is of it. */
export function DebatePage({ place }) {
  const { jobId, time, end } = place;
  const [{ job, error }, setState] = useState({});
  useTitle(job?.title);

  useLayoutEffect(() => {
    let status = null;
    return watchJob(jobId, {
      onJob(next) {
        if (status !== null && status !== next.status) announceStatus(next);
        status = next.status;
        setState({ job: next });
      },
      onError: (problem) => problem.transient || setState({ error: problem }),
    });
  }, [jobId]);

  return html`
    <div class="debate-bar">
      <nav aria-label=${t("debate.way_back")}>
        <a class="back" href=${HOME}><${Icon} name="arrow" /> ${t("debate.all")}</a>
        ${job?.status === "COMPLETE" && !linkOf(jobId) && html`<a class="back" href=${compareHref(jobId)}>${t("compare.with")}</a>`}
      </nav>
      ${job &&
      html`<div class="debate-tools">
        ${hasTranscript(job) && html`<${Downloads} job=${job} />`}
        <${JobActions} job=${job} />
      </div>`}
    </div>
    <${JobQuestions} />
    ${job && html`<${Debate} job=${job} time=${time} end=${end} />`}
    ${error && html`<${Missing} error=${error} />`}
    ${!job && !error && html`<p class="fine" role="status">${t("app.loading")}</p>`}
  `;
}

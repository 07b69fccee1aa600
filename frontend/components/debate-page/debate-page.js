import { t } from "../../i18n/index.js";
import { useTitle } from "../../hooks.js";
import { announceStatus, watchJob } from "../../jobs.js";
import { HOME } from "../../router.js";
import { html, useEffect, useState } from "../../view.js";
import { Debate } from "../debate/debate.js";
import { Icon } from "../icon/icon.js";
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
export function DebatePage({ jobId, time }) {
  const [{ job, error }, setState] = useState({});
  useTitle(job?.title);

  useEffect(() => {
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
    <nav aria-label=${t("debate.way_back")}>
      <a class="back" href=${HOME}><${Icon} name="arrow" /> ${t("debate.all")}</a>
    </nav>
    ${job && html`<${Debate} job=${job} time=${time} />`}
    ${error && html`<${Missing} error=${error} />`}
    ${!job && !error && html`<p class="fine" role="status">${t("app.loading")}</p>`}
  `;
}

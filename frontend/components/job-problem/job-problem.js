import { serverNow } from "../../api.js";
import { timeOfDay } from "../../format.js";
import { has, locale, t } from "../../i18n/index.js";
import { html } from "../../view.js";

/** The server's sentence is English; where we have one for its code, it is in the reader's language. */
function Sentence({ error }) {
  const key = `error.${error.code}`;
  if (locale.get() !== "en" && has(key)) return html`<span>${t(key)}</span>`;
  return html`<span lang="en">${error.message}</span>`;
}

/** Why a job failed, or why it will be tried again. */
export function JobProblem({ job }) {
  const retry = job.retry_at && Date.parse(job.retry_at) > serverNow();
  if (!job.error || !(retry || job.status === "FAILED")) return null;
  return html`<p class="problem">
    <${Sentence} error=${job.error} /> ${retry && t("job.retry_at", { time: timeOfDay(job.retry_at) })}
  </p>`;
}

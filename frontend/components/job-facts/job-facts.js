import { serverNow } from "../../api.js";
import { ago, clock, dateTime, duration, languageName } from "../../format.js";
import { t } from "../../i18n/index.js";
import { isEnded } from "../../jobs.js";
import { html } from "../../view.js";

/** How long the work has been going on. Once it is done nobody knows: edits have it done again. */
function elapsed(job) {
  if (job.status === "UPLOADING" || isEnded(job) || job.completed_at) return null;
  const time = clock(Math.max((serverNow() - Date.parse(job.created_at)) / 1000, 0));
  return t("job.running_for", { time });
}

/** What is known of a debate at a glance, as a line of facts. */
export function JobFacts({ job }) {
  const created = Date.parse(job.created_at);
  const facts = [
    ["duration", job.duration != null && duration(job.duration)],
    ["language", job.language && languageName(job.language)],
    ["speakers", job.speakers_count != null && t("job.speakers_count", { count: job.speakers_count })],
    ["elapsed", elapsed(job)],
    [
      "created",
      html`<time datetime=${job.created_at} title=${dateTime(job.created_at)}>${ago(created, serverNow())}</time>`,
    ],
  ];
  return html`<dl class="facts">
    ${facts
      .filter(([, value]) => value)
      .map(
        ([name, value]) => html`<div key=${name}>
          <dt class="visually-hidden">${t(`job.${name}`)}</dt>
          <dd>${value}</dd>
        </div>`,
      )}
  </dl>`;
}

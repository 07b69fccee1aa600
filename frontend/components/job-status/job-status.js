import { serverNow } from "../../api.js";
import { left, percent } from "../../format.js";
import { t } from "../../i18n/index.js";
import { html } from "../../view.js";
import { Icon } from "../icon/icon.js";

const ICONS = {
  COMPLETE: "check",
  FAILED: "alert",
  CANCELLED: "close",
  TRANSCRIBING: "running",
  SPLIT: "running",
  ANALYZING: "running",
  TRANSCRIBED: "running",
};
const RUNNING = new Set(["TRANSCRIBING", "SPLIT", "TRANSCRIBED", "ANALYZING"]);

/** The status in words and a sign, with the stage's progress while it runs. */
export function JobStatus({ job }) {
  const { status, progress, expected_at: expectedAt, title } = job;
  const running = RUNNING.has(status);
  const known = running && progress != null;
  return html`<div class=${`job-status job-status-${status.toLowerCase()}`}>
    <p class="job-status-words">
      <${Icon} name=${ICONS[status] ?? "clock"} />
      <span>${t(`status.${status}`)}</span>
      ${known && html`<span class="job-status-percent">${percent(Math.floor(progress * 100) / 100)}</span>`}
    </p>
    ${running &&
    html`<progress value=${known ? progress : undefined} max="1" aria-label=${t("job.progress", { title })}></progress>`}
    ${known && expectedAt && html`<p class="job-status-left fine">${left(expectedAt, serverNow())}</p>`}
  </div>`;
}

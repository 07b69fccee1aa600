import { clock } from "../../format.js";
import { has, locale, t } from "../../i18n/index.js";
import { debateHref } from "../../router.js";
import { html } from "../../view.js";
import { Notice } from "../notice/notice.js";

function Sentence({ warning }) {
  const key = `warning.${warning.code}`;
  if (locale.get() !== "en" && has(key)) return t(key);
  return html`<span lang="en">${warning.message}</span>`;
}

function Moment({ jobId, start, end }) {
  if (start == null) return null;
  const time = end == null ? clock(start) : `${clock(start)}–${clock(end)}`;
  return html` <a href=${debateHref(jobId, start)} data-moment=${start}>${t("warnings.play", { time })}</a>`;
}

/** What to know before trusting the figures. */
export function Warnings({ jobId, warnings }) {
  if (!warnings.length) return null;
  return html`<${Notice} kind="warning" title=${t("warnings.title")}>
    <ul class="warnings">
      ${warnings.map(
        (warning, index) => html`<li key=${index}>
          <${Sentence} warning=${warning} />
          <${Moment} jobId=${jobId} start=${warning.start} end=${warning.end} />
        </li>`,
      )}
    </ul>
  <//>`;
}

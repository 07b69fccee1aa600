import { clock, duration, number, percent } from "../../format.js";
import { t } from "../../i18n/index.js";
import { debateHref } from "../../router.js";
import { speakerName } from "../../speakers.js";
import { html } from "../../view.js";
import { SpeakerMark } from "../speaker-mark/speaker-mark.js";

const COLUMNS = [
  ["speakingTime", duration],
  ["speakingShare", percent],
  ["words", number],
  ["wordShare", percent],
  ["wordsPerMinute", number],
  ["segments", number],
  ["turns", number],
  ["longestTurn", duration],
  ["meanTurn", duration],
  ["confidence", percent],
];

/** A figure, playing the moment it comes from where that is known. */
function Figure({ jobId, value, text, moment, column, speaker }) {
  if (value == null) return html`<span aria-label=${t("table.unknown")}>–</span>`;
  const data = html`<data value=${value}>${text}</data>`;
  if (moment == null) return data;
  const label = t("table.play", { name: t(`table.${column}`), speaker, value: text, time: clock(moment) });
  return html`<a href=${debateHref(jobId, moment)} data-moment=${moment} aria-label=${label}>${data}</a>`;
}

/** Between which figures it lies 95 times in 100; nothing where these read alike. */
function Range({ bounds, format }) {
  const [low, high] = (bounds ?? []).map((bound) => format(bound));
  return low !== high && html`<small class="figure-range">${t("table.range", { low, high })}</small>`;
}

function Row({ jobId, row, look }) {
  const speaker = speakerName(row.speaker);
  const moments = { longestTurn: row.longestTurnStart };
  return html`<tr>
    <th scope="row"><${SpeakerMark} speaker=${row.speaker} look=${look} /></th>
    ${COLUMNS.map(
      ([column, format]) => html`<td key=${column}>
        <${Figure}
          jobId=${jobId}
          value=${row[column]}
          text=${row[column] == null ? "" : format(row[column])}
          moment=${moments[column]}
          column=${column}
          speaker=${speaker}
        />
        <${Range} bounds=${row.uncertainty[column]?.thisDebate} format=${format} />
      </td>`,
    )}
  </tr>`;
}

export function SpeakerTable({ jobId, rows, look }) {
  return html`<div class="table-place" role="region" aria-labelledby="table-caption" tabindex="0">
    <table class="speaker-table">
      <caption id="table-caption">${t("table.caption")}</caption>
      <thead>
        <tr>
          <th scope="col">${t("table.speaker")}</th>
          ${COLUMNS.map(([column]) => html`<th key=${column} scope="col">${t(`table.${column}`)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) => html`<${Row}
            key=${row.speaker}
            jobId=${jobId}
            row=${row}
            look=${look.get(row.speaker)}
          />`,
        )}
      </tbody>
    </table>
  </div>`;
}

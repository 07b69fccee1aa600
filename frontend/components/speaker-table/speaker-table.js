import { clock } from "../../format.js";
import { t } from "../../i18n/index.js";
import { debateHref, speakerHref } from "../../router.js";
import { speakerName } from "../../speakers.js";
import { html } from "../../view.js";
import { FORMATS, figureOf, opens, rangeText, valueOf } from "../figures/evidence.js";
import { FigureButton } from "../moments/moments.js";
import { SpeakerMark } from "../speaker-mark/speaker-mark.js";

/** A figure: it plays the one moment it comes from, or opens those it is made of. */
function Figure({ jobId, statistics, shown, row, column }) {
  const value = valueOf(row, column);
  if (value == null) return html`<span role="img" aria-label=${t("table.unknown")}>–</span>`;
  const text = FORMATS[column](value);
  const data = html`<data value=${value}>${text}</data>`;
  const what = { name: t(`table.${column}`), speaker: speakerName(row.speaker), value: text };
  if (column === "longestTurn" && row.longestTurnStart != null) {
    const start = row.longestTurnStart;
    const label = t("table.play", { ...what, time: clock(start) });
    const end = start + value;
    return html`<a href=${debateHref(jobId, start, end)} data-moment=${start} data-end=${end} aria-label=${label}>${data}</a>`;
  }
  if (!opens(column, value)) return data;
  const figure = () => figureOf(statistics, row, column);
  return html`<${FigureButton} shown=${shown} label=${t("figures.of", what)} figure=${figure}>${data}<//>`;
}

function Row({ row, columns, look, question, ...shared }) {
  const mark = html`<${SpeakerMark} speaker=${row.speaker} look=${look.get(row.speaker)} />`;
  const isNamed = row.name != null && row.name === row.speaker;
  return html`<tr>
    <th scope="row">${isNamed ? html`<a href=${speakerHref(row.name)}>${mark}</a>` : mark}</th>
    ${columns.map((column) => {
      const range = rangeText(row.uncertainty[column]?.[question], FORMATS[column]);
      return html`<td key=${column}>
        <${Figure} ...${shared} row=${row} column=${column} />
        ${range && html`<small class="figure-range">${range}</small>`}
      </td>`;
    })}
  </tr>`;
}

/** Every speaker in numbers: a column a figure, each with the interval that answers the `question`. */
export function SpeakerTable({ id, caption, columns, rows, ...shared }) {
  return html`<div class="table-place" role="region" aria-labelledby=${`${id}-caption`} tabindex="0">
    <table class=${`figure-table ${id}-table`}>
      <caption id=${`${id}-caption`}>${caption}</caption>
      <thead>
        <tr>
          <th scope="col">${t("table.speaker")}</th>
          ${columns.map((column) => html`<th key=${column} scope="col">${t(`table.${column}`)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map((row) => html`<${Row} key=${row.speaker} ...${shared} row=${row} columns=${columns} />`)}
      </tbody>
    </table>
  </div>`;
}

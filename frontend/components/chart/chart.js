import { announce } from "../../announce.js";
import { csv } from "../../csv.js";
import { png, svgText } from "../../drawing.js";
import { number } from "../../format.js";
import { t } from "../../i18n/index.js";
import { debateHref } from "../../router.js";
import { copy, save } from "../../save.js";
import { html, useId, useRef, useState } from "../../view.js";

const MOST_ROWS = 200; // that the page shows; a file has all
const MARK = "\ufeff"; // by which spreadsheets know UTF-8

/** What each format makes of a chart: a blob. */
const FORMATS = {
  csv: ({ columns, rows }) => {
    const lines = [columns.map(({ name }) => name), ...rows.map(({ cells }) => cells)];
    return new Blob([csv(lines)], { type: "text/csv" });
  },
  svg: (_, svg) => new Blob([svgText(svg)], { type: "image/svg+xml" }),
  png: (_, svg) => png(svg),
};

/** What a clipboard takes: pictures as pictures, all else as its text. */
const forClipboard = (blob) => (blob.type === "image/png" ? blob : new Blob([blob], { type: "text/plain" }));
const forFile = (blob) => (blob.type === "text/csv" ? new Blob([MARK, blob], { type: blob.type }) : blob);

function Cell({ jobId, column, value, row }) {
  const text = value == null ? "–" : (column.format ?? String)(value);
  if (!column.plays || row.start == null) return text;
  return html`<a href=${debateHref(jobId, row.start, row.end)} data-moment=${row.start} data-end=${row.end}>${text}</a>`;
}

function Numbers({ jobId, title, table }) {
  const { columns, rows } = table;
  const more = rows.length - MOST_ROWS;
  return html`<div class="chart-table" role="region" aria-label=${title} tabindex="0">
      <table>
        <thead>
          <tr>
            ${columns.map(({ name }) => html`<th key=${name} scope="col">${name}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.slice(0, MOST_ROWS).map(
            (row, index) => html`<tr key=${index}>
              ${row.cells.map((value, place) => {
                const cell = html`<${Cell} jobId=${jobId} column=${columns[place]} value=${value} row=${row} />`;
                return place === 0
                  ? html`<th key=${place} scope="row"><bdi>${cell}</bdi></th>`
                  : html`<td key=${place}>${cell}</td>`;
              })}
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${more > 0 && html`<p class="fine">${t("chart.more_rows", { count: number(more) })}</p>`}`;
}

function Copies({ title, table, picture }) {
  async function take(format, wanted) {
    const blob = await FORMATS[format](table(), picture());
    const kind = format.toUpperCase();
    if (wanted === "copy" && (await copy(forClipboard(blob)))) announce(t("chart.copied", { title, kind }));
    else {
      save(forFile(blob), `${title}.${format}`);
      announce(t("chart.saved", { title, kind }));
    }
  }

  return html`<div class="chart-copies">
    ${["copy", "save"].map(
      (way) => html`<div key=${way} role="group" aria-label=${t(`chart.${way}_what`, { title })}>
        <span aria-hidden="true">${t(`chart.${way}`)}</span>
        ${Object.keys(FORMATS).map(
          (format) => html`<button key=${format} type="button" class="button button-quiet" onClick=${() => take(format, way)}>
            ${format.toUpperCase()}
          </button>`,
        )}
      </div>`,
    )}
  </div>`;
}

/**
 * A chart with what belongs to each: a title, a sentence on how to read it, and behind it the same
 * numbers as a table, and copies. `table` gives `{columns: [{name, format, plays}], rows: [{cells,
 * start, end}]}`, and is asked for when somebody wants it. The children draw one SVG `.drawing`.
 */
export function Chart({ jobId, title, lead, note, level = 3, table, tools, children }) {
  const [open, setOpen] = useState(false);
  const drawing = useRef();
  const id = useId();
  return html`<figure class="chart" aria-labelledby=${id}>
    <figcaption class="chart-head">
      <div>
        <${`h${level}`} id=${id}>${title}<//>
        ${lead && html`<p class="fine">${lead}</p>`}
      </div>
      ${tools}
    </figcaption>
    <div ref=${drawing}>${children}</div>
    ${note && html`<p class="chart-note">${note}</p>`}
    <details class="chart-behind" open=${open} onToggle=${(event) => setOpen(event.currentTarget.open)}>
      <summary>${t("chart.behind")}<span class="visually-hidden">: ${title}</span></summary>
      ${open &&
      html`<${Numbers} jobId=${jobId} title=${title} table=${table()} />
        <${Copies} title=${title} table=${table} picture=${() => drawing.current.querySelector("svg.drawing")} />`}
    </details>
  </figure>`;
}

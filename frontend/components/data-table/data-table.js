import { html, useId } from "../../view.js";

/**
 * Rows of figures. `columns`: `{name, cell, numeric}`, where `cell(row)` gives what stands there;
 * the first is the row's heading.
 */
export function DataTable({ caption, columns, rows, keyOf }) {
  const id = useId();
  const [heading, ...figures] = columns;
  const kind = ({ numeric }) => (numeric ? "numeric" : undefined);
  return html`<div class="data-table" role="region" aria-labelledby=${id} tabindex="0">
    <table>
      <caption id=${id}>${caption}</caption>
      <thead>
        <tr>
          ${columns.map((column, place) => html`<th key=${place} scope="col" class=${kind(column)}>${column.name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) => html`<tr key=${keyOf(row)}>
            <th scope="row">${heading.cell(row)}</th>
            ${figures.map((column, place) => html`<td key=${place} class=${kind(column)}>${column.cell(row)}</td>`)}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

import { date } from "../../format.js";
import { html } from "../../view.js";

const HEIGHT = 104; // px
const TOP = 22;
const BOTTOM = 8;
const EDGE = 3; // % of the width on either side, for the points there
const NEAR = 12; // px around a point that are its own

/**
 * One figure of many debates, from the oldest to the newest. `points`: `{value, at, href, text}`, a
 * value of null where a debate does not say. A drawing for the eye and the pointer: the same stands
 * in the table beside it.
 */
export function Trend({ title, points, format }) {
  const known = points.filter(({ value }) => value != null);
  if (!known.length) return null;
  const most = Math.max(...known.map(({ value }) => value), 0) || 1;
  const x = (index) => (points.length > 1 ? EDGE + (index / (points.length - 1)) * (100 - 2 * EDGE) : 50);
  const y = (value) => HEIGHT - BOTTOM - (value / most) * (HEIGHT - TOP - BOTTOM);
  const drawn = points.map((point, index) => ({ ...point, x: `${x(index)}%`, y: y(point.value ?? 0) }));
  const radius = points.length > 40 ? 2 : 4;
  return html`<figure class="trend">
    <figcaption>
      <span>${title}</span>
      <strong>${format(known.at(-1).value)}</strong>
    </figcaption>
    <svg width="100%" height=${HEIGHT} aria-hidden="true">
      <line class="trend-ground" x1="0" x2="100%" y1=${HEIGHT - BOTTOM} y2=${HEIGHT - BOTTOM} />
      <line class="trend-most" x1="0" x2="100%" y1=${TOP} y2=${TOP} />
      <text x="0" y=${TOP - 6}>${format(most)}</text>
      ${drawn.slice(1).map((point, index) => {
        const before = drawn[index];
        if (point.value == null || before.value == null) return null;
        return html`<line key=${index} class="trend-line" x1=${before.x} y1=${before.y} x2=${point.x} y2=${point.y} />`;
      })}
      ${drawn.map(
        (point, index) =>
          point.value != null &&
          html`<a key=${index} href=${point.href} tabindex="-1">
            <title>${point.text}: ${format(point.value)}</title>
            <circle class="trend-near" cx=${point.x} cy=${point.y} r=${NEAR} />
            <circle class="trend-point" cx=${point.x} cy=${point.y} r=${radius} />
          </a>`,
      )}
    </svg>
    <p class="trend-ends" aria-hidden="true">
      <span>${date(points[0].at)}</span>
      ${points.length > 1 && html`<span>${date(points.at(-1).at)}</span>`}
    </p>
  </figure>`;
}

import { useWidth } from "../../hooks.js";
import { fitted, textWidth } from "../../lettering.js";
import { linear } from "../../scale.js";
import { html, useRef } from "../../view.js";
import { FigureMark } from "../moments/moments.js";
import { fillOf } from "../speaker-mark/speaker-mark.js";

const ROW = 48; // px
const BAR = 16;
const LINE = 14; // middle of the words above a bar
const TOP = 26;
const CAP = 5;

/** A line between the bounds with a cap at each, on a lighter edge. */
function Whisker({ low, high, x, y }) {
  const middle = y + BAR / 2;
  const caps = [low, high].map((bound) => `M${x(bound).toFixed(1)} ${middle - CAP}v${2 * CAP}`).join("");
  const path = `M${x(low).toFixed(1)} ${middle}H${x(high).toFixed(1)}${caps}`;
  return html`<path class="whisker-edge" d=${path} /><path class="whisker" d=${path} />`;
}

function Bar({ row, y, x, width, shown }) {
  const { name, look, value, text, aside = "", bounds, target, label, figure } = row;
  const words = `${text}  ${aside}`;
  const indent = look === undefined ? 0 : 20;
  const room = width - textWidth(words, 14) - indent - 20;
  const drawn = html`
    ${look !== undefined && html`<rect y=${y + LINE - 7} width="13" height="13" rx="3" fill=${fillOf(look)} />`}
    <text x=${indent} y=${y + LINE} dominant-baseline="central">${fitted(name, room, 14)}</text>
    <text x=${width} y=${y + LINE} dominant-baseline="central" text-anchor="end">
      ${text}<tspan class="drawing-soft">${aside && `  ${aside}`}</tspan>
    </text>
    <rect class="drawing-track" y=${y + TOP} width=${width} height=${BAR} rx="3" />
    <rect
      class="bar"
      data-value=${value}
      y=${y + TOP}
      width=${x(value)}
      height=${BAR}
      rx="3"
      fill=${look === undefined ? null : fillOf(look)}
    />
    ${target != null && html`<path class="bar-target" d=${`M${x(target).toFixed(1)} ${y + TOP - 4}v${BAR + 8}`} />`}
    ${bounds && html`<${Whisker} low=${bounds[0]} high=${bounds[1]} x=${x} y=${y + TOP} />`}
  `;
  const area = { y, width, height: ROW - 4 };
  return figure
    ? html`<${FigureMark} shown=${shown} label=${label} figure=${figure} area=${area}>${drawn}<//>`
    : html`<g role="img" aria-label=${label}>${drawn}</g>`;
}

/**
 * A bar for each of `rows`: `{name, look, value, text, aside, bounds, target, label, figure}`, with
 * an interval where there are `bounds`, a mark where there is a `target`, and what `figure()` gives
 * when it is asked what it is made of. The longest reaches across.
 */
export function Bars({ rows, label, shown }) {
  const frame = useRef();
  const width = useWidth(frame);
  const longest = Math.max(...rows.flatMap(({ value, bounds, target }) => [value, bounds?.[1] ?? 0, target ?? 0]), 0);
  const x = linear([0, longest || 1], [0, width]);
  const height = rows.length * ROW;
  return html`<div ref=${frame}>
    ${width > 0 &&
    html`<svg
      class="drawing bars"
      width=${width}
      height=${height}
      viewBox=${`0 0 ${width} ${height}`}
      role="group"
      aria-label=${label}
    >
      ${rows.map(
        (row, index) => html`<${Bar} key=${index} row=${row} y=${index * ROW} x=${x} width=${width} shown=${shown} />`,
      )}
    </svg>`}
  </div>`;
}

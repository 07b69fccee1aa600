import { useWidth } from "../../hooks.js";
import { t } from "../../i18n/index.js";
import { fitted, textWidth } from "../../lettering.js";
import { number } from "../../format.js";
import { speakerName } from "../../speakers.js";
import { turnsAfter } from "../../statistics.js";
import { html, useRef, useState } from "../../view.js";
import { Chart } from "../chart/chart.js";
import { FigureMark } from "../moments/moments.js";
import { fillOf } from "../speaker-mark/speaker-mark.js";

const LEAST = 34; // px of a cell
const MOST = 64;
const HEAD = 72; // for the names above, which stand aslant

const MOVES = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };

function Grid({ statistics, look, shown, width }) {
  const { speakers, counts } = statistics.turnTaking;
  const [at, setAt] = useState([0, 0]);
  const names = speakers.map(speakerName);
  const left = Math.min(Math.max(...names.map((name) => textWidth(name, 14))) + 32, width * 0.38);
  const cell = Math.min(Math.max((width - left - HEAD * 0.6) / names.length, LEAST), MOST);
  const height = Math.min(cell, 40);
  const most = Math.max(...counts.flat(), 1);
  const size = { width: Math.max(left + cell * names.length + HEAD * 0.6, width), height: HEAD + height * names.length };

  function figure(from, to) {
    return {
      title: t("matrix.cell", { from: names[from], to: names[to], count: counts[from][to] }),
      moments: turnsAfter(statistics, speakers[from], speakers[to]),
    };
  }

  /** The grid is one stop of the Tab key; arrows move within it. */
  function onKeyDown(event) {
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    const [row, column] = at.map((place, axis) => Math.min(Math.max(place + move[axis], 0), names.length - 1));
    setAt([row, column]);
    event.currentTarget.querySelector(`[data-cell="${row} ${column}"]`).focus();
  }

  return html`<svg
    class="drawing"
    ...${size}
    viewBox=${`0 0 ${size.width} ${size.height}`}
    role="group"
    aria-label=${t("matrix.label")}
    onKeyDown=${onKeyDown}
  >
    ${names.map(
      (name, column) => html`<g key=${column} transform=${`translate(${left + (column + 0.5) * cell} ${HEAD - 8}) rotate(-40)`}>
        <text class="drawing-soft">${fitted(name, HEAD * 1.2, 12.5)}</text>
      </g>`,
    )}
    ${names.map(
      (name, row) => html`<g key=${row}>
        <rect y=${HEAD + (row + 0.5) * height - 6} width="13" height="13" rx="3" fill=${fillOf(look.get(speakers[row]))} />
        <text x="20" y=${HEAD + (row + 0.5) * height} dominant-baseline="central">${fitted(name, left - 32, 14)}</text>
        ${counts[row].map((count, column) => {
          const x = left + column * cell;
          const y = HEAD + row * height;
          return html`<${FigureMark}
            key=${column}
            shown=${shown}
            label=${t("matrix.cell", { from: name, to: names[column], count })}
            figure=${() => figure(row, column)}
            area=${{ x: x + 1, y: y + 1, width: cell - 2, height: height - 2 }}
            tabindex=${row === at[0] && column === at[1] ? "0" : "-1"}
            data-cell=${`${row} ${column}`}
            onFocus=${() => setAt([row, column])}
          >
            <rect class="matrix-heat" x=${x + 1} y=${y + 1} width=${cell - 2} height=${height - 2} fill-opacity=${(count / most) * 0.55} />
            <text
              class=${count ? "" : "drawing-soft"}
              x=${x + cell / 2}
              y=${y + height / 2}
              text-anchor="middle"
              dominant-baseline="central"
            >
              ${count ? number(count) : "·"}
            </text>
          <//>`;
        })}
      </g>`,
    )}
  </svg>`;
}

function Matrix({ jobId, statistics, look, shown }) {
  const frame = useRef();
  const width = useWidth(frame);
  const { speakers, counts } = statistics.turnTaking;
  const table = () => ({
    columns: [{ name: t("matrix.from") }, { name: t("matrix.to") }, { name: t("table.turns"), format: number }],
    rows: counts.flatMap((row, from) =>
      row.map((count, to) => ({ cells: [speakerName(speakers[from]), speakerName(speakers[to]), count] })),
    ),
  });
  return html`<${Chart} jobId=${jobId} title=${t("matrix.title")} lead=${t("matrix.lead")} table=${table}>
    <div ref=${frame} class="matrix">
      ${width > 0 && html`<${Grid} statistics=${statistics} look=${look} shown=${shown} width=${width} />`}
    </div>
  <//>`;
}

/** Who has the turn after whom; one speaker alone has it after nobody. */
export function TurnMatrix(props) {
  return props.statistics.turnTaking.speakers.length > 1 && html`<${Matrix} ...${props} />`;
}

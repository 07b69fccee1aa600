import { clock, number } from "../../format.js";
import { t } from "../../i18n/index.js";
import { linear, stepsPath } from "../../scale.js";
import { speakerName } from "../../speakers.js";
import { html, useMemo } from "../../view.js";
import { Chart } from "../chart/chart.js";
import { Timeline } from "../timeline/timeline.js";

const ROW = 52; // px
const MARGIN = 5;

/** Words a minute of each speaker over the debate, a row each on one scale. */
export function Pace({ jobId, statistics, rows, look, playback, question }) {
  const { duration } = statistics;
  const items = useMemo(() => {
    const windows = rows.flatMap(({ speaker, pace }, row) =>
      pace
        .filter((each) => each.wordsPerMinute != null)
        .map(({ start, end, words, wordsPerMinute }) => ({
          row,
          start,
          end,
          words,
          value: wordsPerMinute,
          label: () =>
            t("pace.window", {
              speaker: speakerName(speaker),
              from: clock(start),
              to: clock(end),
              pace: number(wordsPerMinute),
              words: number(words),
            }),
        })),
    );
    return windows.sort((a, b) => a.start - b.start || a.row - b.row);
  }, [statistics]);
  if (!items.length) return null;
  const most = Math.ceil(Math.max(...items.map(({ value }) => value)) / 50) * 50;

  function draw({ row, x, left, width, y }) {
    const { speaker, pace, wordsPerMinute, uncertainty } = rows[row];
    const height = linear([0, most], [y + ROW - MARGIN, y + MARGIN]);
    const windows = pace.map(({ start, end, wordsPerMinute: value }) => ({ start, end, value }));
    const bounds = uncertainty.wordsPerMinute?.[question];
    return html`<g class=${`speaker-${look.get(speaker)}`}>
      <path class="drawing-rule" d=${`M${left} ${height(0)}H${width}`} />
      ${bounds &&
      html`<rect
        class="pace-bounds"
        x=${left}
        y=${height(bounds[1])}
        width=${width - left}
        height=${height(bounds[0]) - height(bounds[1])}
      />`}
      ${wordsPerMinute != null && html`<path class="pace-mean" d=${`M${left} ${height(wordsPerMinute)}H${width}`} />`}
      <path class="pace-line" d=${stepsPath(windows, x, height)} />
      ${wordsPerMinute != null &&
      html`<text class="drawing-soft pace-number" x=${width} y=${height(wordsPerMinute) + 14} text-anchor="end">
        ${number(wordsPerMinute)}
      </text>`}
    </g>`;
  }

  const table = () => ({
    columns: [
      { name: t("table.speaker") },
      { name: t("chart.start"), format: clock, plays: true },
      { name: t("chart.end"), format: clock },
      { name: t("table.words"), format: number },
      { name: t("table.wordsPerMinute"), format: number },
    ],
    rows: items.map(({ row, start, end, words, value }) => ({
      cells: [speakerName(rows[row].speaker), start, end, words, value],
      start,
      end,
    })),
  });
  return html`<${Chart}
    jobId=${jobId}
    title=${t("pace.title")}
    lead=${t("pace.lead", { most: number(most) })}
    note=${t("pace.note")}
    table=${table}
  >
    <${Timeline}
      jobId=${jobId}
      label=${`${t("pace.title")}. ${t("chart.hint")}`}
      rows=${rows.map(({ speaker }) => ({ name: speakerName(speaker), look: look.get(speaker) }))}
      items=${items}
      view=${[0, duration]}
      duration=${duration}
      playback=${playback}
      rowHeight=${ROW}
      draw=${draw}
    />
  <//>`;
}

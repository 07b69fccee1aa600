import { clock, duration as lengthOf } from "../../format.js";
import { useWidth } from "../../hooks.js";
import { t } from "../../i18n/index.js";
import { barsPath, linear, shadePath, within, zoomed } from "../../scale.js";
import { speakerName } from "../../speakers.js";
import { joined, spanAt, visible, where } from "../../spans.js";
import { spansBySpeaker } from "../../transcript.js";
import { html, useEffect, useMemo, useRef, useState } from "../../view.js";
import { Chart } from "../chart/chart.js";
import { fillOf } from "../speaker-mark/speaker-mark.js";
import { Timeline } from "../timeline/timeline.js";

const PAUSE = 0.2; // s, within what somebody says at a stretch (docs/statistics.md: utterance)
const ROW = 24; // px
const BAR = 14;
const THIN = 6; // of what nobody in particular does
const FINEST = 1; // px: what lies closer cannot be told apart
const GRIP = 24;
const STEP = 0.1; // of the view, by which an arrow key moves it

/** What there is to see: a row a speaker, one for speech at once and one for silence. */
function useSpeech(transcript, look) {
  return useMemo(() => {
    const { duration } = transcript;
    const lanes = [...spansBySpeaker(transcript, PAUSE)];
    const lists = lanes.map(([, spans]) => spans);
    const rows = [
      ...lanes.map(([speaker, spans]) => ({ name: speakerName(speaker), look: look.get(speaker), spans })),
      { name: t("lanes.together"), spans: where(lists, duration, (heard) => heard > 1), mark: "lane-together" },
      { name: t("lanes.silence"), spans: where(lists, duration, (heard) => heard === 0), mark: "lane-silence" },
    ];
    const together = ({ start, end }) =>
      lanes.filter(([, spans]) => spanAt(spans, (start + end) / 2, 0)).map(([speaker]) => speakerName(speaker));
    const label = (item) => {
      const { row, start, end } = item;
      const who = row === lanes.length ? `${rows[row].name} (${together(item).join(", ")})` : rows[row].name;
      return t("lanes.span", { name: who, from: clock(start), to: clock(end), length: lengthOf(end - start) });
    };
    const items = rows.flatMap(({ spans }, row) => spans.map(({ start, end }) => ({ row, start, end, label })));
    items.sort((a, b) => a.start - b.start);
    return { rows, items, speakers: lanes.length };
  }, [transcript, look, t("lanes.together")]);
}

/** A row's spans as one path. */
function Spans({ row, view, x, y, height }) {
  const spans = visible(row.spans, view);
  if (row.mark) return html`<path class=${row.mark} d=${shadePath(spans, x, y, height)} />`;
  const perPixel = (view[1] - view[0]) / (x(view[1]) - x(view[0]));
  return html`<path fill=${fillOf(row.look)} d=${barsPath(joined(spans, perPixel * FINEST), x, y, height)} />`;
}

function tableOf({ rows, items }) {
  return {
    columns: [
      { name: t("table.speaker") },
      { name: t("chart.start"), format: clock, plays: true },
      { name: t("chart.end"), format: clock },
      { name: t("chart.length"), format: lengthOf },
    ],
    rows: items.map(({ row, start, end }) => ({
      cells: [rows[row].name, start, end, Math.round((end - start) * 1000) / 1000],
      start,
      end,
    })),
  };
}

/** An end of the view on the overview: a slider. Arrows move the view, with Shift this end alone. */
function Edge({ which, view, duration, x, height, onView }) {
  const value = view[which];

  function onKeyDown(event) {
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -9, PageUp: 9 }[event.key];
    const far = { Home: -duration, End: duration }[event.key];
    if (!step && !far) return;
    event.preventDefault();
    const by = far ?? step * STEP * (view[1] - view[0]);
    const both = view.map((edge) => edge + by);
    onView(event.shiftKey ? view.map((edge, index) => (index === which ? edge + by : edge)) : both, which);
  }

  return html`<g
    class="overview-edge"
    role="slider"
    tabindex="0"
    aria-label=${t(which ? "lanes.view_end" : "lanes.view_start")}
    aria-valuemin="0"
    aria-valuemax=${Math.round(duration)}
    aria-valuenow=${Math.round(value)}
    aria-valuetext=${clock(value)}
    aria-describedby="lanes-hint"
    transform=${`translate(${x(value).toFixed(1)} 0)`}
    onKeyDown=${onKeyDown}
  >
    <rect x=${which ? -4 : -GRIP + 4} width=${GRIP} height=${height} fill="transparent" />
    <rect class="overview-grip" x="-3" y=${height / 4} width="6" height=${height / 2} rx="3" />
  </g>`;
}

/** The whole recording, small, and the part of it that is shown above: drag it, its ends, or a new one. */
function Overview({ rows, speakers, view, duration, onView }) {
  const frame = useRef();
  const drag = useRef(null);
  const width = useWidth(frame);
  const height = Math.max(28, speakers * 4 + 8);
  const x = linear([0, duration], [GRIP / 2, width - GRIP / 2]);
  const timeAt = linear([GRIP / 2, width - GRIP / 2], [0, duration]);
  const whole = useMemo(() => {
    const tall = (height - 8) / speakers;
    return rows.slice(0, speakers).map((row, index) => html`<${Spans}
      key=${row.name}
      row=${row}
      view=${[0, duration]}
      x=${x}
      y=${4 + index * tall}
      height=${Math.max(tall - 1, 1)}
    />`);
  }, [rows, width]);

  const timeOf = (event) => timeAt(event.clientX - event.currentTarget.getBoundingClientRect().left);

  function onPointerDown(event) {
    event.currentTarget.setPointerCapture(event.pointerId);
    const time = timeOf(event);
    const reach = timeAt(GRIP / 2) - timeAt(0);
    const edge = view.findIndex((end) => Math.abs(end - time) < reach);
    const shows = view[1] - view[0] < duration && time > view[0] && time < view[1];
    drag.current = { from: time, view, edge, kind: edge >= 0 ? "edge" : shows ? "move" : "draw" };
  }

  function onPointerMove(event) {
    if (!drag.current) return;
    const { from, view: before, edge, kind } = drag.current;
    const time = timeOf(event);
    if (kind === "move") onView(before.map((end) => end + time - from));
    else {
      const fixed = kind === "edge" ? before[1 - edge] : from;
      if (Math.abs(time - fixed) > timeAt(4) - timeAt(0)) onView([Math.min(fixed, time), Math.max(fixed, time)]);
    }
  }

  const end = () => {
    drag.current = null;
  };

  return html`<div ref=${frame} class="overview">
    ${width > 0 &&
    html`<svg
      class="overview-drawing"
      width=${width}
      height=${height}
      role="group"
      aria-label=${t("lanes.overview")}
      onPointerDown=${onPointerDown}
      onPointerMove=${onPointerMove}
      onPointerUp=${end}
      onPointerCancel=${end}
    >
      <rect class="drawing-track" x=${GRIP / 2} width=${width - GRIP} height=${height} rx="3" />
      ${whole}
      <rect class="overview-rest" x=${GRIP / 2} width=${x(view[0]) - GRIP / 2} height=${height} />
      <rect class="overview-rest" x=${x(view[1])} width=${width - GRIP / 2 - x(view[1])} height=${height} />
      <rect class="overview-view" x=${x(view[0])} width=${x(view[1]) - x(view[0])} y="1" height=${height - 2} />
      ${[0, 1].map(
        (which) => html`<${Edge}
          key=${which}
          which=${which}
          view=${view}
          duration=${duration}
          x=${x}
          height=${height}
          onView=${onView}
        />`,
      )}
    </svg>`}
  </div>`;
}

function Zoom({ view, duration, onView }) {
  const whole = view[1] - view[0] >= duration;
  const middle = (view[0] + view[1]) / 2;
  const button = (key, sign, factor, off) => html`<button
    type="button"
    class="button button-quiet"
    aria-label=${t(key)}
    title=${t(key)}
    aria-disabled=${off || undefined}
    onClick=${() => onView(zoomed(view, factor, middle, duration))}
  >
    ${sign}
  </button>`;
  return html`<div class="lanes-zoom" role="group" aria-label=${t("lanes.zoom")}>
    ${button("lanes.zoom_out", "−", 2, whole)} ${button("lanes.zoom_in", "+", 0.5)}
    ${button("lanes.zoom_all", t("lanes.all"), Infinity, whole)}
  </div>`;
}

/** The view follows the recording where it plays out of it, and stays where somebody has moved it. */
function useFollowing(playback, duration, setView) {
  useEffect(() => {
    let before = playback.time.get();
    return playback.time.subscribe((time) => {
      const from = before;
      before = time;
      setView((view) => {
        const wasIn = from >= view[0] && from <= view[1];
        if (!wasIn || (time >= view[0] && time <= view[1])) return view;
        const length = view[1] - view[0];
        return within([time - length / 10, time + length * 0.9], duration);
      });
    });
  }, [playback, duration]);
}

/** Who speaks when: a lane each, with what overlaps and what is silence. */
export function Lanes({ jobId, transcript, look, playback }) {
  const { duration } = transcript;
  const [view, setView] = useState([0, duration]);
  const speech = useSpeech(transcript, look);
  useFollowing(playback, duration, setView);
  const { rows, items, speakers } = speech;
  if (!speakers || !(duration > 0)) return null;

  const onView = (next) => setView(within(next, duration));
  const draw = ({ row, x, left, width, y }) => {
    const height = rows[row].mark ? THIN : BAR;
    const at = y + (ROW - height) / 2;
    return html`
      ${!rows[row].mark && html`<rect class="drawing-track" x=${left} width=${width - left} y=${at} height=${height} />`}
      <${Spans} row=${rows[row]} view=${view} x=${x} y=${at} height=${height} />
    `;
  };
  return html`<${Chart}
    jobId=${jobId}
    title=${t("lanes.title")}
    level=${2}
    table=${() => tableOf(speech)}
    tools=${html`<${Zoom} view=${view} duration=${duration} onView=${setView} />`}
    note=${t("lanes.note")}
  >
    <p id="lanes-hint" class="visually-hidden">${t("lanes.hint")}</p>
    <${Timeline}
      jobId=${jobId}
      label=${`${t("lanes.label", { count: speakers, duration: clock(duration) })} ${t("lanes.hint")}`}
      rows=${rows}
      items=${items}
      view=${view}
      duration=${duration}
      playback=${playback}
      rowHeight=${ROW}
      plays="on"
      onView=${setView}
      draw=${draw}
    />
    <${Overview} rows=${rows} speakers=${speakers} view=${view} duration=${duration} onView=${onView} />
  <//>`;
}

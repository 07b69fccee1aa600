import { announce } from "../../announce.js";
import { clock, duration as lengthOf } from "../../format.js";
import { t } from "../../i18n/index.js";
import { barsPath } from "../../scale.js";
import { speakerName } from "../../speakers.js";
import { OVERLAP_KINDS } from "../../statistics.js";
import { html, useId, useState } from "../../view.js";
import { Chart } from "../chart/chart.js";
import { TELL } from "../figures/evidence.js";
import { MomentList } from "../moments/moments.js";
import { fillOf } from "../speaker-mark/speaker-mark.js";
import { Timeline } from "../timeline/timeline.js";

const ROW = 24; // px
const MARK = 14;
const LEAST = 2;
const EVERY = "";

function Filter({ name, value, choices, onChange }) {
  const id = useId();
  return html`<div>
    <label for=${id}>${t(`overlaps.${name}`)}</label>
    <select id=${id} value=${value} onChange=${(event) => onChange(event.target.value)}>
      <option value=${EVERY}>${t("overlaps.all")}</option>
      ${choices.map(([choice, text]) => html`<option key=${choice} value=${choice}>${text}</option>`)}
    </select>
  </div>`;
}

/** Who began while another was speaking: when, over whom, and what became of it. */
export function Overlaps({ jobId, statistics, rows, look, transcript, playback }) {
  const [filter, setFilter] = useState({ kind: EVERY, speaker: EVERY, over: EVERY });
  const { duration, evidence } = statistics;
  if (!evidence.overlapStarts.length) return null;
  const passing = (wanted) =>
    evidence.overlapStarts.filter((event) =>
      Object.entries(wanted).every(([field, value]) => value === EVERY || event[field] === value),
    );
  const events = passing(filter);
  const beginners = rows.map(({ speaker }) => speaker).filter((speaker) => events.some((event) => event.speaker === speaker));
  const people = rows.map(({ speaker }) => [speaker, speakerName(speaker)]);
  const items = events.map((event) => {
    const values = { kind: t(`overlaps.${event.kind}`), speaker: speakerName(event.speaker), over: speakerName(event.over), time: clock(event.start) };
    return { ...event, row: beginners.indexOf(event.speaker), label: () => t("overlaps.event", values) };
  });

  const draw = ({ row, x, left, width, y }) => {
    const at = y + (ROW - MARK) / 2;
    const own = items.filter((item) => item.row === row);
    return html`
      <path class="drawing-rule" d=${`M${left} ${y + ROW / 2}H${width}`} />
      <path fill=${fillOf(look.get(beginners[row]))} d=${barsPath(own, x, at, MARK, LEAST)} />
    `;
  };
  const table = () => ({
    columns: [
      { name: t("overlaps.speaker") },
      { name: t("overlaps.over") },
      { name: t("overlaps.kind") },
      { name: t("chart.start"), format: clock, plays: true },
      { name: t("chart.length"), format: lengthOf },
    ],
    rows: events.map(({ speaker, over, kind, start, end }) => ({
      cells: [speakerName(speaker), speakerName(over), t(`overlaps.${kind}`), start, Math.round((end - start) * 1000) / 1000],
      start,
      end,
    })),
  });
  const choose = (field) => (value) => {
    const next = { ...filter, [field]: value };
    setFilter(next);
    announce(t("overlaps.count", { count: passing(next).length }));
  };
  return html`<${Chart} jobId=${jobId} title=${t("overlaps.title")} lead=${t("overlaps.lead")} note=${t("overlaps.note")} table=${table}>
    <div class="overlaps-filter">
      <${Filter} name="kind" value=${filter.kind} choices=${OVERLAP_KINDS.map((kind) => [kind, t(`overlaps.${kind}`)])} onChange=${choose("kind")} />
      <${Filter} name="speaker" value=${filter.speaker} choices=${people} onChange=${choose("speaker")} />
      <${Filter} name="over" value=${filter.over} choices=${people} onChange=${choose("over")} />
      <p>${t("overlaps.count", { count: events.length })}</p>
    </div>
    ${events.length > 0 &&
    html`<${Timeline}
        jobId=${jobId}
        label=${`${t("overlaps.title")}. ${t("chart.hint")}`}
        rows=${beginners.map((speaker) => ({ name: speakerName(speaker), look: look.get(speaker) }))}
        items=${items}
        view=${[0, duration]}
        duration=${duration}
        playback=${playback}
        rowHeight=${ROW}
        draw=${draw}
      />
      <details class="chart-behind">
        <summary>${t("overlaps.list")}</summary>
        <${MomentList}
          key=${JSON.stringify(filter)}
          jobId=${jobId}
          moments=${events}
          transcript=${transcript}
          look=${look}
          tell=${TELL.overlapStarts}
        />
      </details>`}
  <//>`;
}

import { duration, number, percent, sureness } from "../../format.js";
import { t } from "../../i18n/index.js";
import { speakerName } from "../../speakers.js";
import { where } from "../../spans.js";
import { isKnown, momentsOf } from "../../statistics.js";
import { createStore } from "../../store.js";
import { html, useMemo, useState } from "../../view.js";
import { Balance } from "../balance/balance.js";
import { Bars } from "../bars/bars.js";
import { Chart } from "../chart/chart.js";
import { DistinctiveWords } from "../distinctive-words/distinctive-words.js";
import { Moderation } from "../moderation/moderation.js";
import { FigureButton, Moments } from "../moments/moments.js";
import { Notice } from "../notice/notice.js";
import { Overlaps } from "../overlaps/overlaps.js";
import { Pace } from "../pace/pace.js";
import { SpeakerTable } from "../speaker-table/speaker-table.js";
import { TurnMatrix } from "../turn-matrix/turn-matrix.js";
import { FORMATS, figureOf, opens, rangeText, reasonOf } from "./evidence.js";

const SPEAKING = [
  ...["speakingTime", "speakingShare", "words", "wordShare", "wordsPerMinute"],
  ...["segments", "turns", "longestTurn", "meanTurn", "confidence"],
];
const EXCHANGE = [
  ...["questions", "questionsAnswered", "responseLatency", "medianTurn"],
  ...["overlapStarts.floorTaken", "overlapStarts.overlap", "overlapStarts.backchannel"],
  ...["overlapStartsSuffered.floorTaken", "fillersPerMinute", "vocabulary.distinctWords"],
];
const QUESTIONS = ["thisDebate", "suchDebates"];

/** A number of the whole debate; with moments, a button that opens them. */
function Headline({ name, text, value, moments, shown }) {
  const data = html`<data value=${value}>${text}</data>`;
  const figure = () => ({ title: `${t(`figures.${name}`)}: ${text}`, moments: moments() });
  return html`<div>
    <dt>${t(`figures.${name}`)}</dt>
    <dd>
      ${moments && value > 0
        ? html`<${FigureButton} shown=${shown} label=${`${t(`figures.${name}`)}: ${text}`} figure=${figure}>${data}<//>`
        : data}
    </dd>
  </div>`;
}

/** The time in which several speak, from the speech of each. */
function overlaps(statistics) {
  const lists = statistics.speakers.map(({ speaker }) => momentsOf(statistics, "speakingTime", speaker));
  return where(lists, statistics.duration, (heard) => heard > 1);
}

function Headlines({ statistics, shown }) {
  const { totals } = statistics;
  const all = (figure) => () => momentsOf(statistics, figure);
  return html`<dl class="headlines">
    <${Headline} name="duration" text=${duration(statistics.duration)} value=${statistics.duration} />
    <${Headline} name="speakers" text=${number(statistics.speakersCount)} value=${statistics.speakersCount} />
    <${Headline} name="words" text=${number(totals.words)} value=${totals.words} moments=${all("words")} shown=${shown} />
    <${Headline} name="turns" text=${number(totals.turns)} value=${totals.turns} moments=${all("turns")} shown=${shown} />
    ${totals.overlap != null &&
    html`<${Headline}
      name="overlap"
      text=${duration(totals.overlap)}
      value=${totals.overlap}
      moments=${() => overlaps(statistics)}
      shown=${shown}
    />`}
    <${Headline}
      name="silence"
      text=${duration(totals.silence)}
      value=${totals.silence}
      moments=${all("silence")}
      shown=${shown}
    />
  </dl>`;
}

/** For which of two questions the intervals are: what was misheard, or what is chance. */
function Question({ question, onChange }) {
  return html`<fieldset class="question">
    <legend>${t("figures.question")}</legend>
    ${QUESTIONS.map(
      (each) => html`<label key=${each}>
        <input type="radio" name="question" value=${each} checked=${question === each} onChange=${() => onChange(each)} />
        ${t(`figures.${each}`)}
      </label>`,
    )}
    <p class="fine">${t(`figures.${question}_means`)}</p>
  </fieldset>`;
}

/** A figure of every speaker as a bar, its interval on it. */
function SpeakerBars({ jobId, statistics, rows, look, shown, question, figure, share }) {
  const format = FORMATS[figure];
  const bars = rows.map((row) => {
    const bounds = row.uncertainty[figure]?.[question];
    const text = format(row[figure]);
    const name = speakerName(row.speaker);
    const label = [`${name}: ${text}`, percent(row[share]), rangeText(bounds, format)].filter(Boolean).join(", ");
    return {
      name,
      look: look.get(row.speaker),
      value: row[figure],
      text,
      aside: percent(row[share]),
      bounds,
      label,
      figure: opens(figure, row[figure]) && (() => figureOf(statistics, row, figure)),
    };
  });
  const table = () => ({
    columns: [
      { name: t("table.speaker") },
      { name: t(`table.${figure}`), format },
      { name: t("chart.low"), format },
      { name: t("chart.high"), format },
      { name: t(`table.${share}`), format: percent },
    ],
    rows: rows.map((row, index) => ({
      cells: [bars[index].name, row[figure], ...(bars[index].bounds ?? [null, null]), row[share]],
    })),
  });
  return html`<${Chart} jobId=${jobId} title=${t(`bars.${figure}`)} table=${table}>
    <${Bars} rows=${bars} label=${t(`bars.${figure}`)} shown=${shown} />
  <//>`;
}

/** Who spoke longer than who came next, and how sure that is. */
function Comparisons({ rows, comparisons, question }) {
  const neighbours = rows.slice(1).map((less, index) => [rows[index].speaker, less.speaker]);
  const told = neighbours.flatMap(([more, less]) =>
    comparisons.filter(
      (each) =>
        each.figure === "speakingTime" && each.more === more && each.less === less && each[question] != null,
    ),
  );
  if (!told.length) return null;
  return html`<ul class="comparisons">
    ${told.map(
      (each) => html`<li key=${each.more}>
        ${t(`figures.longer_${question}`, {
          more: speakerName(each.more),
          less: speakerName(each.less),
          sure: sureness(each[question]),
        })}
      </li>`,
    )}
  </ul>`;
}

/** What this transcript cannot say, and why: a reason once for all that it takes away. */
function Missing({ statistics }) {
  const reasons = new Map();
  for (const each of statistics.unavailable) {
    const { text, language } = reasonOf(each, statistics.basis);
    const figures = [...(reasons.get(text)?.figures ?? []), t(`missing.${each.figure}`)];
    reasons.set(text, { language, figures });
  }
  if (!reasons.size) return null;
  return html`<div class="figures-missing">
    <h3>${t("figures.missing")}</h3>
    <ul>
      ${[...reasons].map(
        ([text, { language, figures }]) => html`<li key=${text}>
          ${figures.join(", ")}: <span lang=${language}>${text}</span>
        </li>`,
      )}
    </ul>
  </div>`;
}

function Speakers({ rows, statistics, question, onQuestion, ...shared }) {
  const all = { ...shared, rows, statistics, question };
  const some = (columns) => columns.filter((column) => !statistics.unavailable.some(({ figure }) => figure === column.split(".")[0]));
  return html`
    <${Question} question=${question} onChange=${onQuestion} />
    <div class="figures-shares">
      <div class="figures-pair">
        <${SpeakerBars} ...${all} figure="speakingTime" share="speakingShare" />
        <${SpeakerBars} ...${all} figure="words" share="wordShare" />
      </div>
      <${Comparisons} rows=${rows} comparisons=${statistics.comparisons} question=${question} />
    </div>
    <${SpeakerTable} ...${all} id="speaker" caption=${t("table.caption")} columns=${some(SPEAKING)} />
    <${Pace} ...${all} />
    <div class="figures-pair">
      <${TurnMatrix} ...${all} />
      <${Balance} ...${all} />
      <${Moderation} ...${all} />
    </div>
    <${Overlaps} ...${all} />
    <${SpeakerTable} ...${all} id="exchange" caption=${t("table.exchange")} columns=${some(EXCHANGE)} />
    <${DistinctiveWords} ...${all} />
  `;
}

/** The numbers of one debate. Each carries its exact value, says how sure it is, and plays what it is made of. */
export function Figures({ job, transcript, statistics, look, playback }) {
  const shown = useMemo(() => createStore(null), []);
  const [question, setQuestion] = useState("thisDebate");
  if (!isKnown(statistics)) {
    return html`<${Notice} kind="warning" title=${t("figures.other_version")}>
      <p>${t("figures.other_version_text", { version: String(statistics.schemaVersion) })}</p>
    <//>`;
  }
  const { totals } = statistics;
  const rows = [...statistics.speakers].sort((a, b) => b.speakingTime - a.speakingTime);
  const shared = { jobId: job.job_id, transcript, statistics, look, playback, shown };
  return html`<section class="figures" aria-labelledby="figures-heading">
    <h2 id="figures-heading">${t("figures.title")}</h2>
    <${Headlines} statistics=${statistics} shown=${shown} />
    ${rows.length > 0 && html`<${Speakers} ...${shared} rows=${rows} question=${question} onQuestion=${setQuestion} />`}
    ${rows.length === 0 && html`<p>${t("figures.no_speakers")}</p>`}
    <${Missing} statistics=${statistics} />
    <div class="fine figures-note">
      ${statistics.approximate && html`<p>${t("figures.approximate")}</p>`}
      ${totals.unassignedWords > 0 && html`<p>${t("figures.unassigned", { count: totals.unassignedWords })}</p>`}
    </div>
    <${Moments} ...${shared} />
  </section>`;
}

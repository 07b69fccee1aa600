/** What is said of a figure: its value, how sure it is, and the moments it is made of. */
import { duration, number, percent } from "../../format.js";
import { has, locale, t } from "../../i18n/index.js";
import { speakerName } from "../../speakers.js";
import { hasEvidence, momentsOf } from "../../statistics.js";

const tenths = (value) => number(value, 1);

/** How each figure is written; those of a kind as `overlapStarts.overlap`. */
export const FORMATS = {
  speakingTime: duration,
  speakingShare: percent,
  words: number,
  wordShare: percent,
  wordsPerMinute: number,
  segments: number,
  turns: number,
  longestTurn: duration,
  meanTurn: duration,
  medianTurn: duration,
  confidence: percent,
  questions: number,
  questionsAnswered: number,
  responseLatency: duration,
  "overlapStarts.floorTaken": number,
  "overlapStarts.overlap": number,
  "overlapStarts.backchannel": number,
  "overlapStartsSuffered.floorTaken": number,
  fillersPerMinute: tenths,
  "vocabulary.distinctWords": number,
};

/** The value of a figure in a row, null where the transcript cannot carry it. */
export const valueOf = (row, figure) => figure.split(".").reduce((value, key) => value?.[key], row) ?? null;

/** Between what it lies 95 times in 100; nothing where both ends read alike. */
export function rangeText(bounds, format) {
  const [low, high] = (bounds ?? []).map((bound) => format(bound));
  return low === high ? null : t("table.range", { low, high });
}

const QUESTIONS = ["thisDebate", "suchDebates"];

/** The intervals of a figure in words, for both questions that one may have. */
function sureness(uncertainty, format) {
  return QUESTIONS.map((question) => {
    const range = rangeText(uncertainty?.[question], format);
    return range && t(`figures.between_${question}`, { range });
  });
}

/** What there is to say of a moment beside its time. `mark` draws a speaker. */
const TELL = {
  words: (moment) => t("moments.words", { count: moment.words }),
  fillers: (moment) => moment.word,
  questions: (moment, mark) =>
    moment.answeredBy == null ? t("moments.unanswered") : [t("moments.answered"), " ", mark(moment.answeredBy)],
  questionsAnswered: (moment, mark) => [t("moments.asked"), " ", mark(moment.speaker)],
  responseLatency: (moment, mark) => [t("moments.after", { time: number(moment.latency, 1) }), " ", mark(moment.after)],
  overlapStarts: (moment, mark) => [mark(moment.speaker), ` ${t("moments.over")} `, mark(moment.over)],
};
TELL.wordShare = TELL.words;
TELL.wordsPerMinute = TELL.words;
TELL.fillersPerMinute = TELL.fillers;
TELL.overlapStartsSuffered = TELL.overlapStarts;
export { TELL };

const KINDS = { floorTaken: "floor_taken", overlap: "overlap", backchannel: "backchannel" };

/** `{title, notes, moments, tell}` of a speaker's figure, for the list of its moments. */
export function figureOf(statistics, row, figure) {
  const [name, kind] = figure.split(".");
  const format = FORMATS[figure];
  const moments = momentsOf(statistics, name, row.speaker);
  return {
    title: t("figures.of", {
      name: t(`table.${figure}`),
      speaker: speakerName(row.speaker),
      value: format(valueOf(row, figure)),
    }),
    notes: sureness(row.uncertainty[figure], format),
    moments: kind ? moments.filter((moment) => moment.kind === KINDS[kind]) : moments,
    tell: TELL[name],
  };
}

export const opens = (figure, value) => hasEvidence(figure.split(".")[0]) && value != null && value !== 0;

/** Why there is no such figure; the server speaks English. */
export function reasonOf({ figure, reason }, basis) {
  const name = figure.startsWith("overlap") && basis === "segments" ? "segments" : figure;
  const isOurs = locale.get() !== "en" && has(`unavailable.${name}`);
  return { text: isOurs ? t(`unavailable.${name}`) : reason, language: isOurs ? locale.get() : "en" };
}

/** Two debates side by side: which of their figures may be compared, and what is known of the difference. */

const PER = 600; // s: debates of different lengths are compared by ten minutes of each

const scaled = (bounds, factor) => bounds?.map((bound) => bound * factor) ?? null;

/** Words a minute of everybody's speech; the interval where words or speech may be more or fewer. */
function pace({ words, speakingTime, uncertainty }) {
  if (!speakingTime) return { value: null };
  const [fewest, most] = uncertainty.words?.thisDebate ?? [words, words];
  const [shortest, longest] = uncertainty.speakingTime?.thisDebate ?? [];
  return {
    value: (60 * words) / speakingTime,
    bounds: shortest > 0 ? [(60 * fewest) / longest, (60 * most) / shortest] : null,
  };
}

function overlapStarts({ speakers, duration }) {
  const counts = speakers.flatMap(({ overlapStarts: starts }) => (starts ? [starts.overlap + starts.floorTaken] : []));
  return { value: counts.length ? (counts.reduce((sum, count) => sum + count, 0) / duration) * PER : null };
}

/** Who spoke longest, by the share of the speaking time. */
function longest({ speakers }) {
  const [first] = [...speakers].sort((a, b) => b.speakingShare - a.speakingShare);
  return { value: first?.speakingShare ?? null, bounds: first?.uncertainty.speakingShare?.thisDebate };
}

function share(statistics, figure) {
  const { totals, duration } = statistics;
  if (totals[figure] == null || !duration) return { value: null };
  return {
    value: totals[figure] / duration,
    bounds: scaled(totals.uncertainty[figure]?.thisDebate, 1 / duration),
  };
}

/** Of a debate: `{value, bounds}` each, null where it is not known, bounds where they are. */
const FIGURES = {
  pace: ({ totals }) => pace(totals),
  turns: ({ totals, duration }) => ({ value: duration ? (totals.turns / duration) * PER : null }),
  overlapStarts,
  overlap: (statistics) => share(statistics, "overlap"),
  silence: (statistics) => share(statistics, "silence"),
  longest,
  evenness: ({ balance }) => ({ value: balance.evenness }),
};

const WORDS = ["pace", "wordsPerMinute"];
const TIMES = ["turns", "overlapStarts", "overlap", "silence", "longest", "evenness", "speakingShare"];

/** What makes figures of two debates different things, and which: of the debate, and of one speaker. */
const OBSTACLES = {
  language: WORDS,
  recognition: WORDS,
  basis: [...WORDS, ...TIMES],
  diarization: [...WORDS, ...TIMES],
  method: [...WORDS, ...TIMES],
};

const ORIGIN = {
  language: ({ language }) => language,
  recognition: ({ provenance }) => provenance.transcript?.recognition?.model,
  basis: ({ basis }) => basis,
  diarization: ({ provenance }) => provenance.transcript?.diarization?.engine,
  method: ({ provenance }) => provenance.statistics?.method,
};

/** The names of what the two differ in, so that some figures of theirs are not the same thing. */
export function obstacles(first, second) {
  return Object.keys(OBSTACLES).filter((name) => ORIGIN[name](first) !== ORIGIN[name](second));
}

/**
 * What is known of a figure `{value, bounds}` of each: "first" or "second", whichever is surely above;
 * "unsure" where the intervals overlap, "incomparable", or null where there are none.
 */
export function verdict(figure, first, second, found) {
  if (found.some((name) => OBSTACLES[name].includes(figure))) return "incomparable";
  if (!first.bounds || !second.bounds) return null;
  if (first.bounds[0] > second.bounds[1]) return "first";
  if (second.bounds[0] > first.bounds[1]) return "second";
  return "unsure";
}

/** `{figure, first, second, verdict}` of each figure. */
export function compared(first, second) {
  const found = obstacles(first, second);
  return Object.entries(FIGURES).map(([figure, of]) => {
    const [a, b] = [of(first), of(second)];
    return { figure, first: a, second: b, verdict: verdict(figure, a, b, found) };
  });
}

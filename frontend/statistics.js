/** Questions to a statistics document: docs/statistics.md says what each figure means. */

const VERSION = 2;

/** Whether its fields mean what this page takes them to mean; new ones come without a new version. */
export const isKnown = ({ schemaVersion }) => schemaVersion === VERSION;

/** By which list of the evidence a figure is made up, and whose entries of it are the speaker's. */
const EVIDENCE = {
  speakingTime: ["speech"],
  speakingShare: ["speech"],
  words: ["segments"],
  wordShare: ["segments"],
  wordsPerMinute: ["segments"],
  segments: ["segments"],
  turns: ["turns"],
  meanTurn: ["turns"],
  medianTurn: ["turns"],
  questions: ["questions"],
  questionsAnswered: ["questions", "answeredBy"],
  fillers: ["fillers"],
  fillersPerMinute: ["fillers"],
  responseLatency: ["responses"],
  overlapStarts: ["overlapStarts"],
  overlapStartsSuffered: ["overlapStarts", "over"],
  silence: ["silences"],
};

export const OVERLAP_KINDS = ["floor_taken", "overlap", "backchannel"];

/** `floor_taken` as the figures' fields spell it. */
export const kindField = (kind) => (kind === "floor_taken" ? "floorTaken" : kind);

export const hasEvidence = (figure) => figure in EVIDENCE;

/** The moments that make up a figure: of one speaker, or of everybody. */
export function momentsOf({ evidence }, figure, speaker) {
  const [list, field = "speaker"] = EVIDENCE[figure];
  return speaker === undefined ? evidence[list] : evidence[list].filter((each) => each[field] === speaker);
}

/** The turns of `to` that came next after one of `from`. */
export function turnsAfter({ evidence }, from, to) {
  let last = null;
  return evidence.turns.filter((turn) => {
    if (last && turn.end <= last.end) return false; // talked over throughout: not who spoke last
    const found = last?.speaker === from && turn.speaker === to;
    last = turn;
    return found;
  });
}

export const whyNot = ({ unavailable }, figure) => unavailable.find((each) => each.figure === figure);

const LABELS = ["speaker", "over", "answeredBy", "after", "to", "more", "less"];

/** The document with the names that people gave in the place of labels, wherever those stand. */
export function named(statistics, names) {
  if (!isKnown(statistics)) return statistics;
  const nameOf = (label) => names.get(label) ?? label;
  const rename = (item) => {
    const renamed = { ...item };
    for (const field of LABELS) if (field in item) renamed[field] = nameOf(item[field]);
    return renamed;
  };
  const keys = (counts) =>
    counts && Object.fromEntries(Object.entries(counts).map(([label, count]) => [nameOf(label), count]));
  const { balance, turnTaking, evidence } = statistics;
  return {
    ...statistics,
    speakers: statistics.speakers.map(rename),
    comparisons: statistics.comparisons.map(rename),
    turnTaking: { ...turnTaking, speakers: turnTaking.speakers.map(nameOf) },
    balance: {
      ...balance,
      sides: balance.sides.map((side) => ({ ...side, speakers: side.speakers.map(nameOf) })),
      agreed: balance.agreed.map(rename),
    },
    moderation: statistics.moderation.map((one) => ({
      ...rename(one),
      floorGiven: keys(one.floorGiven),
      followUps: keys(one.followUps),
      overlapStartsBySide: keys(one.overlapStartsBySide),
    })),
    evidence: Object.fromEntries(Object.entries(evidence).map(([list, items]) => [list, items.map(rename)])),
  };
}

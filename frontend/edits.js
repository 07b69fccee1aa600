/**
 * A transcript as its edits have it: what the statistics are counted from (docs/edits.md), worked
 * out here too, so that an edit is seen at once. Pure. What is not changed stays the same object.
 * Times in seconds; speakers by their labels in the original, segments and words by their places.
 */

const OF_SEGMENTS = new Set(["word", "speaker", "boundary"]);

// What the server takes for space between words, which is not quite what \s is.
const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

const splitWords = (text) => text.split(SPACE).filter(Boolean);

/** What the `word` of a correction counts. */
export const wordsOf = (segment) =>
  segment.words?.length ? segment.words.map((word) => word.word) : splitWords(segment.text);

/** The labels of all who are in the transcript, in order. */
export function speakersOf({ transcription, turns = [] }) {
  const labels = [...transcription, ...turns].map(({ speaker }) => speaker).filter((label) => label != null);
  return [...new Set(labels)].sort();
}

/** The ids of what is undone. An undo that is itself undone has no effect. */
export function undoneIn(entries) {
  const undone = new Set();
  for (const { id, operation } of entries.toReversed()) {
    if (operation.op === "undo" && !undone.has(id)) undone.add(operation.entry);
  }
  return undone;
}

/** The entries that count, in the order in which they were said; without the undos. */
export function inForce(entries) {
  const undone = undoneIn(entries);
  return entries.filter(({ id, operation }) => operation.op !== "undo" && !undone.has(id));
}

/** The labels that an operation names. */
function labelsIn(operation) {
  if (operation.op === "merge") return [operation.speaker, operation.into];
  if (operation.op === "schedule") return operation.slots.map((slot) => slot.speaker);
  return operation.speaker == null ? [] : [operation.speaker];
}

function namesAPlace({ op, segment, word }, { transcription }) {
  if (!OF_SEGMENTS.has(op)) return true;
  return segment < transcription.length && (op !== "word" || word < wordsOf(transcription[segment]).length);
}

/** The segment's span after its moves; those that make no sense are passed by. */
export function movedSpan(segment, moves, duration) {
  let [start, end] = [segment.start, segment.end];
  for (const move of moves) {
    const moved = [move.start ?? start, move.end ?? end];
    if (moved[0] < moved[1] && moved[1] <= Math.max(duration, end)) [start, end] = moved;
  }
  return [start, end];
}

/** Who is who. Who has been merged into another is that one. */
export class Cast {
  names = new Map();
  roles = new Map(); // {role, side} by label
  merged = new Map();

  who(label) {
    let one = label;
    while (this.merged.has(one)) one = this.merged.get(one);
    return one;
  }

  merge(speaker, into) {
    const [one, other] = [this.who(speaker), this.who(into)];
    if (one === other) return;
    this.merged.set(one, other);
    for (const said of [this.names, this.roles]) {
      if (said.has(one) && !said.has(other)) said.set(other, said.get(one));
      said.delete(one);
    }
  }
}

/** The operations that count, by what they are about. An `etag` of null fits any entry. */
function sortOut(transcript, entries, etag) {
  const known = new Set(speakersOf(transcript));
  const out = { cast: new Cast(), corrections: new Map(), leftOut: [], agreed: [] };
  const correction = ({ segment }) => {
    if (!out.corrections.has(segment)) out.corrections.set(segment, { words: new Map(), moves: [] });
    return out.corrections.get(segment);
  };
  const take = {
    merge: ({ speaker, into }) => out.cast.merge(speaker, into),
    rename: ({ speaker, name }) => out.cast.names.set(out.cast.who(speaker), name),
    role: ({ speaker, role, side }) => out.cast.roles.set(out.cast.who(speaker), { role, side: side ?? null }),
    leave_out: ({ start, end }) => out.leftOut.push([start, end]),
    schedule: ({ slots }) => (out.agreed = slots.filter((slot) => known.has(slot.speaker))),
    word: (operation) => correction(operation).words.set(operation.word, operation.text),
    speaker: (operation) => (correction(operation).speaker = operation.speaker),
    boundary: (operation) => correction(operation).moves.push(operation),
  };
  for (const { operation, transcript: saidOf } of inForce(entries)) {
    const { op } = operation;
    const outdated = OF_SEGMENTS.has(op) && etag !== null && saidOf !== etag;
    const unknown = op !== "schedule" && labelsIn(operation).some((label) => !known.has(label));
    if (!outdated && !unknown && namesAPlace(operation, transcript)) take[op]?.(operation);
  }
  return out;
}

/** Other words in the time of one, of equal length. */
function spread(word, texts) {
  const step = (word.end - word.start) / Math.max(1, texts.length);
  return texts.map((text, n) => ({
    ...word,
    word: text,
    start: word.start + n * step,
    end: word.start + (n + 1) * step,
  }));
}

const clamp = (time, [start, end]) => Math.min(Math.max(time, start), end);

const clamped = (word, span) => ({ ...word, start: clamp(word.start, span), end: clamp(word.end, span) });

/** The text of some words of a segment: Japanese, say, is written without spaces. */
const joined = (words, segment) =>
  words.join(segment.text.includes(" ") || wordsOf(segment).length < 2 ? " " : "");

/** With its words, where they say whose they are. */
function saidBy(segment, speaker) {
  const words = segment.words?.map((word) => ("speaker" in word ? { ...word, speaker } : word));
  return { ...segment, speaker, ...(words && { words }) };
}

function correctedSegment(segment, { words: said, speaker }, span) {
  const corrected = { ...segment, start: span[0], end: span[1] };
  if (segment.words) {
    corrected.words = segment.words
      .flatMap((word, n) => (said.has(n) ? spread(word, splitWords(said.get(n))) : [word]))
      .map((word) => clamped(word, span));
  }
  if (said.size) {
    const texts = wordsOf(segment).flatMap((text, n) => splitWords(said.get(n) ?? text));
    corrected.text = joined(texts, segment);
  }
  return speaker === undefined ? corrected : saidBy(corrected, speaker);
}

const within = ([start, end], [low, high]) => {
  const span = [Math.max(start, low), Math.min(end, high)];
  return span[0] < span[1] ? [span] : [];
};

/** The parts of the span that are in no hole; the holes are disjoint and in order. */
function without([from, end], holes) {
  const parts = [];
  let start = from;
  for (const [holeStart, holeEnd] of holes) {
    if (holeEnd <= start || holeStart >= end) continue;
    if (holeStart > start) parts.push([start, holeStart]);
    start = holeEnd;
    if (start >= end) return parts;
  }
  return [...parts, [start, end]];
}

/** The same time, as disjoint spans in order. */
function union(spans) {
  const all = [];
  for (const [start, end] of spans.filter(([from, to]) => from < to).sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const last = all.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else all.push([start, end]);
  }
  return all;
}

function keptTurn(turn, leftOut) {
  const pieces = without([turn.start, turn.end], leftOut);
  if (pieces.length === 1 && pieces[0][0] === turn.start && pieces[0][1] === turn.end) return [turn];
  return pieces.map(([start, end]) => ({ ...turn, start, end }));
}

/** What corrected segments take from the turns, and add to them. */
class Turns {
  lost = new Map();
  gained = new Map();

  constructor(turns) {
    this.turns = turns;
  }

  add(spans, speaker, some) {
    if (speaker == null) return;
    if (!spans.has(speaker)) spans.set(speaker, []);
    spans.get(speaker).push(...some);
  }

  correct(before, after) {
    const [span, moved] = [before, after].map(({ start, end }) => [start, end]);
    const another = before.speaker !== after.speaker;
    if (!another && span[0] === moved[0] && span[1] === moved[1]) return;
    const gained = without(moved, [span]);
    if (another) {
      const heard = this.turns
        .filter((turn) => turn.speaker === before.speaker)
        .flatMap((turn) => within([turn.start, turn.end], span));
      gained.push(...(heard.length ? heard : [span]).flatMap((each) => within(each, moved)));
    }
    this.add(this.lost, before.speaker, another ? [span] : without(span, [moved]));
    this.add(this.gained, after.speaker, gained);
  }

  corrected() {
    if (!this.turns.length || !(this.lost.size || this.gained.size)) return this.turns;
    const lost = new Map([...this.lost].map(([speaker, spans]) => [speaker, union(spans)]));
    let turns = this.turns.flatMap((turn) => keptTurn(turn, lost.get(turn.speaker) ?? []));
    for (const [speaker, spans] of this.gained) {
      for (const [start, end] of union(spans)) turns = withTurn(turns, { start, end, speaker });
    }
    return turns.sort((a, b) => a.start - b.start);
  }
}

/** And one more, which is one with those of its speaker that it touches. */
function withTurn(turns, more) {
  const one = { ...more };
  const apart = turns.filter((turn) => {
    const touches = turn.speaker === more.speaker && turn.start <= more.end && turn.end >= more.start;
    if (touches) [one.start, one.end] = [Math.min(one.start, turn.start), Math.max(one.end, turn.end)];
    return !touches;
  });
  return [...apart, one];
}

/** What is left of a segment. A word is where its middle is; without times, words are evenly spread. */
function cut(segment, leftOut) {
  const span = [segment.start, segment.end];
  const pieces = without(span, leftOut);
  if (pieces.length === 1 && pieces[0][0] === span[0] && pieces[0][1] === span[1]) return [segment];
  const texts = wordsOf(segment);
  const timed = Boolean(segment.words?.length);
  const step = (span[1] - span[0]) / Math.max(1, texts.length);
  const shares = pieces.map(() => []);
  for (let n = 0; pieces.length && n < texts.length; n += 1) {
    const word = segment.words?.[n];
    const middle = clamp(timed ? (word.start + word.end) / 2 : span[0] + (n + 0.5) * step, span);
    if (!leftOut.some(([start, end]) => start <= middle && middle < end)) {
      const place = pieces.filter(([start]) => start <= middle).length - 1;
      shares[Math.max(0, place)].push(n);
    }
  }
  return pieces.map((piece, n) => ({
    ...segment,
    start: piece[0],
    end: piece[1],
    text: joined(shares[n].map((index) => texts[index]), segment),
    ...(segment.words && { words: timed ? shares[n].map((index) => clamped(segment.words[index], piece)) : [] }),
  }));
}

/**
 * `entries` held against the transcript with this etag (null: whichever it is).
 *
 *     transcript   what is counted
 *     segments     all of them, each in its original place: also those that are left out
 *     corrections  of them, by place: {words: Map of place to text, speaker, moves}
 *     cast         who is who: a Cast
 *     agreed       the slots of the schedule
 *     leftOut      [[start, end]…], disjoint and in order
 */
export function revise(transcript, entries, etag = null) {
  const { cast, corrections, leftOut, agreed } = sortOut(transcript, entries, etag);
  let segments = [...transcript.transcription];
  const turns = new Turns(transcript.turns ?? []);
  for (const [index, said] of corrections) {
    const before = segments[index];
    segments[index] = correctedSegment(before, said, movedSpan(before, said.moves, transcript.duration));
    turns.correct(before, segments[index]);
  }
  let heard = turns.corrected();
  if (cast.merged.size) {
    const isOther = ({ speaker }) => cast.merged.has(speaker);
    segments = segments.map((one) => (isOther(one) ? saidBy(one, cast.who(one.speaker)) : one));
    heard = heard.map((one) => (isOther(one) ? { ...one, speaker: cast.who(one.speaker) } : one));
  }
  const holes = union(leftOut);
  const counted = holes.length ? segments.flatMap((segment) => cut(segment, holes)) : segments;
  const kept = holes.length ? heard.flatMap((turn) => keptTurn(turn, holes)) : heard;
  return {
    transcript: { ...transcript, transcription: counted, turns: kept },
    segments,
    corrections,
    cast,
    agreed: agreed.map((slot) => ({ ...slot, speaker: cast.who(slot.speaker) })),
    leftOut: holes,
  };
}

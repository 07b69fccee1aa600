/** Questions to a transcript document. Times in seconds. */

/** Places of the segments in the order of their starts: a file or a moved boundary may have another. */
export const inOrder = (segments) =>
  segments.map((_, index) => index).sort((a, b) => segments[a].start - segments[b].start || a - b);

/** Place of the last segment that has begun at `time`, the segments being `order`ed; -1 before the first. */
export function segmentAt(segments, order, time) {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (segments[order[middle]].start <= time) low = middle + 1;
    else high = middle;
  }
  return low ? order[low - 1] : -1;
}

const PLAIN = /^[\0-\x7f]*$/;

/** Without case and accents; `placeOf`: where a character of that, or the end, was in the text. */
function fold(text) {
  if (PLAIN.test(text)) return { plain: text.toLowerCase(), placeOf: (at) => at };
  const places = [];
  let plain = "";
  let at = 0;
  for (const character of text) {
    const folded =
      character < "\x80"
        ? character.toLowerCase()
        : character.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
    for (let n = 0; n < folded.length; n += 1) places.push(at);
    plain += folded;
    at += character.length;
  }
  places.push(text.length);
  return { plain, placeOf: (at) => places[at] };
}

const folded = new WeakMap(); // by segment

/** Where the words are in the text of each segment: `[{index, start, end}…]`. */
export function occurrences(segments, words) {
  const { plain: wanted } = fold(words.trim());
  if (!wanted) return [];
  return segments.flatMap((segment, index) => {
    if (!folded.has(segment)) folded.set(segment, fold(segment.text));
    const { plain, placeOf } = folded.get(segment);
    const found = [];
    for (let at = plain.indexOf(wanted); at >= 0; at = plain.indexOf(wanted, at + wanted.length)) {
      found.push({ index, start: placeOf(at), end: placeOf(at + wanted.length) });
    }
    return found;
  });
}

/**
 * When each speaker speaks: Map of speaker to `[{start, end}]`. From the turns as heard (overlaps
 * kept) where there are any. Spans closer than `gap` are joined: they could not be told apart.
 */
export function spansBySpeaker(transcript, gap) {
  const heard = transcript.turns?.length ? transcript.turns : transcript.transcription;
  const lanes = new Map();
  for (const { speaker, start, end } of [...heard].sort((a, b) => a.start - b.start)) {
    if (speaker == null) continue;
    if (!lanes.has(speaker)) lanes.set(speaker, []);
    const last = lanes.get(speaker).at(-1);
    if (last && start - last.end < gap) last.end = Math.max(last.end, end);
    else lanes.get(speaker).push({ start, end });
  }
  return lanes;
}

/** Questions to a transcript document. Times in seconds. */

/** Index of the last segment that has begun at `time`; -1 before the first. */
export function segmentAt(segments, time) {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (segments[middle].start <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
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

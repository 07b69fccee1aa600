/** Spans `{start, end}` of a recording, in seconds, in the order of their starts. */

/** Those closer than `gap` as one: they could not be told apart. */
export function joined(spans, gap) {
  const result = [];
  for (const { start, end } of spans) {
    const last = result.at(-1);
    if (last && start - last.end < gap) last.end = Math.max(last.end, end);
    else result.push({ start, end });
  }
  return result;
}

/** Index of the first that ends after `time`, of spans that do not overlap. */
export function firstAfter(spans, time) {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle].end <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What of them lies in the view, of spans that do not overlap. */
export function visible(spans, [from, to]) {
  const found = [];
  for (let index = firstAfter(spans, from); index < spans.length && spans[index].start < to; index += 1) {
    const { start, end } = spans[index];
    found.push({ start: Math.max(start, from), end: Math.min(end, to) });
  }
  return found;
}

/** Where `holds` is true of how many of the lists are heard, none of which overlaps itself. */
export function where(lists, duration, holds) {
  const borders = lists.flat().flatMap(({ start, end }) => [
    { time: start, step: 1 },
    { time: end, step: -1 },
  ]);
  borders.sort((a, b) => a.time - b.time);
  const found = [];
  let heard = 0;
  let since = 0;
  for (const { time, step } of [...borders, { time: duration, step: 0 }]) {
    if (time > since && holds(heard)) found.push({ start: since, end: time });
    heard += step;
    since = time;
  }
  return joined(found, Number.EPSILON);
}

/** The one at `time`, or else the nearest within `slack` of it, of spans that do not overlap. */
export function spanAt(spans, time, slack) {
  const index = firstAfter(spans, time);
  const away = (span) => Math.max(span.start - time, time - span.end, 0);
  const near = spans.slice(Math.max(index - 1, 0), index + 1).filter((span) => away(span) <= slack);
  return near.sort((a, b) => away(a) - away(b))[0];
}

/** Scales, ticks, windows and paths of the charts: numbers in, numbers and path data out. */

/** From `[start, end]` to `[from, to]`. */
export function linear([start, end], [from, to]) {
  const slope = (to - from) / (end - start || 1);
  return (value) => from + (value - start) * slope;
}

const STEPS = [1, 2, 5, 10];

/** Round numbers from start to end, about `count` of them, spaced as d3-array spaces its ticks. */
export function ticks(start, end, count) {
  if (!(end > start && count > 0)) return [];
  const rough = (end - start) / count;
  const power = Math.floor(Math.log10(rough));
  // A step is taken up to the geometric mean with the next: √2, √10, √50.
  const step = STEPS.find((each, index) => rough / 10 ** power < Math.sqrt(each * (STEPS[index + 1] ?? 100)));
  // Whole numbers are divided or multiplied, never added up: 3 × 0.1 is not 0.3, 3 / 10 is.
  const [times, per] = power < 0 ? [step, 10 ** -power] : [step * 10 ** power, 1];
  const first = Math.ceil(((start * per) / times).toPrecision(12));
  const last = Math.floor(((end * per) / times).toPrecision(12));
  return Array.from({ length: Math.max(last - first + 1, 0) }, (_, index) => ((first + index) * times) / per);
}

const CLOCK = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

/** Times a clock would show, in seconds, at most `count` of them. */
export function timeTicks(start, end, count) {
  if (!(end > start && count > 0)) return [];
  const fits = CLOCK.find((each) => (end - start) / each <= count);
  const step = fits ?? Math.ceil((end - start) / count / 14_400) * 14_400;
  const first = Math.ceil(start / step);
  const last = Math.floor(end / step);
  return Array.from({ length: Math.max(last - first + 1, 0) }, (_, index) => (first + index) * step);
}

export const SHORTEST_VIEW = 5; // s

/** The view moved, if need be, and shortened until it lies within the recording. */
export function within([start, end], duration) {
  const length = Math.min(Math.max(end - start, Math.min(SHORTEST_VIEW, duration)), duration);
  const first = Math.min(Math.max(start, 0), duration - length);
  return [first, first + length];
}

/** The view made `factor` times as long; what is at `at` stays where it is. */
export function zoomed([start, end], factor, at, duration) {
  const length = Math.min(Math.max((end - start) * factor, Math.min(SHORTEST_VIEW, duration)), duration);
  const first = at - ((at - start) / (end - start)) * length;
  return within([first, first + length], duration);
}

const bar = (left, width, y, height) =>
  `M${left.toFixed(1)} ${y}h${width.toFixed(2)}v${height}h${-width.toFixed(2)}z`;

/** One path for many bars, each at least so wide: an element for each would be thousands. */
export function barsPath(spans, x, y, height, least = 1) {
  return spans.map(({ start, end }) => bar(x(start), Math.max(x(end) - x(start), least), y, height)).join("");
}

/** The same, but those that begin in one pixel are one as wide as all of them: its shade tells how much. */
export function shadePath(spans, x, y, height) {
  const bars = new Map();
  for (const { start, end } of spans) {
    const pixel = Math.floor(x(start));
    bars.set(pixel, (bars.get(pixel) ?? 0) + x(end) - x(start));
  }
  return [...bars].map(([pixel, width]) => bar(pixel, width, y, height)).join("");
}

/** Steps at the value of each `{start, end, value}`; broken where that is null. */
export function stepsPath(windows, x, y) {
  let open = false;
  return windows
    .map(({ start, end, value }) => {
      if (value == null) {
        open = false;
        return "";
      }
      const step = `${open ? "V" : `M${x(start).toFixed(1)} `}${y(value).toFixed(1)}H${x(end).toFixed(1)}`;
      open = true;
      return step;
    })
    .join("");
}

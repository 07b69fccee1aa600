import { announce } from "../../announce.js";
import { clock } from "../../format.js";
import { useWidth } from "../../hooks.js";
import { fitted, textWidth } from "../../lettering.js";
import { debateHref } from "../../router.js";
import { linear, timeTicks, within, zoomed } from "../../scale.js";
import { spanAt } from "../../spans.js";
import { createStore, useStore } from "../../store.js";
import { html, useLayoutEffect, useMemo, useRef, useState } from "../../view.js";
import { fillOf } from "../speaker-mark/speaker-mark.js";

const TEXT = 14; // px
const NARROW = 480; // below which names stand above their rows
const ABOVE = 22;
const AXIS = 24;
const BETWEEN_TICKS = 68;
const REACH = 4; // how far beside a span a pointer still means it
const DRAG = 4; // how far a pointer moves before it is no click

/** Where everything is: `{left, top(row), height}`. */
function layoutOf(rows, width, rowHeight) {
  const narrow = width < NARROW;
  const widest = Math.max(...rows.map(({ name }) => textWidth(name, TEXT)));
  const step = rowHeight + (narrow ? ABOVE : 0);
  return {
    narrow,
    left: narrow ? 0 : Math.min(widest + 32, width * 0.26),
    top: (row) => row * step + (narrow ? ABOVE : 0),
    height: rows.length * step,
  };
}

function RowName({ row: { name, look }, y, room }) {
  const indent = look === undefined ? 0 : 20;
  return html`<g>
    ${look !== undefined && html`<rect y=${y - 6} width="13" height="13" rx="3" fill=${fillOf(look)} />`}
    <text class=${look === undefined ? "drawing-soft" : ""} x=${indent} y=${y} dominant-baseline="central">
      ${fitted(name, room - indent, TEXT)}
    </text>
  </g>`;
}

function Axis({ view, x, height, width }) {
  const count = Math.floor((width - x(view[0])) / BETWEEN_TICKS);
  return html`<g>
    ${timeTicks(...view, count).map((time) => {
      const place = x(time);
      const anchor = place > width - 24 ? "end" : place < x(view[0]) + 16 ? "start" : "middle";
      return html`<g key=${time}>
        <path class="drawing-rule" d=${`M${place.toFixed(1)} 0V${height + 5}`} />
        <text class="drawing-soft" x=${place} y=${height + 18} text-anchor=${anchor}>${clock(time)}</text>
      </g>`;
    })}
  </g>`;
}

/** The line where the recording is. Moved by itself: the chart is not drawn anew as time passes. */
function Head({ playback, view, x, height }) {
  const line = useRef();
  useLayoutEffect(() => {
    const show = (time) => {
      const inView = time >= view[0] && time <= view[1];
      line.current?.setAttribute("transform", `translate(${inView ? x(time) : -9} 0)`);
    };
    show(playback.time.get());
    return playback.time.subscribe(show);
  });
  return html`<path ref=${line} data-live class="timeline-head" d=${`M0 0V${height}`} />`;
}

/** Who, when and how long, beside what is pointed at or has the focus. */
function Tip({ tip, width }) {
  const shown = useStore(tip);
  const element = useRef();
  useLayoutEffect(() => {
    if (!shown) return;
    const { style } = element.current;
    const isLeft = shown.x < width / 2;
    style.setProperty("top", `${shown.y}px`);
    style.setProperty("left", isLeft ? `${shown.x}px` : "auto");
    style.setProperty("right", isLeft ? "auto" : `${width - shown.x}px`);
  });
  return shown && html`<p ref=${element} class="timeline-tip" aria-hidden="true">${shown.text}</p>`;
}

/** What pointers do to a view: drag it, pinch it, turn it with Ctrl and the wheel. */
function useGestures({ view, duration, timeAt, onView }) {
  const pointers = useRef(new Map());
  const dragged = useRef(false);
  if (!onView) return { wasDrag: () => false };

  const placeOf = (event) => event.clientX - event.currentTarget.getBoundingClientRect().left;
  return {
    wasDrag: () => dragged.current,
    onWheel(event) {
      if (!event.ctrlKey) return;
      event.preventDefault();
      onView(zoomed(view, Math.exp(event.deltaY / 200), timeAt(placeOf(event)), duration));
    },
    onPointerDown(event) {
      if (!pointers.current.size) dragged.current = false;
      pointers.current.set(event.pointerId, placeOf(event));
    },
    onPointerMove(event) {
      const from = pointers.current.get(event.pointerId);
      if (from === undefined) return;
      const to = placeOf(event);
      if (!dragged.current && Math.abs(to - from) < DRAG) return;
      if (!dragged.current) event.currentTarget.setPointerCapture(event.pointerId);
      dragged.current = true;
      const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1];
      if (other === undefined) {
        const shift = timeAt(from) - timeAt(to);
        onView(within([view[0] + shift, view[1] + shift], duration));
      } else if (to !== other) {
        onView(zoomed(view, Math.abs((from - other) / (to - other)), timeAt(other), duration));
      }
      pointers.current.set(event.pointerId, to);
    },
    onPointerUp: (event) => pointers.current.delete(event.pointerId),
    onPointerCancel: (event) => pointers.current.delete(event.pointerId),
  };
}

/** Of the items in the row `step` rows away, or beyond where that has none, the one nearest in time. */
function neighbour(byRow, current, step) {
  for (let row = current.row + step; row >= 0 && row < byRow.length; row += step) {
    const nearest = spanAt(byRow[row], current.start, Infinity);
    if (nearest) return nearest;
  }
  return current;
}

const ZOOMS = { "+": 0.5, "=": 0.5, "-": 2, "−": 2, 0: Infinity };

function Plot({ jobId, label, rows, items, view, duration, playback, rowHeight, plays, onView, draw, width }) {
  const [chosen, setChosen] = useState(null);
  const link = useRef();
  const tip = useMemo(() => createStore(null), []);
  const { narrow, left, top, height } = layoutOf(rows, width, rowHeight);
  const x = linear(view, [left, width]);
  const timeAt = linear([left, width], view);
  const gestures = useGestures({ view, duration, timeAt, onView });
  const { wasDrag, ...handlers } = gestures;
  const byRow = useMemo(() => rows.map((_, row) => items.filter((item) => item.row === row)), [items, rows.length]);
  const inView = (item) => item.end > view[0] && item.start < view[1];
  const current = byRow[chosen?.row]?.includes(chosen) ? chosen : (items.find(inView) ?? items[0]);

  const boxOf = (item) => {
    const from = Math.max(x(item.start), left);
    return { x: from, y: top(item.row), width: Math.max(x(item.end) - from, 3), height: rowHeight };
  };
  const tell = (item) => {
    if (tip.get()?.item === item) return;
    const box = boxOf(item);
    tip.set({ item, x: box.x, y: box.y + box.height + 4, text: item.label(item) });
  };

  function choose(item) {
    setChosen(item);
    const length = view[1] - view[0];
    if (!inView(item)) onView?.(within([item.start - length / 4, item.start + length * 0.75], duration));
  }

  function onKeyDown(event) {
    const index = items.indexOf(current);
    const next = {
      ArrowRight: () => items[Math.min(index + 1, items.length - 1)],
      ArrowLeft: () => items[Math.max(index - 1, 0)],
      ArrowDown: () => neighbour(byRow, current, 1),
      ArrowUp: () => neighbour(byRow, current, -1),
      Home: () => items[0],
      End: () => items.at(-1),
    }[event.key]?.();
    if (next) {
      choose(next);
      tell(next);
      announce(next.label(next));
    } else if (onView && event.key in ZOOMS && !event.ctrlKey && !event.metaKey) {
      onView(zoomed(view, ZOOMS[event.key], current.start, duration));
    } else return;
    event.preventDefault();
  }

  /** What the pointer is on: a time, and the item there. */
  function under(event) {
    const box = event.currentTarget.getBoundingClientRect();
    const time = timeAt(event.clientX - box.left);
    const row = rows.findIndex((_, index) => {
      const y = event.clientY - box.top - top(index);
      return y >= 0 && y < rowHeight;
    });
    return { time, item: row < 0 ? undefined : spanAt(byRow[row], time, timeAt(REACH) - timeAt(0)) };
  }

  function onClick(event) {
    if (event.target.closest("a[data-moment]") || wasDrag()) return;
    const { time, item } = under(event);
    if (item) {
      // The click on an item is one on the link, which is there once for them all.
      link.current.setAttribute("data-moment", item.start);
      if (plays === "span") link.current.setAttribute("data-end", item.end);
      link.current.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
      setChosen(item);
    } else if (time >= view[0]) playback.seek(time, { play: true });
  }

  function onHover(event) {
    handlers.onPointerMove?.(event);
    const { item } = under(event);
    if (item && !event.buttons) tell(item);
    else tip.set(null);
  }

  return html`<svg
      class=${onView ? "drawing timeline-drawing timeline-zooms" : "drawing timeline-drawing"}
      width=${width}
      height=${height + AXIS}
      viewBox=${`0 0 ${width} ${height + AXIS}`}
      role="group"
      aria-label=${label}
      ...${handlers}
      onPointerMove=${onHover}
      onPointerLeave=${() => tip.set(null)}
      onClick=${onClick}
    >
      <${Axis} view=${view} x=${x} height=${height} width=${width} />
      ${rows.map(
        (row, index) => html`<g key=${row.name}>
          <${RowName}
            row=${row}
            y=${narrow ? top(index) - ABOVE / 2 + 1 : top(index) + rowHeight / 2}
            room=${narrow ? width : left - 12}
          />
          ${draw({ row: index, x, left, width, y: top(index) })}
        </g>`,
      )}
      <${Head} playback=${playback} view=${view} x=${x} height=${height} />
      ${current &&
      html`<a
        ref=${link}
        data-live
        class="timeline-cursor"
        href=${debateHref(jobId, current.start, plays === "span" ? current.end : null)}
        data-moment=${current.start}
        data-end=${plays === "span" ? current.end : undefined}
        tabindex="0"
        aria-label=${current.label(current)}
        onKeyDown=${onKeyDown}
        onFocus=${() => link.current.matches(":focus-visible") && tell(current)}
        onBlur=${() => tip.set(null)}
      >
        <rect ...${boxOf(current)} rx="3" />
      </a>`}
    </svg>
    <${Tip} tip=${tip} width=${width} />`;
}

/**
 * Rows over time: `rows` of `{name, look}`, and `items` in the order of their starts, each
 * `{row, start, end, label(item)}`, that a pointer or the arrow keys choose and a click or Enter plays:
 * to its end where it `plays` its "span". One stop of the Tab key. `draw({row, x, left, width, y})`
 * gives what is in a row. `view` is `[start, end]`; with `onView`, it can be moved and zoomed.
 */
export function Timeline(props) {
  const frame = useRef();
  const width = useWidth(frame);
  return html`<div ref=${frame} class="timeline">
    ${width > 0 && html`<${Plot} ...${{ rowHeight: 24, plays: "span", ...props, width }} />`}
  </div>`;
}

import { clock, duration, number } from "../../format.js";
import { t } from "../../i18n/index.js";
import { debateHref } from "../../router.js";
import { useStore } from "../../store.js";
import { html, useLayoutEffect, useRef, useState } from "../../view.js";
import { SpeakerMark } from "../speaker-mark/speaker-mark.js";
import { playAll } from "./play-all.js";

const PAGE = 50; // moments to begin with: of a long debate there are thousands
const ROOM = 320; // px that the panel wants below what opened it

/** A moment: when, how long, who where that is not said above, and what was said. */
function Moment({ jobId, moment, transcript, look, tell }) {
  const { start, end, segment } = moment;
  const said = transcript?.transcription[segment]?.text;
  return html`<li>
    <a href=${debateHref(jobId, start, end)} data-moment=${start} data-end=${end}>
      <span class="moment-time">${clock(start)}</span>
      <span class="visually-hidden">${t("moments.lasts")}</span>
      <span class="moment-length">${duration(end - start)}</span>
    </a>
    ${tell && html`<span class="moment-who">${tell(moment, (speaker) => html`<${SpeakerMark} speaker=${speaker} look=${look.get(speaker)} />`)}</span>`}
    ${said && html`<q class="moment-said" dir="auto" lang=${transcript.language ?? undefined}>${said}</q>`}
  </li>`;
}

/** Moments that make up a figure, each a link that plays it. */
export function MomentList({ jobId, moments, transcript, look, tell }) {
  const [most, setMost] = useState(PAGE);
  return html`<ol class="moment-list">
      ${moments.slice(0, most).map(
        (moment, index) => html`<${Moment}
          key=${index}
          jobId=${jobId}
          moment=${moment}
          transcript=${transcript}
          look=${look}
          tell=${tell}
        />`,
      )}
    </ol>
    ${moments.length > most &&
    html`<button type="button" class="button button-quiet" onClick=${() => setMost(most + 2 * PAGE)}>
      ${t("moments.more", { count: number(moments.length - most) })}
    </button>`}`;
}

/** Under what opened it, or above where there is no room; on a small screen the style sheet decides. */
function putBeside(panel, anchor) {
  const { left, top, bottom } = anchor.getBoundingClientRect();
  const { clientWidth, clientHeight } = document.documentElement;
  const fits = bottom + ROOM < clientHeight || top < ROOM;
  panel.style.setProperty("--left", `${Math.max(8, Math.min(left, clientWidth - panel.offsetWidth - 16))}px`);
  panel.style.setProperty("--top", fits ? `${bottom + 6}px` : "auto");
  panel.style.setProperty("--bottom", fits ? "auto" : `${clientHeight - top + 6}px`);
  panel.style.setProperty("--room", `${(fits ? clientHeight - bottom : top) - 22}px`);
}

/**
 * What a figure is made of. `shown` is a store of `{anchor, title, notes, moments, tell}`, null while
 * it is closed. One for the whole page: a figure is a button, not a list.
 */
export function Moments({ shown, jobId, transcript, look, playback }) {
  const figure = useStore(shown);
  const panel = useRef();
  const stop = useRef(null);
  const [playing, setPlaying] = useState(false);

  const halt = () => stop.current?.();

  useLayoutEffect(() => {
    if (!figure) return;
    panel.current.showPopover();
    putBeside(panel.current, figure.anchor);
    panel.current.focus({ preventScroll: true });
  }, [figure]);
  useLayoutEffect(() => halt, [figure]);

  function onToggle(event) {
    if (event.newState === "open" || panel.current.matches(":popover-open")) return;
    shown.set(null);
  }

  function play() {
    if (playing) return halt();
    setPlaying(true);
    playback.show();
    stop.current = playAll(playback, figure.moments, () => setPlaying(false));
    return undefined;
  }

  return html`<div
    ref=${panel}
    class="moments"
    popover="auto"
    role="dialog"
    aria-labelledby="moments-title"
    tabindex="-1"
    onToggle=${onToggle}
    onClick=${(event) => event.target.closest("a[data-moment]") && halt()}
  >
    ${figure &&
    html`<div class="moments-head">
        <h3 id="moments-title">${figure.title}</h3>
        <button type="button" class="button button-quiet" aria-label=${t("moments.close")} onClick=${() => panel.current.hidePopover()}>×</button>
      </div>
      ${figure.notes?.filter(Boolean).map((note) => html`<p key=${note} class="fine">${note}</p>`)}
      ${figure.moments.length > 0 &&
      html`<p class="moments-count">
        ${t("moments.count", { count: figure.moments.length })}
        ${figure.moments.length > 1 &&
        html`<button type="button" class="button button-quiet" onClick=${play}>
          ${t(playing ? "moments.stop" : "moments.play_all")}
        </button>`}
      </p>`}
      <${MomentList}
        key=${figure.title}
        jobId=${jobId}
        moments=${figure.moments}
        transcript=${transcript}
        look=${look}
        tell=${figure.tell}
      />`}
  </div>`;
}

/** A number in a table that opens what it is made of. */
export function FigureButton({ shown, label, figure, children }) {
  const open = (event) => shown.set({ anchor: event.currentTarget, ...figure() });
  return html`<button type="button" class="figure-button" aria-haspopup="dialog" aria-label=${label} onClick=${open}>
    ${children}
  </button>`;
}

/** A mark in a drawing that does the same: `area` is where it can be pressed, over the children. */
export function FigureMark({ shown, label, figure, area, children, ...attributes }) {
  const open = (event) => shown.set({ anchor: event.currentTarget, ...figure() });

  function onKeyDown(event) {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    open(event);
  }

  return html`<g class="figure-mark">
    <g aria-hidden="true">${children}</g>
    <rect
      class="mark-area"
      role="button"
      tabindex="0"
      aria-haspopup="dialog"
      aria-label=${label}
      onClick=${open}
      onKeyDown=${onKeyDown}
      rx="4"
      ...${area}
      ...${attributes}
    />
  </g>`;
}

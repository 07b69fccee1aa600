import { movedSpan, wordsOf } from "../../edits.js";
import { clock, number } from "../../format.js";
import { t } from "../../i18n/index.js";
import { speakerName } from "../../speakers.js";
import { html, useId, useLayoutEffect, useRef, useState } from "../../view.js";

const STEP = 0.1; // s

const tenths = (seconds) => Math.round(seconds * 10) / 10;

/** One word: pressed, it becomes a field. */
function Word({ text, before, place, here, open, takesFocus, onOpen, onFocus, onSay, onLeave }) {
  const element = useRef();
  const left = useRef(false);
  useLayoutEffect(() => {
    left.current = false;
    if (!here || !takesFocus) return;
    element.current.focus();
    if (open) element.current.select();
  }, [here, open, takesFocus]);

  /** `how`: Enter, Escape, or blur. Once: a field that goes loses the focus, too. */
  function leave(how) {
    if (left.current) return;
    left.current = true;
    const said = element.current.value.trim();
    if (how !== "Escape" && said !== text) onSay(said);
    onLeave(how);
  }

  function onKeyDown(event) {
    event.stopPropagation();
    if (event.key !== "Escape" && event.key !== "Enter") return;
    event.preventDefault();
    leave(event.key);
  }

  if (here && open) {
    return html`<input
      ref=${element}
      class="word-field"
      dir="auto"
      autocomplete="off"
      maxlength="200"
      size=${Math.max(text.length + 1, 4)}
      aria-label=${t("segment.word", { place: place + 1, text: before })}
      defaultValue=${text}
      onKeyDown=${onKeyDown}
      onBlur=${() => leave("blur")}
    />`;
  }
  return html`<button
    ref=${element}
    type="button"
    class=${text === before ? "word" : "word word-changed"}
    tabindex=${here ? 0 : -1}
    title=${text === before ? null : t("segment.was", { text: before })}
    onClick=${onOpen}
    onFocus=${onFocus}
  >
    ${text ? html`<bdi>${text}</bdi>` : html`<s><bdi>${before}</bdi></s>`}
  </button>`;
}

/** The words as they are now, by their places in the original. */
function Words({ original, corrections, index, desk, lang }) {
  const [{ place, open, takesFocus }, go] = useState({ place: 0, open: false, takesFocus: true });
  const before = wordsOf(original);
  const last = before.length - 1;

  function onKeyDown(event) {
    const rtl = getComputedStyle(event.currentTarget).direction === "rtl" ? -1 : 1;
    const step = { ArrowRight: rtl, ArrowLeft: -rtl, ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    if (!step || !event.target.closest(".word")) return;
    event.preventDefault();
    go({ place: Math.min(Math.max(place + step, 0), last), open: false, takesFocus: true });
  }

  return html`<div class="words" role="group" aria-label=${t("segment.words")} lang=${lang} dir="auto" onKeyDown=${onKeyDown}>
    ${before.map(
      (word, n) => html`<${Word}
        key=${n}
        place=${n}
        before=${word}
        text=${corrections?.words.get(n) ?? word}
        here=${n === place}
        open=${open}
        takesFocus=${takesFocus}
        onOpen=${() => go({ place: n, open: true, takesFocus: true })}
        onFocus=${() => go({ place: n, open: false, takesFocus: true })}
        onSay=${(text) => desk.say([{ op: "word", segment: index, word: n, text }])}
        onLeave=${(how) =>
          go({ place: how === "Enter" ? Math.min(n + 1, last) : n, open: false, takesFocus: how !== "blur" })}
      />`,
    )}
  </div>`;
}

/** Start and end, until both are said at once. */
function Boundaries({ segment, original, corrections, index, duration, desk, playback }) {
  const [draft, setDraft] = useState({});
  const { start, end } = { start: segment.start, end: segment.end, ...draft };
  const moves = [...(corrections?.moves ?? []), draft];
  const [from, to] = movedSpan(original, moves, duration);
  const fits = from === start && to === end;
  const problem = useId();
  const staged = useRef();
  staged.current = fits && (start !== segment.start || end !== segment.end) ? draft : null;

  function say() {
    if (!staged.current) return;
    desk.say([{ op: "boundary", segment: index, ...staged.current }]);
    staged.current = null;
    setDraft({});
  }

  useLayoutEffect(() => say, []); // whoever closes the editor means what is set

  const field = (name, value) => html`<div class="boundary">
    <label>
      ${t(`segment.${name}`)}
      <input
        type="number"
        min="0"
        step=${STEP}
        value=${tenths(value)}
        aria-describedby=${fits ? null : problem}
        aria-invalid=${fits ? null : "true"}
        onInput=${({ target }) => target.value !== "" && setDraft({ ...draft, [name]: Number(target.value) })}
      />
    </label>
    <button
      type="button"
      class="button button-quiet"
      aria-label=${`${t("segment.now")}: ${t(`segment.${name}`)}`}
      onClick=${() => setDraft({ ...draft, [name]: tenths(playback.time.get()) })}
    >
      ${t("segment.now")}
    </button>
  </div>`;

  return html`<fieldset
    class="boundaries"
    onFocusOut=${(event) => event.currentTarget.contains(event.relatedTarget) || say()}
  >
    <legend class="visually-hidden">${t("segment.boundaries")}</legend>
    ${field("start", start)} ${field("end", end)}
    ${!fits && html`<p id=${problem} class="problem" role="alert">${t("segment.impossible")}</p>`}
  </fieldset>`;
}

/** A segment opened: its words, its speaker, its start and end. */
export function SegmentEditor({ index, segment, original, corrections, people, duration, lang, desk, playback, onClose }) {
  const { labels, names } = people;
  const sayBy = (speaker) => {
    if (speaker && speaker !== segment.speaker) desk.say([{ op: "speaker", segment: index, speaker }]);
  };

  function onKeyDown(event) {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      onClose();
    } else if (/^[1-9]$/.test(event.key) && event.target.closest(".word") && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      sayBy(labels[Number(event.key) - 1]);
    }
  }

  return html`<div
    class="segment-editor"
    role="group"
    aria-label=${t("segment.label", { time: clock(segment.start) })}
    onKeyDown=${onKeyDown}
  >
    <${Words} original=${original} corrections=${corrections} index=${index} desk=${desk} lang=${lang} />
    <div class="segment-fields">
      <label>
        ${t("segment.speaker")}
        <select value=${segment.speaker ?? ""} onChange=${(event) => sayBy(event.target.value)}>
          ${segment.speaker == null && html`<option value="">${speakerName(null)}</option>`}
          ${labels.map(
            (label, n) => html`<option key=${label} value=${label}>${n < 9 ? `${number(n + 1)} · ` : ""}${speakerName(names.get(label) ?? label)}</option>`,
          )}
        </select>
      </label>
      <${Boundaries}
        index=${index}
        segment=${segment}
        original=${original}
        corrections=${corrections}
        duration=${duration}
        desk=${desk}
        playback=${playback}
      />
      <button type="button" class="button button-small segment-close" onClick=${onClose}>${t("edits.close")}</button>
    </div>
    <p class="fine">${t("segment.hint")}</p>
  </div>`;
}

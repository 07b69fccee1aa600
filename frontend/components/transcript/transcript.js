import { announce } from "../../announce.js";
import { inForce } from "../../edits.js";
import { clock } from "../../format.js";
import { usePart } from "../../hooks.js";
import { locale, t } from "../../i18n/index.js";
import { debateHref } from "../../router.js";
import { speakerName } from "../../speakers.js";
import { useStore } from "../../store.js";
import { inOrder, segmentAt } from "../../transcript.js";
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../../view.js";
import { ClipBar } from "../clip-bar/clip-bar.js";
import { EditStatus } from "../edit-status/edit-status.js";
import { SpeakerMark } from "../speaker-mark/speaker-mark.js";
import { SpeakerNames, SpeakerPanel } from "../speaker-panel/speaker-panel.js";
import { TranscriptSearch } from "../transcript-search/transcript-search.js";
import { GROUP, elementOf, inGroups, indexOf } from "./segments.js";

const LONG = 200; // segments from which the browser should not lay out what is out of sight
const FIRST = GROUP; // segments that are drawn at once
const MORE = 5 * GROUP; // and with each task after: a click in between is answered
const READING_LINE = 0.3; // of the list's height: where the current segment is brought to

function Segment({ segment, index, jobId, name, look, opens, nameable, leftOut, editor }) {
  const { start, text } = segment;
  const mark = html`<${SpeakerMark} speaker=${name} look=${look} />`;
  return html`<div role="listitem" class=${`segment speaker-${look}${leftOut ? " segment-left-out" : ""}`} data-index=${index}>
    ${opens &&
    html`<p class="segment-speaker">
      ${nameable && segment.speaker != null
        ? html`<button type="button" class="speaker-name" tabindex="-1" title=${t("person.edit")} data-speaker=${segment.speaker}>${mark}</button>`
        : mark}
    </p>`}
    <a
      class="segment-time"
      href=${debateHref(jobId, start)}
      data-moment=${start}
      tabindex=${index === 0 ? 0 : -1}
      aria-label=${t("transcript.play", { time: clock(start), speaker: speakerName(name) })}
      >${clock(start)}</a
    >
    ${editor ?? html`<p class="segment-text" dir="auto">${text}</p>`}
    ${leftOut && html`<p class="fine segment-note">${t("transcript.left_out")}</p>`}
  </div>`;
}

const isLeftOut = ({ start, end }, spans) => {
  const middle = (start + end) / 2;
  return spans.some(([from, to]) => from <= middle && middle < to);
};

/**
 * The segments' elements. One that is as it was is given as it was, so that an edit costs what it
 * changes and not a comparison of 3,000.
 */
function useItems({ jobId, segments, leftOut, people, mayEdit, editorOf }) {
  const cache = useRef([]);
  return segments.map((segment, index) => {
    const { speaker } = segment;
    const values = {
      segment,
      name: people.names.get(speaker) ?? speaker,
      look: people.look.get(speaker),
      opens: index === 0 || segments[index - 1].speaker !== speaker,
      nameable: mayEdit,
      leftOut: leftOut.length > 0 && isLeftOut(segment, leftOut),
      editor: editorOf(index),
      locale: locale.get(),
    };
    const known = cache.current[index];
    if (known && Object.keys(values).every((name) => Object.is(known.values[name], values[name]))) return known.item;
    const item = html`<${Segment} key=${index} index=${index} jobId=${jobId} ...${values} />`;
    cache.current[index] = { values, item };
    return item;
  });
}

/** The segments that are drawn: those up to `time` (s) at once, and soon all of them. */
function useGrowing(segments, time) {
  const [count, setCount] = useState(() => segments.filter(({ start }) => start <= time).length + FIRST);
  const isWhole = count >= segments.length;
  useLayoutEffect(() => {
    if (isWhole) return undefined;
    const timer = setTimeout(() => setCount(count + MORE));
    return () => clearTimeout(timer);
  }, [count, isWhole]);
  return useMemo(() => (isWhole ? segments : segments.slice(0, count)), [segments, isWhole, count]);
}

function bring(list, item) {
  const place = item.getBoundingClientRect().top - list.getBoundingClientRect().top;
  const top = list.scrollTop + place - list.clientHeight * READING_LINE;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  list.scrollTo({ top, behavior: still ? "instant" : "smooth" });
}

/**
 * Marks the segment that is being spoken, and keeps it in view while `follow`. Done on the elements
 * themselves: with 3,000 segments, one attribute must not cost a comparison of them all.
 */
function useCurrent(list, segments, playback, follow) {
  const order = useMemo(() => inOrder(segments), [segments]);
  const brought = useRef(null);
  // A layout effect ends before its elements go; time may still pass in between.
  useLayoutEffect(() => {
    let shown = null;
    if (!follow) brought.current = null;
    function show(time) {
      const item = elementOf(list.current, segmentAt(segments, order, time)) ?? null;
      if (item === shown) return;
      shown?.removeAttribute("aria-current");
      item?.setAttribute("aria-current", "true");
      shown = item;
      if (!item || !follow || item === brought.current) return; // more segments move nobody
      brought.current = item;
      bring(list.current, item);
    }
    show(playback.time.get());
    const end = playback.time.subscribe(show);
    return () => {
      end();
      shown?.removeAttribute("aria-current");
    };
  }, [segments, order, playback, follow]);
}

/** Marks the segments of the clip, likewise. */
function useMarked(list, segments, clip) {
  useLayoutEffect(() => {
    if (!clip) return undefined;
    const marked = segments.flatMap(({ start, end }, index) =>
      start < clip.end && end > clip.start ? [elementOf(list.current, index)] : [],
    );
    for (const item of marked) item.dataset.clip = "";
    return () => {
      for (const item of marked) delete item.dataset.clip;
    };
  }, [segments, clip]);
}

const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

/** The list is one stop of the Tab key: this segment's. */
function makeStop(list, index) {
  for (const link of list.querySelectorAll('.segment-time[tabindex="0"]')) link.tabIndex = -1;
  const link = elementOf(list, index).querySelector(".segment-time");
  link.tabIndex = 0;
  return link;
}

function EditTools({ desk, edits, onHistory, onDone }) {
  const tool = (name, able, act) => html`<button
    type="button"
    class="button button-quiet"
    aria-disabled=${able ? null : "true"}
    onClick=${() => able && act()}
  >
    ${t(`edits.${name}`)}
  </button>`;
  return html`<div class="edit-tools" role="toolbar" aria-label=${t("edits.tools")}>
    ${tool("undo_last", edits.canUndo, desk.undo)} ${tool("redo", edits.canRedo, desk.redo)}
    ${tool("history", true, onHistory)}
    <span class="fine edit-saved" role="status">${t(edits.phase === "sending" ? "edits.saving" : edits.unsent.length ? "edits.not_saved" : "edits.saved")}</span>
    <button type="button" class="button button-small" onClick=${onDone}>${t("edits.done")}</button>
  </div>`;
}

/** Undo and redo by the keys that everybody knows, outside of fields, which have their own. */
function useUndoKeys(desk, mayEdit) {
  useEffect(() => {
    if (!mayEdit) return undefined;
    function onKeyDown(event) {
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
      if (event.target.closest("input, textarea, select, dialog, [role='dialog']")) return;
      const key = event.key.toLowerCase();
      const redo = key === "y" || (key === "z" && event.shiftKey);
      if (key !== "z" && !redo) return;
      event.preventDefault();
      const { canUndo, canRedo } = desk.state.get();
      if (!(redo ? canRedo : canUndo)) return;
      (redo ? desk.redo : desk.undo)();
      announce(t(redo ? "edits.redone" : "edits.undone"));
    }
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [desk, mayEdit]);
}

/**
 * What was said, beside the recording: read, searched, quoted and edited. `said` is the original
 * document, `revision` what the edits make of it.
 */
export function Transcript({ jobId, said, revision, people, desk, time, end, playback, original, onOriginal, onLook }) {
  const list = useRef();
  const [follow, setFollow] = useState(true);
  const [editing, setEditing] = useState(false);
  const tools = usePart("editing", editing);
  const [opened, setOpened] = useState(null);
  const [person, setPerson] = useState(null);
  const [history, setHistory] = useState(false);
  const [clip, setClip] = useState(null);
  const anchor = useRef(null); // the segment that a clip was begun with
  const edits = useStore(desk.state);
  const { leftOut, corrections } = revision;
  const segments = useGrowing(revision.segments, time);
  const language = said.language ?? undefined;
  const mayEdit = !["closed", "loading"].includes(edits.phase) && !original;
  const about = { transcript: said, names: people.names, entries: edits.log?.entries ?? [] };
  const isEdited = useMemo(() => inForce(about.entries).length > 0, [edits.log]);

  useEffect(() => {
    setClip(end === null ? null : { start: time, end });
  }, [time, end]);
  useCurrent(list, segments, playback, follow && opened === null);
  useMarked(list, segments, clip);
  useUndoKeys(desk, mayEdit);

  function close() {
    setOpened(null);
    makeStop(list.current, opened).focus();
  }

  const editorOf = (index) =>
    index !== opened || !mayEdit || !tools
      ? null
      : html`<${tools.SegmentEditor}
          index=${index}
          segment=${segments[index]}
          original=${said.transcription[index]}
          corrections=${corrections.get(index)}
          people=${people}
          duration=${said.duration}
          lang=${language}
          desk=${desk}
          playback=${playback}
          onClose=${close}
        />`;
  const items = useItems({ jobId, segments, leftOut, people, mayEdit, editorOf });

  function choose(from, to) {
    const [first, last] = [Math.min(from, to), Math.max(from, to)].map((index) => segments[index]);
    setClip({ start: first.start, end: Math.max(last.end, first.start) });
  }

  function show(index) {
    setFollow(false); // whoever looks for something does not want to be carried away
    bring(list.current, elementOf(list.current, index));
    makeStop(list.current, index);
  }

  function onKeyDown(event) {
    const link = event.target.closest(".segment-time");
    if (!link) return;
    const index = indexOf(link);
    const step = STEPS[event.key];
    if (step) {
      const next = Math.min(Math.max(index + step, 0), segments.length - 1);
      if (event.shiftKey) {
        anchor.current ??= index;
        choose(anchor.current, next);
      } else anchor.current = null;
      makeStop(list.current, next).focus();
    } else if (event.key === "Enter" && editing && mayEdit) setOpened(index);
    else if (event.key === " ") playback.toggle();
    else if (event.key.toLowerCase() === "n" && mayEdit && !event.ctrlKey && !event.metaKey) {
      if (segments[index].speaker != null) setPerson(segments[index].speaker);
    }
    else if (event.key === "Escape" && clip) setClip(null);
    else return;
    event.preventDefault();
  }

  /** A click in a segment plays it, or opens it to whoever edits, unless it ended a selection. */
  function onClick(event) {
    const { target } = event;
    const name = target.closest("[data-speaker]");
    const item = target.closest(".segment");
    if (name) setPerson(name.dataset.speaker);
    if (name || !item || target.closest("a, .segment-editor")) return;
    if (!getSelection().isCollapsed) return;
    if (event.shiftKey) choose(clip ? (anchor.current ?? indexOf(item)) : indexOf(item), indexOf(item));
    else if (editing && mayEdit && target.closest(".segment-text")) setOpened(indexOf(item));
    else item.querySelector(".segment-time").click();
  }

  /** Whoever selects words of several segments means a clip of them. */
  function onPointerUp() {
    const selection = getSelection();
    const ends = [selection.anchorNode, selection.focusNode].map((node) =>
      (node?.nodeType === Node.TEXT_NODE ? node.parentElement : node)?.closest?.(".segment"),
    );
    if (!selection.isCollapsed && ends.every((end) => list.current.contains(end) && end)) choose(...ends.map(indexOf));
  }

  const leaveOut = () => {
    desk.say([{ op: "leave_out", start: clip.start, end: clip.end }]);
    setClip(null);
  };

  return html`<section class="transcript" aria-labelledby="transcript-heading">
    <div class="transcript-head">
      <h2 id="transcript-heading">${t("transcript.title")}</h2>
      ${mayEdit &&
      !editing &&
      html`<button type="button" class="button button-small" onClick=${() => setEditing(true)}>${t("edits.edit")}</button>`}
      ${mayEdit && html`<${SpeakerNames} people=${people} onChoose=${setPerson} />`}
      <${TranscriptSearch} list=${list} segments=${segments} onShow=${show} />
      <div class="transcript-choices">
        <label class="check">
          <input type="checkbox" checked=${follow} onChange=${(event) => setFollow(event.target.checked)} />
          ${t("transcript.follow")}
        </label>
        ${(isEdited || original) &&
        html`<label class="check">
          <input type="checkbox" checked=${original} onChange=${(event) => onOriginal(event.target.checked)} />
          ${t("transcript.original")}
        </label>`}
      </div>
      ${mayEdit &&
      editing &&
      html`<${EditTools}
        desk=${desk}
        edits=${edits}
        onHistory=${() => setHistory(true)}
        onDone=${() => {
          setOpened(null);
          setEditing(false);
        }}
      />`}
      <${EditStatus} desk=${desk} edits=${edits} about=${about} />
    </div>
    <p id="transcript-hint" class="visually-hidden">${t(editing ? "transcript.hint_editing" : "transcript.hint")}</p>
    ${segments.length === 0 && html`<p class="fine">${t("transcript.empty")}</p>`}
    <div
      ref=${list}
      role="list"
      class=${`transcript-list${revision.segments.length > LONG ? " transcript-long" : ""}${editing ? " transcript-editing" : ""}`}
      lang=${language}
      aria-describedby="transcript-hint"
      onKeyDown=${onKeyDown}
      onClick=${onClick}
      onPointerUp=${onPointerUp}
    >
      ${inGroups(items)}
    </div>
    ${segments.length > 0 &&
    html`<${ClipBar}
      jobId=${jobId}
      clip=${clip}
      playback=${playback}
      onClear=${() => setClip(null)}
      onLeaveOut=${editing && mayEdit && leaveOut}
    />`}
    ${person !== null &&
    html`<${SpeakerPanel}
      key=${person}
      label=${person}
      people=${people}
      look=${people.look.get(person)}
      desk=${desk}
      onLook=${(look) => onLook(person, look)}
      onClose=${() => setPerson(null)}
    />`}
    ${history && tools && html`<${tools.EditHistory} desk=${desk} edits=${edits} about=${about} onClose=${() => setHistory(false)} />`}
  </section>`;
}

import { useSettled } from "../../hooks.js";
import { t } from "../../i18n/index.js";
import { occurrences } from "../../transcript.js";
import { html, useEffect, useMemo, useState } from "../../view.js";
import { elementOf } from "../transcript/segments.js";

const PAUSE_MS = 120; // between two letters of somebody who types
const MARKED = 2_000; // at most: a single letter is found ten thousand times, and each mark costs

const paint = (name, ranges) => {
  const highlight = new Highlight();
  if (name === "found-here") highlight.priority = 1;
  for (const range of ranges) highlight.add(range);
  CSS.highlights.set(name, highlight);
};

const rangesOf = (list, hits) =>
  hits.flatMap(({ index, start, end }) => {
    const text = elementOf(list, index)?.querySelector(".segment-text")?.firstChild;
    if (!text || text.length < end) return []; // it is being edited
    return [new StaticRange({ startContainer: text, startOffset: start, endContainer: text, endOffset: end })];
  });

/** Finds words in the segments' texts. They are marked without a change of the document. */
export function TranscriptSearch({ list, segments, onShow }) {
  const [words, setWords] = useState("");
  const [here, setHere] = useState(-1);
  const hits = useMemo(() => occurrences(segments, words), [segments, words]);
  const at = Math.min(here, hits.length - 1);
  const painted = useSettled(hits, PAUSE_MS);

  useEffect(() => {
    if (!("highlights" in CSS)) return undefined;
    paint("found", rangesOf(list.current, painted.slice(0, MARKED)));
    return () => CSS.highlights.delete("found");
  }, [painted]);

  useEffect(() => {
    if (!("highlights" in CSS) || at < 0) return undefined;
    paint("found-here", rangesOf(list.current, [hits[at]]));
    return () => CSS.highlights.delete("found-here");
  }, [hits, at]);

  function go(step) {
    if (!hits.length) return;
    const next = (Math.max(at, step < 0 ? 0 : -1) + step + hits.length) % hits.length;
    setHere(next);
    onShow(hits[next].index);
  }

  function onInput(event) {
    setWords(event.target.value);
    setHere(-1);
  }

  function onKeyDown(event) {
    if (event.key === "Escape" && words) setWords("");
    else if (event.key === "Enter") go(event.shiftKey ? -1 : 1);
    else return;
    event.preventDefault();
  }

  const count =
    !words.trim() ? "" : !hits.length ? t("find.none") : at < 0 ? t("find.count", { count: hits.length }) : t("find.place", { place: at + 1, count: hits.length });
  return html`<div class="transcript-search" role="search">
    <input
      type="search"
      class="find-field"
      aria-label=${t("find.label")}
      placeholder=${t("find.label")}
      autocomplete="off"
      value=${words}
      onInput=${onInput}
      onKeyDown=${onKeyDown}
    />
    <span class="find-count fine" role="status">${count}</span>
    ${hits.length > 0 &&
    html`<button type="button" class="button button-quiet find-step" aria-label=${t("find.previous")} title=${t("find.previous")} onClick=${() => go(-1)}>↑</button>
      <button type="button" class="button button-quiet find-step" aria-label=${t("find.next")} title=${t("find.next")} onClick=${() => go(1)}>↓</button>`}
  </div>`;
}

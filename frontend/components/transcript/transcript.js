import { clock } from "../../format.js";
import { t } from "../../i18n/index.js";
import { debateHref } from "../../router.js";
import { speakerName } from "../../speakers.js";
import { segmentAt } from "../../transcript.js";
import { html, useLayoutEffect, useMemo, useRef, useState } from "../../view.js";
import { SpeakerMark } from "../speaker-mark/speaker-mark.js";

const LONG = 200; // segments from which the browser should not lay out what is out of sight
const READING_LINE = 0.3; // of the list's height: where the current segment is brought to

function Segment({ segment, index, jobId, look, opens }) {
  const { start, speaker, text } = segment;
  return html`<li class=${`segment speaker-${look}`} data-index=${index}>
    ${opens && html`<p class="segment-speaker"><${SpeakerMark} speaker=${speaker} look=${look} /></p>`}
    <div class="segment-body">
      <a
        class="segment-time"
        href=${debateHref(jobId, start)}
        data-moment=${start}
        tabindex=${index === 0 ? 0 : -1}
        aria-label=${t("transcript.play", { time: clock(start), speaker: speakerName(speaker) })}
        >${clock(start)}</a
      >
      <p class="segment-text" dir="auto">${text}</p>
    </div>
  </li>`;
}

/**
 * Marks the segment that is being spoken, and keeps it in view while `follow`. Done on the elements
 * themselves: with 3,000 segments, one attribute must not cost a comparison of them all.
 */
function useCurrent(list, segments, playback, follow) {
  // A layout effect ends before its elements go; time may still pass in between.
  useLayoutEffect(() => {
    let shown = null;
    function show(time) {
      const item = list.current.children[segmentAt(segments, time)] ?? null;
      if (item === shown) return;
      shown?.removeAttribute("aria-current");
      item?.setAttribute("aria-current", "true");
      shown = item;
      if (item && follow) {
        const top = item.offsetTop - list.current.clientHeight * READING_LINE;
        const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
        list.current.scrollTo({ top, behavior: still ? "instant" : "smooth" });
      }
    }
    show(playback.time.get());
    const end = playback.time.subscribe(show);
    return () => {
      end();
      shown?.removeAttribute("aria-current");
    };
  }, [segments, playback, follow]);
}

const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

/** The list is one stop of the Tab key; arrows move within it. */
function onKeyDown(event) {
  const link = event.target.closest("a[data-moment]");
  const step = STEPS[event.key];
  if (!link || !step) return;
  event.preventDefault();
  const items = event.currentTarget.children;
  const index = Number(link.closest("li").dataset.index);
  const next = items[Math.min(Math.max(index + step, 0), items.length - 1)].querySelector("a");
  link.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

/** A click anywhere in a segment plays it, unless it ended a selection of its words. */
function onClick(event) {
  if (event.target.closest("a") || !getSelection().isCollapsed) return;
  event.target.closest("li")?.querySelector("a[data-moment]").click();
}

export function Transcript({ jobId, transcript, look, playback }) {
  const list = useRef();
  const [follow, setFollow] = useState(true);
  const segments = transcript.transcription;
  const language = transcript.language ?? undefined;
  useCurrent(list, segments, playback, follow);

  const items = useMemo(
    () =>
      segments.map(
        (segment, index) => html`<${Segment}
          key=${index}
          segment=${segment}
          index=${index}
          jobId=${jobId}
          look=${look.get(segment.speaker)}
          opens=${index === 0 || segments[index - 1].speaker !== segment.speaker}
        />`,
      ),
    [segments, look, t("app.name"), t("speaker.unknown")],
  );

  return html`<section class="transcript" aria-labelledby="transcript-heading">
    <div class="transcript-head">
      <h2 id="transcript-heading">${t("transcript.title")}</h2>
      <label class="check">
        <input type="checkbox" checked=${follow} onChange=${(event) => setFollow(event.target.checked)} />
        ${t("transcript.follow")}
      </label>
    </div>
    <p id="transcript-hint" class="visually-hidden">${t("transcript.hint")}</p>
    ${segments.length === 0 && html`<p class="fine">${t("transcript.empty")}</p>`}
    <ol
      ref=${list}
      class=${segments.length > LONG ? "transcript-list transcript-long" : "transcript-list"}
      lang=${language}
      aria-describedby="transcript-hint"
      onKeyDown=${onKeyDown}
      onClick=${onClick}
    >
      ${items}
    </ol>
  </section>`;
}

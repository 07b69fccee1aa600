import { clock } from "../../format.js";
import { t } from "../../i18n/index.js";
import { spansBySpeaker } from "../../transcript.js";
import { html, useLayoutEffect, useMemo, useRef } from "../../view.js";
import { SpeakerMark, fillOf } from "../speaker-mark/speaker-mark.js";

const LANE = 24; // px
const BAR = 14;
const FINEST = 1 / 1000; // of the duration: what a screen can show

const share = (seconds, duration) => `${((seconds / duration) * 100).toFixed(3)}%`;

/** One lane a speaker over time. A pointer's shortcut; the transcript is the way for a keyboard. */
export function Lanes({ transcript, look, playback }) {
  const { duration } = transcript;
  const lanes = useMemo(() => [...spansBySpeaker(transcript, duration * FINEST)], [transcript]);
  const head = useRef();

  useLayoutEffect(() => {
    const show = (time) => head.current?.setAttribute("x", share(time, duration));
    show(playback.time.get());
    return playback.time.subscribe(show);
  }, [playback, duration]);

  if (!lanes.length || !(duration > 0)) return null;

  function onClick(event) {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    playback.seek(((event.clientX - left) / width) * duration, { play: true });
  }

  return html`<figure class="lanes">
    <figcaption class="quiet-heading">${t("lanes.title")}</figcaption>
    <div class="lanes-body">
      <ul class="lanes-names">
        ${lanes.map(
          ([speaker]) => html`<li key=${speaker}><${SpeakerMark} speaker=${speaker} look=${look.get(speaker)} /></li>`,
        )}
      </ul>
      <div>
        <svg
          class="lanes-chart"
          width="100%"
          height=${lanes.length * LANE}
          role="img"
          aria-label=${t("lanes.label", { count: lanes.length, duration: clock(duration) })}
          onClick=${onClick}
        >
          ${lanes.map(([speaker, spans], lane) => {
            const y = lane * LANE + (LANE - BAR) / 2;
            return html`<g key=${speaker}>
              <rect class="lane-track" width="100%" y=${y} height=${BAR} rx="3" />
              ${spans.map(
                ({ start, end }) => html`<rect
                  key=${start}
                  x=${share(start, duration)}
                  width=${share(end - start, duration)}
                  y=${y}
                  height=${BAR}
                  rx="2"
                  fill=${fillOf(look.get(speaker))}
                />`,
              )}
            </g>`;
          })}
          <rect ref=${head} class="lanes-head" width="2" height="100%" />
        </svg>
        <p class="lanes-ends" aria-hidden="true"><span>0:00</span><span>${clock(duration)}</span></p>
      </div>
    </div>
  </figure>`;
}

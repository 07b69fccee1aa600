import { percent } from "../../format.js";
import { t } from "../../i18n/index.js";
import { html } from "../../view.js";
import { SpeakerMark, fillOf } from "../speaker-mark/speaker-mark.js";

const BAR = 18; // px

/** One bar a speaker, the longest across the whole width; the words beside it say the same. */
export function SpeakerBars({ measure, share, format, rows, look }) {
  const longest = Math.max(...rows.map((row) => row[measure]), 0);
  return html`<figure class="bars">
    <figcaption>${t(`bars.${measure}`)}</figcaption>
    <ul>
      ${rows.map((row) => {
        const width = longest > 0 ? (row[measure] / longest) * 100 : 0;
        return html`<li key=${row.speaker}>
          <span class="bars-name"><${SpeakerMark} speaker=${row.speaker} look=${look.get(row.speaker)} /></span>
          <span class="bars-value">
            <data value=${row[measure]}>${format(row[measure])}</data>
            <span class="bars-share">${percent(row[share])}</span>
          </span>
          <svg class="bars-bar" width="100%" height=${BAR} aria-hidden="true">
            <rect class="lane-track" width="100%" height=${BAR} rx="3" />
            <rect width=${`${width}%`} height=${BAR} rx="3" fill=${fillOf(look.get(row.speaker))} />
          </svg>
        </li>`;
      })}
    </ul>
  </figure>`;
}

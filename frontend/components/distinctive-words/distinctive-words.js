import { t } from "../../i18n/index.js";
import { speakerName } from "../../speakers.js";
import { html } from "../../view.js";
import { FigureButton } from "../moments/moments.js";
import { SpeakerMark } from "../speaker-mark/speaker-mark.js";

const bare = (text) => text.toLocaleLowerCase().replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");

/** The segments in which the speaker says the word. */
function segmentsWith({ transcription }, speaker, word) {
  return transcription.flatMap(({ start, end, text, speaker: who }, segment) =>
    who === speaker && text.split(/\s+/).some((each) => bare(each) === word) ? [{ start, end, segment }] : [],
  );
}

/** The words that each uses more than the others do. */
export function DistinctiveWords({ rows, transcript, look, shown }) {
  const told = rows.filter(({ vocabulary }) => vocabulary.distinctiveWords.length);
  if (!told.length) return null;
  return html`<section class="distinctive" aria-labelledby="distinctive-heading">
    <h3 id="distinctive-heading">${t("distinctive.title")}</h3>
    <p class="fine">${t("distinctive.lead")}</p>
    <dl>
      ${told.map(
        ({ speaker, vocabulary }) => html`<div key=${speaker}>
          <dt><${SpeakerMark} speaker=${speaker} look=${look.get(speaker)} /></dt>
          <dd>
            ${vocabulary.distinctiveWords.map((word) => {
              const title = t("distinctive.word", { word, speaker: speakerName(speaker) });
              const figure = () => ({ title, moments: segmentsWith(transcript, speaker, word) });
              return html`<${FigureButton} key=${word} shown=${shown} label=${title} figure=${figure}>${word}<//> `;
            })}
          </dd>
        </div>`,
      )}
    </dl>
  </section>`;
}

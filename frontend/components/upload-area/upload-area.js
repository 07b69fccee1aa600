import { t } from "../../i18n/index.js";
import { languageName } from "../../format.js";
import { SUFFIXES } from "../../media.js";
import { addFiles } from "../../uploads.js";
import { html, useEffect, useRef, useState } from "../../view.js";
import { Icon } from "../icon/icon.js";

const LANGUAGES = ["ar", "ca", "de", "en", "es", "eu", "fr", "gl", "it", "ja", "nl", "pl", "pt", "uk", "zh"];
const ACCEPT = SUFFIXES.map((suffix) => `.${suffix}`).join();
const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

/** Files may be dropped anywhere on the page; `true` while some hang over it. */
function usePageDrop(onFiles) {
  const [over, setOver] = useState(false);
  const latest = useRef(onFiles);
  latest.current = onFiles;
  useEffect(() => {
    let depth = 0; // dragenter and dragleave also come from every element on the way
    const handlers = {
      dragenter: () => setOver(++depth > 0),
      dragleave: () => setOver(--depth > 0),
      dragover: (event) => event.preventDefault(),
      drop: (event) => {
        event.preventDefault();
        depth = 0;
        setOver(false);
        latest.current(event.dataTransfer.files);
      },
    };
    const entries = Object.entries(handlers).map(([name, handle]) => [
      name,
      (event) => carriesFiles(event) && handle(event),
    ]);
    for (const [name, handle] of entries) addEventListener(name, handle);
    return () => entries.forEach(([name, handle]) => removeEventListener(name, handle));
  }, []);
  return over;
}

function Hints({ hints, onChange }) {
  const set = (name) => (event) => onChange({ ...hints, [name]: event.target.value });
  const setChecked = (event) => onChange({ ...hints, channelPerSpeaker: event.target.checked });
  return html`<details class="upload-hints">
    <summary>${t("upload.hints")}</summary>
    <div class="upload-hints-fields">
      <label>
        ${t("upload.language")}
        <select value=${hints.language} onChange=${set("language")}>
          <option value="">${t("upload.language_auto")}</option>
          ${LANGUAGES.map((code) => html`<option key=${code} value=${code}>${languageName(code)}</option>`)}
        </select>
      </label>
      <label>
        ${t("upload.speakers")}
        <input
          type="number"
          inputmode="numeric"
          min="1"
          max="50"
          placeholder=${t("upload.speakers_auto")}
          value=${hints.speakers}
          onInput=${set("speakers")}
        />
      </label>
      <label class="upload-hints-check">
        <input
          type="checkbox"
          aria-describedby="upload-channels-why"
          checked=${hints.channelPerSpeaker}
          onChange=${setChecked}
        />
        ${t("upload.channels")}
      </label>
    </div>
    <p class="fine" id="upload-channels-why">${t("upload.channels_why")}</p>
    <p class="fine">${t("upload.hints_why")}</p>
  </details>`;
}

/** Only what the user said: the server guesses the rest. */
function toOptions({ language, speakers, channelPerSpeaker }) {
  const count = Number(speakers);
  const known = Number.isInteger(count) && count >= 1 && count <= 50;
  return {
    ...(language && { language }),
    ...(known && { speakers: count }),
    ...(channelPerSpeaker && { channel_per_speaker: true }),
  };
}

/** `compact` once there are debates: the newcomer's big box then gives way to them. */
export function UploadArea({ compact }) {
  const input = useRef();
  const [hints, setHints] = useState({ language: "", speakers: "", channelPerSpeaker: false });
  const add = (files) => addFiles([...files], toOptions(hints));
  const over = usePageDrop(add);

  function onChosen(event) {
    add(event.target.files);
    event.target.value = ""; // the same file may be chosen again
  }

  const classes = ["upload-box", over && "upload-box-over", compact && "upload-box-compact"];
  return html`<section class="upload-area" aria-labelledby="upload-heading">
    <div class=${classes.filter(Boolean).join(" ")}>
      <${Icon} name="upload" />
      <div class="upload-words">
        <h2 id="upload-heading">${over ? t("upload.drop_now") : t("upload.title")}</h2>
        <p class="fine" id="upload-rules">${t("upload.rules")}</p>
      </div>
      <button
        type="button"
        class="button button-main"
        aria-describedby="upload-rules"
        onClick=${() => input.current.click()}
      >
        ${t("upload.choose")}
      </button>
      <input
        ref=${input}
        type="file"
        hidden
        multiple
        accept=${ACCEPT}
        aria-label=${t("upload.choose")}
        onChange=${onChosen}
      />
      <${Hints} hints=${hints} onChange=${setHints} />
    </div>
  </section>`;
}

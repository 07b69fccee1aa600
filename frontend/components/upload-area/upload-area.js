import { getUploadRules } from "../../api.js";
import { ACCEPT, canPick, ofDrop, ofInput, pick } from "../../chosen.js";
import { languageName } from "../../format.js";
import { usePart } from "../../hooks.js";
import { t } from "../../i18n/index.js";
import { LANGUAGES } from "../../languages.js";
import { isMailAddress } from "../../mail.js";
import { mailAddress, readSetting, setMailAddress } from "../../settings.js";
import { useStore } from "../../store.js";
import { addFiles } from "../../uploads.js";
import { html, useEffect, useRef, useState } from "../../view.js";
import { Icon } from "../icon/icon.js";
import { ImportLink } from "../import-link/import-link.js";

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
      drop: async (event) => {
        event.preventDefault();
        depth = 0;
        setOver(false);
        latest.current(await ofDrop(event.dataTransfer));
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

/** Folded, but for an address that is already there: it would be written to unseen. */
function Hints({ hints, onChange, children }) {
  const set = (name) => (event) => onChange({ ...hints, [name]: event.target.value });
  const setChecked = (event) => onChange({ ...hints, channelPerSpeaker: event.target.checked });
  const [isOpen] = useState(Boolean(mailAddress.get()));
  return html`<details class="upload-hints" open=${isOpen}>
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
    ${children}
  </details>`;
}

/** Whether mails are sent here; false until the server has said so. */
function useMails() {
  const [sent, setSent] = useState(false);
  useEffect(() => {
    getUploadRules().then(
      ({ notify }) => setSent(notify),
      () => {}, // a form without this field is a form
    );
  }, []);
  return sent;
}

function MailField({ address }) {
  const [left, setLeft] = useState(true);
  const wrong = left && address !== "" && !isMailAddress(address);
  return html`<div class="upload-mail">
    <label for="upload-mail">${t("upload.notify")}</label>
    <input
      id="upload-mail"
      type="email"
      name="email"
      autocomplete="email"
      spellcheck="false"
      maxlength="254"
      placeholder="ana@example.org"
      aria-describedby="upload-mail-why"
      aria-invalid=${wrong ? "true" : null}
      value=${address}
      onInput=${(event) => setMailAddress(event.target.value)}
      onFocus=${() => setLeft(false)}
      onBlur=${() => setLeft(true)}
    />
    <p id="upload-mail-why" class=${wrong ? "problem" : "fine"}>
      ${wrong ? t("upload.notify_wrong") : t("upload.notify_why")}
    </p>
  </div>`;
}

/** Only what the user said: the server guesses the rest. */
function toOptions({ language, speakers, channelPerSpeaker }, notify) {
  const count = Number(speakers);
  const known = Number.isInteger(count) && count >= 1 && count <= 50;
  return {
    ...(language && { language }),
    ...(known && { speakers: count }),
    ...(channelPerSpeaker && { channel_per_speaker: true }),
    ...(notify && { notify }),
  };
}

/** Loaded when somebody wants to record, or when this browser still holds a recording. */
function RecorderPlace({ isWanted, ...others }) {
  const isHeld = readSetting("recordings") === "held";
  const Recorder = usePart("recorder", isWanted || isHeld);
  return Recorder && html`<${Recorder} isWanted=${isWanted} ...${others} />`;
}

/** `compact` once there are debates: the newcomer's big box then gives way to them. */
export function UploadArea({ compact }) {
  const input = useRef();
  const [hints, setHints] = useState({ language: "", speakers: "", channelPerSpeaker: false });
  const mails = useMails();
  const address = useStore(mailAddress);
  const options = toOptions(hints, mails && address);
  const [isRecording, setRecording] = useState(false);
  const record = useRef();
  const add = (files) => addFiles(files, options);
  const over = usePageDrop(add);

  async function choose() {
    if (canPick()) add(await pick({ multiple: true }));
    else input.current.click();
  }

  function onChosen({ target }) {
    add(ofInput(target));
    target.value = ""; // the same file may be chosen again
  }

  function closeRecorder() {
    setRecording(false);
    record.current.focus();
  }

  const classes = ["upload-box", over && "upload-box-over", compact && "upload-box-compact"];
  return html`<section class="upload-area" aria-labelledby="upload-heading">
    <div class=${classes.filter(Boolean).join(" ")}>
      <${Icon} name="upload" />
      <div class="upload-words">
        <h2 id="upload-heading">${over ? t("upload.drop_now") : t("upload.title")}</h2>
        <p class="fine" id="upload-rules">${t("upload.rules")}</p>
      </div>
      <div class="upload-buttons">
        <button type="button" class="button button-main" aria-describedby="upload-rules" onClick=${choose}>
          ${t("upload.choose")}
        </button>
        <button ref=${record} type="button" class="button" onClick=${() => setRecording(true)}>
          ${t("upload.record")}
        </button>
      </div>
      <input
        ref=${input}
        type="file"
        hidden
        multiple
        accept=${ACCEPT}
        aria-label=${t("upload.choose")}
        onChange=${onChosen}
      />
      <${ImportLink} options=${options} />
      <${Hints} hints=${hints} onChange=${setHints}>${mails && html`<${MailField} address=${address} />`}<//>
    </div>
    <${RecorderPlace}
      isWanted=${isRecording}
      onClose=${closeRecorder}
      onEnd=${() => setRecording(false)}
      options=${options}
    />
  </section>`;
}

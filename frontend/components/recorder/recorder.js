import { clock, dateTime } from "../../format.js";
import { useTick } from "../../hooks.js";
import { t } from "../../i18n/index.js";
import { isMailAddress } from "../../mail.js";
import {
  closeDevices,
  currentStream,
  elapsed,
  level,
  openDevices,
  pauseRecording,
  recorder,
  resumeRecording,
  startRecording,
  stopRecording,
} from "../../recorder.js";
import { discardRecording, finishRecording, recordings, restoreRecordings, sendAgain } from "../../recordings.js";
import { useStore } from "../../store.js";
import { html, useEffect, useRef, useState } from "../../view.js";
import { ServerSentence } from "../refusal/refusal.js";
import { SureButton } from "../sure-button/sure-button.js";

const METER_MS = 60;
const CALM_METER_MS = 1000; // for who wants nothing to move
const QUIET_MS = 5_000;
const QUIET = 0.05;

const seconds = (ms) => clock(ms / 1000);

/** Writes to the element itself: a level moves faster than a page should be rendered. */
function Level() {
  const bar = useRef();
  const [isQuiet, setQuiet] = useState(false);
  useEffect(() => {
    const element = bar.current;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    let heard = performance.now();
    const timer = setInterval(() => {
      const now = level();
      element.style.setProperty("--level", now.toFixed(2));
      element.setAttribute("aria-valuenow", Math.round(now * 10) * 10);
      if (now > QUIET) heard = performance.now();
      setQuiet(performance.now() - heard > QUIET_MS);
    }, calm ? CALM_METER_MS : METER_MS);
    return () => clearInterval(timer);
  }, []);
  return html`
    <div
      ref=${bar}
      class="recorder-level"
      role="meter"
      aria-label=${t("recorder.level")}
      aria-valuemin="0"
      aria-valuemax="100"
      aria-valuenow="0"
    ></div>
    ${isQuiet && html`<p class="problem" role="alert">${t("recorder.quiet")}</p>`}
  `;
}

function Preview() {
  const attach = (element) => {
    if (element && element.srcObject !== currentStream()) element.srcObject = currentStream();
  };
  return html`<video class="recorder-preview" ref=${attach} muted autoplay playsinline aria-label=${t("recorder.preview")}></video>`;
}

/** The `main` one takes the focus where it went with the button that led here. */
function Button({ label, onClick, main }) {
  const button = useRef();
  useEffect(() => {
    if (main && document.activeElement === document.body) button.current.focus();
  }, []);
  return html`<button ref=${button} type="button" class=${`button ${main ? "button-main" : ""}`} onClick=${onClick}>
    ${label}
  </button>`;
}

/** How much of a recording is in safety. */
function Sent({ recording }) {
  const { duration, waiting, trouble } = recording;
  const sent = seconds(duration - waiting);
  return html`<p class="recorder-facts">
    ${waiting > 0
      ? html`<span>${t("recorder.sent", { sent, waiting: seconds(waiting) })}</span>`
      : html`<span>${t("recorder.all_sent")}</span>`}
    ${trouble && html`<span>${trouble.detail || t("recorder.offline")}</span>`}
  </p>`;
}

function Warnings({ recording }) {
  const { isSafe, problem } = recording;
  return html`
    ${!isSafe && html`<p class="problem" role="alert">${t("recorder.disk_full")}</p>`}
    ${problem &&
    html`<p class="problem" role="alert">
      ${problem.status === 401
        ? t("trouble.sign_in")
        : html`<${ServerSentence} code=${problem.code} sentence=${problem.detail || t("trouble.again")} />`}
    </p>`}
  `;
}

function Live({ state, recording }) {
  useTick(state === "recording", 250);
  const paused = state === "paused";
  return html`
    <p class="recorder-clock">
      <span class=${`recorder-sign ${paused ? "recorder-sign-paused" : ""}`} aria-hidden="true"></span>
      <span class="recorder-state">${paused ? t("recorder.paused") : t("recorder.recording")}</span>
      <span role="timer">${seconds(elapsed())}</span>
    </p>
    <${Level} />
    <${Sent} recording=${recording} />
    <${Warnings} recording=${recording} />
    <div class="recorder-actions">
      <${Button} main label=${t("recorder.stop")} onClick=${stopRecording} />
      <${Button}
        label=${paused ? t("recorder.resume") : t("recorder.pause")}
        onClick=${paused ? resumeRecording : pauseRecording}
      />
    </div>
  `;
}

function Choice({ state, onClose }) {
  return html`
    <p class="fine">${state === "asking" ? t("recorder.asking") : t("recorder.why")}</p>
    <div class="recorder-actions">
      <${Button} main label=${t("recorder.sound")} onClick=${() => openDevices(false)} />
      <${Button} label=${t("recorder.video")} onClick=${() => openDevices(true)} />
      <${Button} label=${t("recorder.close")} onClick=${onClose} />
    </div>
  `;
}

function Ready({ onClose }) {
  return html`
    <p class="fine">${t("recorder.ready")}</p>
    <${Level} />
    <div class="recorder-actions">
      <${Button} main label=${t("recorder.start")} onClick=${startRecording} />
      <${Button} label=${t("recorder.close")} onClick=${onClose} />
    </div>
  `;
}

function Panel({ now, recording, onClose }) {
  const { state, video, problem } = now;
  const heading = useRef();
  useEffect(() => {
    if (!recording) heading.current.focus(); // it was asked for; one that records is come back to
  }, []);
  return html`<section class="recorder" aria-labelledby="recorder-heading">
    <h3 id="recorder-heading" ref=${heading} tabindex="-1">${t("recorder.title")}</h3>
    ${problem && html`<p class="problem" role="alert">${t(`recorder.${problem}`)}</p>`}
    ${video && state !== "asking" && html`<${Preview} />`}
    ${recording
      ? html`<${Live} state=${state} recording=${recording} />`
      : state === "ready"
        ? html`<${Ready} onClose=${onClose} />`
        : html`<${Choice} state=${state} onClose=${onClose} />`}
  </section>`;
}

/** One that has ended and is not a debate yet. What has just been recorded wants its title. */
function Ended({ recording, options }) {
  const field = useRef();
  const { id, startedAt, duration, wasLeft, ending, problem } = recording;
  const name = t("recorder.untitled", { time: dateTime(startedAt) });
  const [title, setTitle] = useState(name);
  const isWrong = Boolean(options.notify) && !isMailAddress(options.notify);
  const [isRefused, setRefused] = useState(false);
  useEffect(() => {
    if (!wasLeft) field.current?.select();
  }, []);
  function finish(event) {
    event.preventDefault();
    setRefused(isWrong);
    if (!isWrong) finishRecording(id, { ...options, title: title.trim() || name });
  }

  return html`<li class="recorder recorder-ended">
    <p class="recorder-name"><bdi>${ending?.title ?? name}</bdi> <span class="fine">${seconds(duration)}</span></p>
    ${!ending && html`<p class="fine">${wasLeft ? t("recorder.was_left") : t("recorder.ended")}</p>`}
    <${Sent} recording=${recording} />
    <${Warnings} recording=${recording} />
    ${isRefused && isWrong && html`<p class="problem" role="alert">${t("recorder.notify_wrong")}</p>`}
    <form class="recorder-finish" onSubmit=${finish}>
      ${!ending &&
      html`<label>
          ${t("recorder.name")}
          <input
            ref=${field}
            type="text"
            maxlength="200"
            value=${title}
            onInput=${(event) => setTitle(event.target.value)}
          />
        </label>
        <button type="submit" class="button button-main">${t("recorder.finish")}</button>`}
      ${problem && html`<${Button} label=${t("upload.retry")} onClick=${() => sendAgain(id)} />`}
      <${SureButton}
        label=${t("recorder.discard")}
        sure=${t("recorder.discard_sure")}
        onSure=${() => discardRecording(id)}
      />
    </form>
  </li>`;
}

/**
 * What is being recorded, and what was. `isWanted` shows the recorder until `onClose()`, or `onEnd()`
 * once something was recorded; `options` are as of uploads.
 */
export function Recorder({ isWanted, onClose, onEnd, options }) {
  const now = useStore(recorder);
  const list = useStore(recordings);
  useEffect(() => void restoreRecordings(), []);
  const live = list.find((recording) => recording.isLive);
  const id = live?.id;
  useEffect(() => id && onEnd, [id]);
  const ended = list.filter((recording) => !recording.isLive);

  function close() {
    closeDevices();
    onClose();
  }

  return html`
    ${(isWanted || live || now.problem) && html`<${Panel} now=${now} recording=${live} onClose=${close} />`}
    ${ended.length > 0 &&
    html`<ul class="recorder-list" aria-label=${t("recorder.list")}>
      ${ended.map((recording) => html`<${Ended} key=${recording.id} recording=${recording} options=${options} />`)}
    </ul>`}
  `;
}

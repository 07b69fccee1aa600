import { ACCEPT, canPick, ofInput, pick } from "../../chosen.js";
import { bytes, clock, percent } from "../../format.js";
import { t } from "../../i18n/index.js";
import { MAX_BYTES, SUFFIXES } from "../../media.js";
import {
  cancelUpload,
  dismissUpload,
  pauseUpload,
  restoreUploads,
  resumeUpload,
  resumeWith,
} from "../../sending.js";
import { useStore } from "../../store.js";
import { uploads } from "../../uploads.js";
import { html, useEffect, useRef } from "../../view.js";
import { Icon } from "../icon/icon.js";

function refusedBecause(upload) {
  return t(`refusal.${upload.problem}`, {
    suffixes: SUFFIXES.join(", "),
    size: bytes(upload.size),
    most: bytes(MAX_BYTES),
  });
}

function failedBecause({ problem }) {
  if (problem.detail) return problem.detail;
  if (problem.code === "file_changed") return t("upload.failed_changed");
  if (problem.status === 401) return t("trouble.sign_in");
  return t("upload.failed_refused", { status: problem.status });
}

function progressFacts({ state, sent, size, speed, secondsLeft, lost }) {
  if (state === "waiting") return [t("upload.waiting")];
  const soFar = [
    percent(Math.floor((sent / size) * 100) / 100),
    t("upload.sent", { sent: bytes(sent), size: bytes(size) }),
  ];
  if (lost) return [...soFar, t("upload.lost")];
  if (state !== "sending") return soFar;
  if (sent === size) return [...soFar, t("upload.arriving")];
  if (!speed) return soFar;
  const time = clock(Math.ceil(secondsLeft));
  return [...soFar, t("upload.speed", { speed: bytes(speed) }), t("upload.left", { time })];
}

function Progress({ upload }) {
  const { sent, size, name } = upload;
  return html`
    <progress value=${sent} max=${size} aria-label=${t("upload.progress", { name })}></progress>
    <p class="upload-facts">
      ${progressFacts(upload).map((fact, index) => html`<span key=${index}>${fact}</span>`)}
    </p>
  `;
}

function Action({ label, name, onClick }) {
  return html`<button type="button" class="button button-quiet" aria-label=${`${label}: ${name}`} onClick=${onClick}>
    ${label}
  </button>`;
}

/** For one whose file is gone with the page that sent it. */
function ChooseAgain({ id, name }) {
  const input = useRef();
  const choose = async () => {
    if (!canPick()) return input.current.click();
    const [chosen] = await pick({ multiple: false });
    if (chosen) resumeWith(id, chosen);
  };
  const onChosen = ({ target }) => {
    for (const chosen of ofInput(target)) resumeWith(id, chosen);
    target.value = "";
  };
  return html`<${Action} label=${t("upload.choose_again")} name=${name} onClick=${choose} />
    <input
      ref=${input}
      type="file"
      hidden
      accept=${ACCEPT}
      aria-label=${`${t("upload.choose_again")}: ${name}`}
      onChange=${onChosen}
    />`;
}

/** What there is to say of one that stands still. */
function Standing({ upload }) {
  const { state, name, inParts, handle, isOther } = upload;
  if (state === "refused") return html`<p class="problem">${refusedBecause(upload)}</p>`;
  if (state === "failed") return html`<p class="problem">${failedBecause(upload)}</p>`;
  if (state === "cancelled") return html`<p class="fine">${t("upload.cancelled")}</p>`;
  if (isOther) return html`<p class="problem" role="alert">${t("upload.other_file", { name })}</p>`;
  if (state === "interrupted") {
    return html`<p class="fine">${handle ? t("upload.interrupted_here") : t("upload.interrupted")}</p>`;
  }
  if (state === "paused") {
    return html`<p class="fine">${inParts === false ? t("upload.paused_whole") : t("upload.paused")}</p>`;
  }
  return null;
}

const HAS_BEGUN = ["waiting", "sending", "paused", "interrupted"];

/** What may be done with it first: a key of the dictionary, and what does it. */
function firstAction({ state, handle }) {
  if (state === "waiting" || state === "sending") return ["upload.pause", pauseUpload];
  if (state === "paused" || (state === "interrupted" && handle)) return ["upload.resume", resumeUpload];
  if (state === "failed" || state === "cancelled") return ["upload.retry", resumeUpload];
  return null;
}

/** Two places, whatever is in them: so a button that becomes another one keeps the focus. */
function Actions({ upload }) {
  const { id, name, state, handle } = upload;
  const first = firstAction(upload);
  const last = HAS_BEGUN.includes(state) ? ["upload.cancel", cancelUpload] : ["upload.dismiss", dismissUpload];
  const action = ([key, act]) => html`<${Action} label=${t(key)} name=${name} onClick=${() => act(id)} />`;
  return html`<div class="upload-actions">
    ${first && action(first)}
    ${state === "interrupted" && !handle && html`<${ChooseAgain} id=${id} name=${name} />`}
    ${action(last)}
  </div>`;
}

function Upload({ upload }) {
  const { name, state } = upload;
  const trouble = state === "refused" || state === "failed";
  return html`<li class=${`upload upload-${state}`}>
    <p class="upload-name">${trouble && html`<${Icon} name="alert" />`}<bdi>${name}</bdi></p>
    <div class="upload-state">
      ${HAS_BEGUN.includes(state) && html`<${Progress} upload=${upload} />`}
      <${Standing} upload=${upload} />
    </div>
    <${Actions} upload=${upload} />
  </li>`;
}

/** The files that this page is sending, could not send, or could go on with. */
export function UploadRows() {
  const list = useStore(uploads);
  useEffect(() => void restoreUploads(), []);
  if (!list.length) return null;
  return html`<section class="upload-list" aria-labelledby="uploads-heading">
    <h2 id="uploads-heading" class="quiet-heading">${t("upload.list")}</h2>
    <ul>
      ${list.map((upload) => html`<${Upload} key=${upload.id} upload=${upload} />`)}
    </ul>
  </section>`;
}

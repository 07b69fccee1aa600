import { bytes, clock, percent } from "../../format.js";
import { t } from "../../i18n/index.js";
import { MAX_BYTES, SUFFIXES } from "../../media.js";
import { useStore } from "../../store.js";
import { cancelUpload, dismissUpload, isOpen, retryUpload, uploads } from "../../uploads.js";
import { html } from "../../view.js";
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
  if (problem.code === "unreachable") return t("upload.failed_unreachable");
  if (problem.status === 401) return t("trouble.sign_in");
  return t("upload.failed_refused", { status: problem.status });
}

function progressFacts({ state, sent, size, speed, secondsLeft }) {
  if (state === "waiting") return [t("upload.waiting")];
  const soFar = [
    percent(Math.floor((sent / size) * 100) / 100),
    t("upload.sent", { sent: bytes(sent), size: bytes(size) }),
  ];
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

function Upload({ upload }) {
  const { id, name, state } = upload;
  const trouble = state === "refused" || state === "failed";
  return html`<li class=${`upload upload-${state}`}>
    <p class="upload-name">${trouble && html`<${Icon} name="alert" />`}<bdi>${name}</bdi></p>
    <div class="upload-state">
      ${isOpen(upload) && html`<${Progress} upload=${upload} />`}
      ${state === "refused" && html`<p class="problem">${refusedBecause(upload)}</p>`}
      ${state === "failed" && html`<p class="problem">${failedBecause(upload)}</p>`}
      ${state === "cancelled" && html`<p class="fine">${t("upload.cancelled")}</p>`}
    </div>
    <div class="upload-actions">
      ${isOpen(upload) &&
      html`<${Action} label=${t("upload.cancel")} name=${name} onClick=${() => cancelUpload(id)} />`}
      ${(state === "failed" || state === "cancelled") &&
      html`<${Action} label=${t("upload.retry")} name=${name} onClick=${() => retryUpload(id)} />`}
      ${!isOpen(upload) &&
      html`<${Action} label=${t("upload.dismiss")} name=${name} onClick=${() => dismissUpload(id)} />`}
    </div>
  </li>`;
}

/** The files that this page is sending, or could not send. */
export function UploadList() {
  const list = useStore(uploads);
  if (!list.length) return null;
  return html`<section class="upload-list" aria-labelledby="uploads-heading">
    <h2 id="uploads-heading" class="quiet-heading">${t("upload.list")}</h2>
    <ul>
      ${list.map((upload) => html`<${Upload} key=${upload.id} upload=${upload} />`)}
    </ul>
  </section>`;
}

/**
 * The files on their way from this page to the bucket.
 *
 * An upload is `{id, name, size, state, sent, speed, secondsLeft, jobId, problem}`; state is
 * waiting, sending, cancelled, refused (`problem` is a key under `refusal.`) or failed (`problem`
 * is an ApiError). One that arrived leaves the list: its job takes over.
 */
import { announce } from "./announce.js";
import { createUpload, putFile } from "./api.js";
import { t } from "./i18n/index.js";
import { refreshJobs } from "./jobs.js";
import { refusal } from "./media.js";
import { createStore } from "./store.js";

const AT_ONCE = 2; // more would share the same line and all finish late
const SMOOTHING = 0.2; // of the speed: a new sample's weight
const SAMPLE_MS = 250;
const MILESTONES = [0.25, 0.5, 0.75];

export const uploads = createStore([]);

/** Jobs that were announced for an upload that did not happen: rows nobody wants to see waiting. */
const abandoned = new Set();

const files = new Map(); // id → {file, options, abort}
let lastId = 0;

const change = (id, values) =>
  uploads.update((list) => list.map((item) => (item.id === id ? { ...item, ...values } : item)));

function abandon(id) {
  abandoned.add(uploads.get().find((item) => item.id === id)?.jobId);
}

/** Whether the upload list already says all there is to say of this job. */
export function isShownAsUpload(job) {
  if (job.status !== "UPLOADING") return false;
  return abandoned.has(job.job_id) || uploads.get().some((item) => item.jobId === job.job_id);
}

export const isOpen = (upload) => upload.state === "waiting" || upload.state === "sending";

/** `options`: `{language, speakers, channel_per_speaker}` as the user may know them, for POST /api/uploads. */
export function addFiles(list, options = {}) {
  for (const file of list) {
    const id = ++lastId;
    const problem = refusal(file);
    const item = { id, name: file.name, size: file.size, sent: 0, speed: null, secondsLeft: null };
    uploads.update((all) => [...all, { ...item, state: problem ? "refused" : "waiting", problem }]);
    if (problem) announce(t("upload.said_refused", { name: file.name }));
    else files.set(id, { file, options, abort: new AbortController() });
  }
  startWaiting();
}

export function cancelUpload(id) {
  files.get(id).abort.abort();
  abandon(id);
  change(id, { state: "cancelled" });
}

export function retryUpload(id) {
  files.get(id).abort = new AbortController();
  change(id, { state: "waiting", sent: 0, speed: null, secondsLeft: null, problem: null });
  startWaiting();
}

export function dismissUpload(id) {
  files.delete(id);
  uploads.update((list) => list.filter((item) => item.id !== id));
}

function startWaiting() {
  const list = uploads.get();
  const free = AT_ONCE - list.filter((item) => item.state === "sending").length;
  const next = list.filter((item) => item.state === "waiting").slice(0, Math.max(free, 0));
  for (const item of next) send(item);
}

async function send({ id, name, size }) {
  const { file, options, abort } = files.get(id);
  change(id, { state: "sending" });
  announce(t("upload.said_started", { name }));
  try {
    // No content type: browsers guess it from the suffix, some of them wrongly (.ts).
    const { job, upload } = await createUpload({ filename: name, size, content_type: "", ...options });
    change(id, { jobId: job.job_id });
    if (abort.signal.aborted) abandon(id);
    abort.signal.throwIfAborted();
    await putFile(upload, file, { onProgress: meter(id, name, size), signal: abort.signal });
    dismissUpload(id);
    announce(t("upload.said_done", { name }));
    refreshJobs();
  } catch (error) {
    if (!abort.signal.aborted) {
      abandon(id);
      change(id, { state: "failed", problem: error });
      announce(t("upload.said_failed", { name }));
    }
  }
  startWaiting();
}

/** Turns bytes sent into speed and time left, and says the milestones aloud. */
function meter(id, name, size) {
  let last = { at: performance.now(), sent: 0 };
  let speed = null;
  const ahead = [...MILESTONES];
  return (sent) => {
    const now = performance.now();
    if (now - last.at < SAMPLE_MS && sent < size) return;
    const sample = ((sent - last.sent) / (now - last.at)) * 1000;
    speed = speed === null ? sample : speed + SMOOTHING * (sample - speed);
    last = { at: now, sent };
    change(id, { sent, speed, secondsLeft: speed > 0 ? (size - sent) / speed : null });
    if (sent / size < ahead[0]) return;
    while (sent / size >= ahead[0]) ahead.shift();
    if (sent < size) announce(t("upload.said_progress", { name, percent: Math.floor((sent / size) * 100) }));
  };
}

// Leaving the page would silently end what is still being sent.
addEventListener("beforeunload", (event) => {
  if (uploads.get().some(isOpen)) event.preventDefault();
});

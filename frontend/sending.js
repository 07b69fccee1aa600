/** What sends files: loaded when there is one to send, or to go on with. */
import { announce } from "./announce.js";
import { abortUpload, createUpload, getUpload, putFile } from "./api.js";
import { t } from "./i18n/index.js";
import { refreshJobs } from "./jobs.js";
import { hold, isHeld } from "./locks.js";
import { isMailAddress } from "./mail.js";
import { refusal } from "./media.js";
import { sendParts } from "./multipart.js";
import { persist } from "./persist.js";
import { arrived, awaited, fileOf, forget, isOf, remember, remembered } from "./unfinished.js";
import { abandoned, given, uploads } from "./uploads.js";

const AT_ONCE = 2; // more would share the same line and all finish late
const SMOOTHING = 0.2; // of the speed: a new sample's weight
const SAMPLE_MS = 250;
const MILESTONES = [0.25, 0.5, 0.75];
const GIVEN_UP = ["FAILED", "CANCELLED", "DELETED"];

const work = new Map(); // id → {file, handle, options, key, abort}
let lastId = 0;

const find = (id) => uploads.get().find((item) => item.id === id);

const change = (id, values) =>
  uploads.update((list) => list.map((item) => (item.id === id ? { ...item, ...values } : item)));

function add(item) {
  const id = ++lastId;
  uploads.update((all) => [...all, { id, sent: 0, speed: null, secondsLeft: null, ...item }]);
  return id;
}

const lockOf = (jobId) => `upload ${jobId}`;

/** Tells two requests for one job from requests for two. Browsers without HTTPS have none. */
const newKey = () => crypto.randomUUID?.();

/** Nobody will go on with it: what has arrived may go. Where that fails, it goes in a day or two. */
function giveUp(jobId) {
  if (!jobId) return;
  abandoned.add(jobId);
  forget(jobId);
  abortUpload(jobId).catch(() => {});
}

/** Why the server would refuse what is said with a file, as `refusal` says it of the file. */
const refusalOf = ({ notify }) => (notify && !isMailAddress(notify) ? "notify" : null);

/** A file whose upload was interrupted goes on. */
function take({ chosen, options }) {
  for (const { file, handle } of chosen) {
    const known = uploads.get().find((item) => item.state === "interrupted" && isOf(item, file));
    const problem = refusal(file) ?? refusalOf(options);
    const id = known?.id ?? add({ name: file.name, size: file.size, state: "refused", problem });
    if (problem && !known) announce(t("upload.said_refused", { name: file.name }));
    else begin(id, { file, handle, options, key: newKey() });
  }
}

const isSame = (item, entry) => item.name === entry.name && item.size === entry.size;

/** Those of before a reload, as far as they are still awaited and no other window sends them. */
export async function restoreUploads() {
  for (const entry of remembered()) {
    const { name, size, modified, jobId, handle } = entry;
    if (await isHeld(lockOf(jobId))) continue;
    try {
      if (!(await awaited(jobId))) continue;
      const sent = await arrived(jobId);
      if (uploads.get().some((item) => item.jobId === jobId || isSame(item, entry))) continue;
      add({ name, size, modified, jobId, handle, sent, state: "interrupted", inParts: true });
    } catch {
      // Not now: it stays remembered, and goes on when its file is chosen.
    }
  }
}

/** It goes on with what the bucket has of it; what goes in one piece begins again. */
export function pauseUpload(id) {
  work.get(id).abort.abort("paused");
  change(id, { state: "paused", lost: false });
  announce(t("upload.said_paused", { name: find(id).name }));
}

export function cancelUpload(id) {
  const { state, jobId } = find(id);
  giveUp(jobId);
  if (state === "interrupted") return dismissUpload(id);
  work.get(id).abort.abort("cancelled");
  work.get(id).key = newKey();
  change(id, { state: "cancelled", jobId: null, lost: false });
}

/** One that was paused, failed or was cancelled; or interrupted, if the browser lets us have its file. */
export async function resumeUpload(id) {
  const { state, jobId } = find(id);
  if (state !== "interrupted") return begin(id, work.get(id));
  const file = await fileOf(jobId);
  if (file) resumeWith(id, { file });
  else change(id, { handle: false });
}

/** An interrupted one, with the file that was chosen for it. */
export function resumeWith(id, { file, handle }) {
  if (isOf(find(id), file)) begin(id, { file, handle, options: {} });
  else change(id, { isOther: true });
}

export function dismissUpload(id) {
  work.delete(id);
  uploads.update((list) => list.filter((item) => item.id !== id));
}

function begin(id, task) {
  work.set(id, { ...task, abort: new AbortController() });
  change(id, { state: "waiting", speed: null, secondsLeft: null, problem: null });
  startWaiting();
}

function startWaiting() {
  const list = uploads.get();
  const free = AT_ONCE - list.filter((item) => item.state === "sending").length;
  const next = list.filter((item) => item.state === "waiting").slice(0, Math.max(free, 0));
  for (const { id } of next) send(id);
}

/** `{job, upload}` of what has begun, or of a new job; upload is null where all has arrived. */
async function target({ name, size, jobId }, { file, options, key }) {
  if (jobId) {
    const state = await getUpload(jobId);
    if (state.upload || !GIVEN_UP.includes(state.job.status)) return state;
  }
  const before = remembered().find((entry) => isOf(entry, file));
  const state = before && (await awaited(before.jobId));
  // No content type: browsers guess it from the suffix, some of them wrongly (.ts).
  return state ?? createUpload({ filename: name, size, content_type: "", ...options }, key);
}

/** In one piece. Where that broke off it begins again, to a new address: the first may be too old. */
async function sendWhole(jobId, upload, file, { onProgress, onTrouble, signal }) {
  let address = upload;
  const put = async () => {
    const current = address ?? (await getUpload(jobId)).upload;
    address = null;
    if (!current) return; // it had arrived, and only the answer was lost
    onProgress(0);
    await putFile(current, file, { onProgress, signal });
  };
  await persist(put, { onTrouble, signal });
}

async function sendInParts(jobId, upload, { file, handle }, following) {
  await remember(file, jobId, handle);
  const release = await hold(lockOf(jobId));
  try {
    await sendParts(jobId, upload, file, following);
  } finally {
    release?.();
  }
  forget(jobId);
}

async function send(id) {
  const item = find(id);
  const task = work.get(id);
  const { name, size } = item;
  const { signal } = task.abort;
  const following = {
    signal,
    onTrouble: (error) => tellLost(id, error?.code === "unreachable"),
    onProgress: meter(id, name, size),
  };
  change(id, { state: "sending" });
  announce(t("upload.said_started", { name }));
  try {
    const { job, upload } = await persist(() => target(item, task), following);
    const jobId = job.job_id;
    const inParts = upload?.method === "MULTIPART";
    if (signal.reason === "cancelled") giveUp(jobId);
    else change(id, { jobId, inParts });
    signal.throwIfAborted();
    abandoned.delete(jobId);
    if (inParts) await sendInParts(jobId, upload, task, following);
    else if (upload) await sendWhole(jobId, upload, task.file, following);
    dismissUpload(id);
    announce(t("upload.said_done", { name }));
    refreshJobs();
  } catch (error) {
    if (!signal.aborted) {
      abandoned.add(find(id).jobId);
      change(id, { state: "failed", problem: error });
      announce(t("upload.said_failed", { name }));
    }
  }
  startWaiting();
}

function tellLost(id, lost) {
  const item = find(id);
  if (!item || Boolean(item.lost) === lost) return;
  change(id, { lost });
  if (lost) announce(t("upload.lost"));
}

/** Turns bytes sent into speed and time left, and says the milestones aloud. */
function meter(id, name, size) {
  let last = null; // what had arrived before says nothing of the speed
  let speed = null;
  const ahead = [...MILESTONES];
  return (sent) => {
    const now = performance.now();
    if (!last) {
      last = { at: now, sent };
      change(id, { sent });
      return;
    }
    if (now === last.at) return;
    if (now - last.at < SAMPLE_MS && sent < size) return;
    const sample = (Math.max(sent - last.sent, 0) / (now - last.at)) * 1000; // a part may begin anew
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
  const isOpen = ({ state }) => state === "waiting" || state === "sending";
  if (uploads.get().some(isOpen)) event.preventDefault();
});

function takeGiven() {
  const all = given.get();
  if (!all.length) return;
  given.set([]);
  all.forEach(take);
}

given.subscribe(takeGiven);
takeGiven();

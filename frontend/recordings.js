/**
 * The recordings that this browser has made, from the first chunk until the server has all of them.
 *
 * A chunk lies in the browser's database until the server has confirmed it: a reload, a crash or an
 * hour without network loses none. The window that works on a recording holds its lock, so two
 * windows do not. A recording is `{id, startedAt, isLive, wasLeft, duration, waiting, ending,
 * isSafe, trouble, problem}`: times in ms, `waiting` of what the server has not confirmed; `ending`
 * is what is said of it once it is to become a debate; `isSafe` until something could be kept in
 * this window's memory alone; `trouble` is what is waited out, `problem` what is not, both ApiErrors.
 */
import { announce } from "./announce.js";
import {
  completeChunk,
  createRecording,
  deleteRecording,
  finalizeRecording,
  getRecording,
  mergeRecording,
  putFile,
  signChunk,
  signChunks,
} from "./api.js";
import { database } from "./database.js";
import { t } from "./i18n/index.js";
import { refreshJobs } from "./jobs.js";
import { hold } from "./locks.js";
import { persist } from "./persist.js";
import { saveSetting } from "./settings.js";
import { createStore } from "./store.js";

const AT_ONCE = 20; // chunks, whose addresses are good for five minutes
const ARRIVED_BEFORE = 412; // S3: nothing that is there is replaced

export const recordings = createStore([]);

const tasks = new Map(); // id → {record, memory, abort, release, …}

const change = (id, values) =>
  recordings.update((list) => list.map((item) => (item.id === id ? { ...item, ...values } : item)));

const wait = (id, ms) =>
  recordings.update((list) =>
    list.map((item) => (item.id === id ? { ...item, waiting: Math.max(item.waiting + ms, 0) } : item)),
  );

const chunksOf = (id) => IDBKeyRange.bound([id, 0], [id, Infinity]);

// --- keeping -------------------------------------------------------------------------------------

function show(record, release, shown) {
  const abort = new AbortController();
  tasks.set(record.id, { record, release, abort, memory: [], isRunning: false, isAsked: false, lastTried: Infinity });
  const { id, startedAt, duration, ending } = record;
  recordings.update((list) => [{ id, startedAt, duration, ending, waiting: 0, isSafe: true, ...shown }, ...list]);
}

async function save(task, values = {}) {
  Object.assign(task.record, values);
  if (!tasks.has(task.record.id)) return; // it was thrown away meanwhile
  try {
    await (await database()).put("recordings", task.record);
  } catch {
    change(task.record.id, { isSafe: false });
  }
}

/** A recording that begins; its id. */
export async function beginRecording(contentType) {
  const id = crypto.randomUUID();
  const record = { id, contentType, sessionId: null, startedAt: Date.now(), duration: 0, ending: null };
  show(record, await hold(`recording ${id}`), { isLive: true });
  tasks.get(id).lastTried = -1;
  saveSetting("recordings", "held");
  await save(tasks.get(id));
  return id;
}

/** The next piece of a recording: `{seq, start, end, blob}`. */
export async function keepChunk(id, chunk) {
  const task = tasks.get(id);
  if (!task) return; // it was thrown away meanwhile
  const kept = { recording: id, ...chunk };
  const record = Object.assign(task.record, { duration: chunk.end });
  try {
    const writing = (await database()).transaction(["recordings", "chunks"], "readwrite");
    writing.objectStore("chunks").put(kept).catch(() => {}); // `done` tells
    writing.objectStore("recordings").put(record).catch(() => {});
    await writing.done;
  } catch {
    task.memory.push(kept); // a full disk, for one: then it is safe once it is sent
    change(id, { isSafe: false });
  }
  change(id, { duration: chunk.end });
  wait(id, chunk.end - chunk.start);
  wake(task);
}

async function heldChunks({ record, memory }) {
  const kept = await database()
    .then((there) => there.getAll("chunks", chunksOf(record.id), AT_ONCE))
    .catch(() => []);
  return [...kept, ...memory].sort((a, b) => a.seq - b.seq).slice(0, AT_ONCE);
}

async function confirmed(task, chunks) {
  const { id } = task.record;
  const numbers = new Set(chunks.map(({ seq }) => seq));
  task.memory = task.memory.filter(({ seq }) => !numbers.has(seq));
  const there = await database().catch(() => null);
  await Promise.all(chunks.map(({ seq }) => there?.delete("chunks", [id, seq])));
  wait(id, chunks.reduce((sum, { start, end }) => sum - (end - start), 0));
}

async function forget(task) {
  const { id } = task.record;
  const there = await database().catch(() => null);
  await there?.delete("chunks", chunksOf(id));
  await there?.delete("recordings", id);
  if (!(await there?.count("recordings"))) saveSetting("recordings", "");
  tasks.delete(id);
  task.release();
  recordings.update((list) => list.filter((item) => item.id !== id));
}

// --- sending -------------------------------------------------------------------------------------

const announcement = ({ seq, start, end, blob }) => ({ seq, t_start: start, t_end: end, size: blob.size });

async function put(puts, { blob }, signal) {
  for (const { url, headers, offset, bytes } of puts) {
    try {
      await putFile({ method: "PUT", url, headers }, blob.slice(offset, offset + bytes), { signal });
    } catch (error) {
      if (error.status !== ARRIVED_BEFORE) throw error;
    }
  }
}

async function sendNew(sessionId, chunk, signal) {
  const { puts } = await signChunk(sessionId, announcement(chunk));
  await put(puts, chunk, signal);
  await completeChunk(sessionId, chunk.seq);
  return [chunk];
}

/** Those of which nobody knows whether they arrived, or that are many: in three calls, however many. */
async function sendHeld(sessionId, chunks, signal) {
  await mergeRecording(sessionId, { chunks: chunks.map(announcement) });
  const seqs = chunks.map(({ seq }) => seq);
  const ahead = (await signChunks(sessionId, seqs)).chunks;
  for (const { seq, puts } of ahead) await put(puts, chunks.find((chunk) => chunk.seq === seq), signal);
  const left = ahead.length ? (await signChunks(sessionId, seqs)).chunks : [];
  return chunks.filter(({ seq }) => !left.some((target) => target.seq === seq));
}

async function finish(task) {
  const { sessionId, ending } = task.record;
  // Nothing is held any more: what is missing now is lost for good.
  const { state, missing } = await getRecording(sessionId);
  if (state === "recording") await mergeRecording(sessionId, ending);
  await finalizeRecording(sessionId, missing);
  await forget(task);
  announce(t("recorder.said_done", { title: ending.title }));
  refreshJobs();
}

/** Sends all that is held. Whatever ends it half-way, it may be begun again. */
async function drain(task) {
  const { record, abort } = task;
  if (!record.sessionId) {
    const { session_id: sessionId } = await createRecording({ content_type: record.contentType }, record.id);
    await save(task, { sessionId });
  }
  for (;;) {
    abort.signal.throwIfAborted();
    const chunks = await heldChunks(task);
    if (!chunks.length) break;
    const [{ seq }] = chunks;
    const isNew = chunks.length === 1 && seq > task.lastTried;
    task.lastTried = Math.max(task.lastTried, chunks.at(-1).seq);
    const send = isNew ? sendNew(record.sessionId, chunks[0], abort.signal) : sendHeld(record.sessionId, chunks, abort.signal);
    await confirmed(task, await send);
  }
  if (record.ending) await finish(task);
}

async function wake(task) {
  task.isAsked = true;
  if (task.isRunning) return;
  task.isRunning = true;
  const { record, abort } = task;
  const patience = { signal: abort.signal, tries: Infinity, onTrouble: (trouble) => change(record.id, { trouble }) };
  while (task.isAsked && tasks.has(record.id)) {
    task.isAsked = false;
    change(record.id, { problem: null });
    try {
      await persist(() => drain(task), patience);
    } catch (problem) {
      if (!abort.signal.aborted) change(record.id, { problem, trouble: null });
    }
  }
  task.isRunning = false;
}

// --- what becomes of it --------------------------------------------------------------------------

/** No more chunks come. */
export const endRecording = (id) => change(id, { isLive: false });

/** It becomes a debate as soon as the server has all of it. `said`: its title, language and so on. */
export async function finishRecording(id, said) {
  const task = tasks.get(id);
  change(id, { ending: said });
  await save(task, { ending: said });
  wake(task);
}

export const sendAgain = (id) => wake(tasks.get(id));

export async function discardRecording(id) {
  const task = tasks.get(id);
  const { sessionId } = task.record;
  task.abort.abort();
  await forget(task);
  if (sessionId) deleteRecording(sessionId).catch(() => {}); // nothing becomes of it by itself
}

/** Those that another page of this browser left behind. What was to become a debate goes on by itself. */
export async function restoreRecordings() {
  const there = await database().catch(() => null);
  for (const record of (await there?.getAll("recordings")) ?? []) {
    if (tasks.has(record.id)) continue;
    const release = await hold(`recording ${record.id}`);
    if (!release) continue; // another window's
    const chunks = await there.getAll("chunks", chunksOf(record.id));
    const waiting = chunks.reduce((sum, { start, end }) => sum + (end - start), 0);
    show(record, release, { isLive: false, wasLeft: true, waiting });
    if (record.duration) wake(tasks.get(record.id));
    else await forget(tasks.get(record.id)); // it ended before there was anything of it
  }
}

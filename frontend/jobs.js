/** The list of debates as the server last told it, and the steps of a job's life. */
import { announce } from "./announce.js";
import { getJob, listJobs } from "./api.js";
import { t } from "./i18n/index.js";
import { poll } from "./poll.js";
import { readSetting, saveSetting } from "./settings.js";
import { createStore } from "./store.js";

const FASTEST_MS = 1_000;
const SLOWEST_ACTIVE_MS = 4_000;
const IDLE_MS = 5_000;
const SLOWEST_IDLE_MS = 30_000;
const BACK_OFF = 1.5;

/** What happens to a recording, in order; the values of `stage` in a job. */
export const STAGES = ["upload", "transcribe", "stats"];

const STAGE_OF = {
  UPLOADING: "upload",
  QUEUED: "transcribe",
  TRANSCRIBING: "transcribe",
  SPLIT: "transcribe",
  TRANSCRIBED: "stats",
  STATS_QUEUED: "stats",
  ANALYZING: "stats",
};

const ENDED = new Set(["COMPLETE", "FAILED", "CANCELLED", "DELETED"]);
const IN_TRANSCRIPTION = new Set(["QUEUED", "TRANSCRIBING", "SPLIT", "TRANSCRIBED"]);
const HAS_TRANSCRIPT = new Set(["STATS_QUEUED", "ANALYZING", "COMPLETE"]);

export const isEnded = (job) => ENDED.has(job.status);

/** The stage a job is in or ended in. A failed job does not always say: its traces do. */
export function stageOf(job) {
  if (STAGE_OF[job.status]) return STAGE_OF[job.status];
  if (job.stage) return job.stage;
  return job.speakers_count == null ? "transcribe" : "stats";
}

/** Failed statistics leave the transcript standing. */
export const hasTranscript = (job) =>
  HAS_TRANSCRIPT.has(job.status) || (job.status === "FAILED" && stageOf(job) === "stats");

/** Whether there is a recording worth playing: one that could not be read is not. */
export const hasVideo = (job) =>
  job.filename != null && (hasTranscript(job) || IN_TRANSCRIPTION.has(job.status));

/** Delay until the next question: short while something moves, longer while nothing does. */
export function nextDelay(previous, { active, changed }) {
  const [shortest, longest] = active ? [FASTEST_MS, SLOWEST_ACTIVE_MS] : [IDLE_MS, SLOWEST_IDLE_MS];
  if (changed || previous === null) return shortest;
  return Math.min(Math.max(previous * BACK_OFF, shortest), longest);
}

/** What a list may be narrowed to, as the API calls it. */
export const PHASES = ["", "active", "complete", "failed"];

const PHASE_OF = { COMPLETE: "complete", FAILED: "failed", CANCELLED: "cancelled", DELETED: "deleted" };
const phaseOf = (job) => PHASE_OF[job.status] ?? "active";

function savedFilter() {
  const [phase, ...words] = (readSetting("jobs", "sessionStorage") ?? "").split(" ");
  return { phase: PHASES.includes(phase) ? phase : "", words: words.join(" ") };
}

/** `{phase, words}`: which debates somebody wants to see. Of this tab, until it is closed. */
export const filter = createStore(savedFilter());

export function setFilter(changes) {
  filter.update((before) => ({ ...before, ...changes }));
  const { phase, words } = filter.get();
  saveSetting("jobs", `${phase} ${words}`, "sessionStorage");
  if (changes.phase !== undefined) refreshJobs();
}

/** Without case and accents: whoever searches for "pension" means "Pensión", too. */
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** The debates of the list that are wanted. */
export function wanted(list, { phase, words }) {
  if (!phase && !words.trim()) return list;
  const each = plain(words).split(/\s+/);
  return list.filter((job) => {
    if (phase && phaseOf(job) !== phase) return false;
    const name = plain(`${job.title} ${job.filename ?? ""}`);
    return each.every((word) => name.includes(word));
  });
}

/**
 * `{list: [job…] | null, cursor, phase, error}`: what the server listed of the `phase`, null until it
 * first answered; `error`, an ApiError, where it does not list any.
 */
export const jobs = createStore({ list: null, cursor: null, phase: "", error: null });

const follows = (job, last) =>
  job.created_at < last.created_at || (job.created_at === last.created_at && job.job_id < last.job_id);

/** The list with what a page says of its part: from the time `to`, or from the newest, to the page's last. */
export function withPage(list, page, to = null) {
  const last = page.jobs.at(-1);
  const fresh = new Set(page.jobs.map((job) => job.job_id));
  const rest = list.filter((job) => !fresh.has(job.job_id));
  const newer = to ? rest.filter((job) => job.created_at > to) : [];
  const older = page.next_cursor && last ? rest.filter((job) => follows(job, last)) : [];
  return [...newer, ...page.jobs, ...older];
}

/** Says aloud what has ended since the last answer. */
function announceEnds(before, now) {
  const known = new Map(before.map((job) => [job.job_id, job.status]));
  for (const job of now) {
    const changed = known.has(job.job_id) && known.get(job.job_id) !== job.status;
    if (changed && isEnded(job)) announceStatus(job);
  }
}

export function announceStatus(job) {
  announce(t("job.said_status", { title: job.title, status: t(`status.${job.status}`) }));
}

const fingerprint = (list) => JSON.stringify(list.map((job) => [job.job_id, job.status, job.progress]));

let polling = null;

const isActive = (job) => !isEnded(job);

function show(list, others = {}) {
  announceEnds(jobs.get().list ?? [], list);
  jobs.update((before) => ({ ...before, ...others, list }));
}

function showFirst(page, phase) {
  const before = jobs.get();
  const list = withPage(before.phase === phase ? (before.list ?? []) : [], page);
  const goesOn = list.length > page.jobs.length;
  show(list, { cursor: goesOn ? before.cursor : page.next_cursor, phase, error: null });
}

/** The newest, and older ones from each on that moves; false where others were wanted meanwhile. */
async function ask(phase) {
  let page = await listJobs({ status: phase });
  const isLeft = () => phase !== filter.get().phase;
  if (isLeft()) return false;
  showFirst(page, phase);
  while (page.next_cursor) {
    const last = page.jobs.at(-1).created_at;
    const to = jobs.get().list.find((job) => isActive(job) && job.created_at < last)?.created_at;
    if (!to) break;
    page = await listJobs({ status: phase, to });
    if (isLeft()) return false;
    show(withPage(jobs.get().list, page, to));
  }
  return true;
}

/** Keeps `jobs` up to date until the returned function is called. */
export function watchJobs() {
  let delay = null;
  let seen = "";
  async function task() {
    if (!(await ask(filter.get().phase))) return 0;
    const { list } = jobs.get();
    const now = fingerprint(list);
    delay = nextDelay(delay, { active: list.some(isActive), changed: now !== seen });
    seen = now;
    return delay;
  }
  const mine = poll(task, {
    onError: (error) => error.transient || jobs.update((before) => ({ ...before, error })),
  });
  polling = mine;
  return () => {
    mine.stop();
    if (polling === mine) polling = null;
  };
}

/** Something has just changed: ask now. */
export function refreshJobs() {
  polling?.wake();
}

/** The next page of what is listed. */
export async function loadOlderJobs(limit = 50) {
  const { cursor, phase } = jobs.get();
  const page = await listJobs({ status: phase, cursor, limit });
  if (jobs.get().cursor !== cursor) return; // somebody was quicker
  const { list } = jobs.get();
  const known = new Set(list.map((job) => job.job_id));
  show([...list, ...page.jobs.filter((job) => !known.has(job.job_id))], { cursor: page.next_cursor });
  if (page.jobs.some(isActive)) refreshJobs(); // what moves is asked for more often
}

const LOOKED_AT = 500; // at once, at most

/** Looks at older ones until one is found that is wanted, or there were many. */
export async function lookFurther() {
  const { words, phase } = filter.get();
  const count = () => wanted(jobs.get().list, { words, phase }).length;
  const before = count();
  for (let looked = 0; looked < LOOKED_AT && jobs.get().cursor && count() === before; looked += 100) {
    await loadOlderJobs(100);
    if (filter.get().phase !== phase) return;
  }
}

/** Everybody who follows a job, by its id. */
const followers = new Set();

/** The job as the server answered to what somebody wanted done with it. */
export function putJob(job) {
  jobs.update((before) => ({
    ...before,
    list: before.list?.map((each) => (each.job_id === job.job_id ? job : each)) ?? null,
  }));
  refreshJobs();
  for (const follower of followers) if (follower.jobId === job.job_id) follower.again();
}

/** It was deleted. */
export function dropJob(jobId) {
  jobs.update((before) => ({ ...before, list: before.list?.filter((each) => each.job_id !== jobId) ?? null }));
}

/**
 * Follows one job: `onJob(job)` with every answer until it has ended, and again when it was begun
 * again. Returns the stop function.
 */
export function watchJob(jobId, { onJob, onError }) {
  let delay = null;
  let seen = "";
  async function ask() {
    const job = await getJob(jobId);
    onJob(job);
    if (isEnded(job)) return null;
    const now = fingerprint([job]);
    delay = nextDelay(delay, { active: true, changed: now !== seen });
    seen = now;
    return delay;
  }
  let following = poll(ask, { onError });
  const follower = {
    jobId,
    again() {
      following.stop();
      following = poll(ask, { onError });
    },
  };
  followers.add(follower);
  return () => {
    followers.delete(follower);
    following.stop();
  };
}

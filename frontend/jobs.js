/** The list of debates as the server last told it, and the steps of a job's life. */
import { announce } from "./announce.js";
import { getJob, listJobs } from "./api.js";
import { t } from "./i18n/index.js";
import { poll } from "./poll.js";
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

/** `{list: [job…] | null, cursor}`; null until the server first answered. */
export const jobs = createStore({ list: null, cursor: null });

/** Newest first: a fresh first page, then what was loaded of older pages before. */
export function mergeFirstPage(known, page) {
  const last = page.at(-1);
  if (!last) return [];
  const fresh = new Set(page.map((job) => job.job_id));
  const older = known.filter((job) => job.created_at < last.created_at && !fresh.has(job.job_id));
  return [...page, ...older];
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

/** Keeps `jobs` up to date until the returned function is called. */
export function watchJobs() {
  let delay = null;
  let seen = "";
  const mine = poll(async () => {
    const page = await listJobs();
    const { list, cursor } = jobs.get();
    announceEnds(list ?? [], page.jobs);
    const merged = page.next_cursor ? mergeFirstPage(list ?? [], page.jobs) : page.jobs;
    const hasOlder = merged.length > page.jobs.length;
    jobs.set({ list: merged, cursor: hasOlder ? cursor : page.next_cursor });
    const now = fingerprint(page.jobs);
    delay = nextDelay(delay, {
      active: page.jobs.some((job) => !isEnded(job)),
      changed: now !== seen,
    });
    seen = now;
    return delay;
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

export async function loadOlderJobs() {
  const page = await listJobs({ cursor: jobs.get().cursor });
  jobs.update(({ list }) => {
    const known = new Set(list.map((job) => job.job_id));
    const added = page.jobs.filter((job) => !known.has(job.job_id));
    return { list: [...list, ...added], cursor: page.next_cursor };
  });
}

/** Follows one job: `onJob(job)` with every answer until it has ended. Returns the stop function. */
export function watchJob(jobId, { onJob, onError }) {
  let delay = null;
  let seen = "";
  const following = poll(
    async () => {
      const job = await getJob(jobId);
      onJob(job);
      if (isEnded(job)) return null;
      const now = fingerprint([job]);
      delay = nextDelay(delay, { active: true, changed: now !== seen });
      seen = now;
      return delay;
    },
    { onError },
  );
  return following.stop;
}

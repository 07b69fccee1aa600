/**
 * The files on their way from this page to the bucket.
 *
 * An upload is `{id, name, size, state, sent, speed, secondsLeft, jobId, inParts, lost, problem}`.
 * State is waiting, sending (`lost` while there is no connection), paused, interrupted (by a reload:
 * its file has to be chosen again, or asked for where there is a `handle` of it), cancelled, refused
 * (`problem` is a key under `refusal.`) or failed (`problem` is an ApiError). One that arrived leaves
 * the list: its job takes over.
 */
import { createStore } from "./store.js";

export const uploads = createStore([]);

/** What was given to the page and `sending.js` has not taken yet. */
export const given = createStore([]);

/** Jobs that were announced for an upload that did not happen: rows nobody wants to see waiting. */
export const abandoned = new Set();

/** Whether the upload list already says all there is to say of this job. */
export function isShownAsUpload(job) {
  if (job.status !== "UPLOADING" && job.status !== "CANCELLED") return false;
  return abandoned.has(job.job_id) || uploads.get().some((item) => item.jobId === job.job_id);
}

/**
 * `chosen`: `[{file, handle}…]`, the browser's handle of a file where there is one. `options`:
 * `{language, speakers, channel_per_speaker, notify}` as the user may know and want them, for
 * POST /api/uploads.
 */
export const addFiles = (chosen, options) => given.update((all) => [...all, { chosen, options }]);

/** What somebody wants done with a debate: at once, or once a dialog has asked for more. */
import { announce } from "./announce.js";
import { ApiError, cancelJob, changeJob, retryJob } from "./api.js";
import { t } from "./i18n/index.js";
import { hasTranscript, isEnded, putJob, stageOf } from "./jobs.js";
import { linkOf } from "./links.js";
import { createStore } from "./store.js";

/** What is asked: `{what, job}`, with the `error` where what was wanted is refused; or null. */
export const asked = createStore(null);

/** The stage that a debate is begun again from: there is no sense in doing over what went well. */
export const stageToRepeat = (job) => (job.status === "FAILED" && stageOf(job) === "stats" ? "stats" : "transcribe");

const AT_ONCE = {
  cancel: (job) => cancelJob(job.job_id),
  again: (job) => retryJob(job.job_id, { stage: stageToRepeat(job) }),
  publish: (job) => changeJob(job.job_id, { published: true }),
  withdraw: (job) => changeJob(job.job_id, { published: false }),
};

/** Whether there is a recording, or was to be one; some debates came as a transcript. */
export const hasRecording = (job) => job.filename != null || job.source_url != null;

const canRepeat = (job) => isEnded(job) && (hasRecording(job) || hasTranscript(job));

/** What may be done with a debate by whoever knows it by its own id, and not by a link. */
export function actionsFor(job) {
  if (linkOf(job.job_id)) return [];
  return [
    "share",
    "rename",
    job.status === "COMPLETE" && (job.published ? "withdraw" : "publish"),
    !isEnded(job) && "cancel",
    canRepeat(job) && "retry",
    "delete",
  ].filter(Boolean);
}

export async function choose(what, job) {
  const act = AT_ONCE[what];
  if (!act) {
    asked.set({ what, job });
    return;
  }
  try {
    settle(what, await act(job));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    asked.set({ what, job, error });
  }
}

/** It is done, and this is the job now. */
export function settle(what, job) {
  asked.set(null);
  putJob(job);
  announce(t(`done.${what}`, { title: job.title }));
}

/** What is to be done about a debate that failed, by the code of its error. */

/** The file is to blame, or is not there: only another upload helps. */
const UPLOAD = new Set([
  "upload_mismatch",
  "upload_abandoned",
  "recording_gone",
  "invalid_upload",
  "upload_too_large",
  "invalid_media",
  "empty_file",
  "no_recording",
  "truncated_media",
  "no_audio_track",
  "no_speech",
  "invalid_transcript",
  "invalid_address",
]);

/** It was asked for what there is not: something else has to be said first. */
const ASK = new Set(["unknown_language", "unknown_model"]);

/** `upload`, `ask`, or `again`: the file is kept, and may do well the next time. */
export function remedyOf(job) {
  const { code } = job.error;
  if (ASK.has(code)) return "ask";
  const mayArrive = code === "upload_abandoned" && job.source_url != null;
  return UPLOAD.has(code) && !mayArrive ? "upload" : "again";
}

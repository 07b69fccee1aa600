/** The only module that talks HTTP. Paths and shapes: docs/architecture.md. */

const API_TIMEOUT_MS = 30_000;
const DOCUMENT_TIMEOUT_MS = 120_000;

/**
 * A request that did not work. `code` is the server's, or `unreachable` (no answer),
 * `unreadable` (an answer that is not what was asked for), `cancelled`.
 */
export class ApiError extends Error {
  constructor(code, { status = 0, detail = "" } = {}) {
    super(detail || code);
    this.code = code;
    this.status = status;
    this.detail = detail;
  }

  /** Whether asking again may help. */
  get transient() {
    return this.code === "unreachable" || this.status >= 500 || this.status === 429;
  }
}

let clockSkew = 0;

/** The server's time in ms: elapsed times stay right on a machine whose clock is wrong. */
export function serverNow() {
  return Date.now() + clockSkew;
}

async function toError(response) {
  let problem = {};
  try {
    problem = await response.json();
  } catch {
    // A gateway's own error page: the status says enough.
  }
  const code = typeof problem.code === "string" ? problem.code : `http_${response.status}`;
  const detail = typeof problem.detail === "string" ? problem.detail : "";
  return new ApiError(code, { status: response.status, detail });
}

async function request(path, { read = "json", timeout = API_TIMEOUT_MS, ...init } = {}) {
  try {
    const response = await fetch(path, { ...init, signal: AbortSignal.timeout(timeout) });
    const date = Date.parse(response.headers.get("date"));
    if (date) clockSkew = date - Date.now();
    if (!response.ok) throw await toError(response);
    return await response[read]();
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(error instanceof SyntaxError ? "unreadable" : "unreachable");
  }
}

const job = (jobId) => `/api/jobs/${encodeURIComponent(jobId)}`;

/** `{jobs, next_cursor}`, newest first. */
export function listJobs({ cursor, limit = 50 } = {}) {
  const query = new URLSearchParams({ limit: String(limit) });
  if (cursor) query.set("cursor", cursor);
  return request(`/api/jobs?${query}`);
}

export const getJob = (jobId) => request(job(jobId));

/** `{job, upload: {method, url, headers, expires_at}}` */
export function createUpload(announcement) {
  return request("/api/uploads", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(announcement),
  });
}

/** `{url, expires_at, content_type}` */
export const getVideo = (jobId) => request(`${job(jobId)}/video`);

export const transcriptHref = (jobId, format) => `${job(jobId)}/transcript?format=${format}`;

export const getTranscript = (jobId) =>
  request(transcriptHref(jobId, "json"), { timeout: DOCUMENT_TIMEOUT_MS });

/** A transcript in `format` (json, srt, vtt, txt) as a Blob. */
export const getTranscriptFile = (jobId, format) =>
  request(transcriptHref(jobId, format), { read: "blob", timeout: DOCUMENT_TIMEOUT_MS });

/** The statistics as published, which scales; through the API where they are not. */
export async function getStatistics({ job_id: jobId, published }) {
  if (published) {
    try {
      return await request(`/statistics/by-job/${encodeURIComponent(jobId)}.json`, {
        cache: "no-cache",
      });
    } catch (error) {
      if (error.code === "unreachable") throw error;
    }
  }
  return request(`${job(jobId)}/statistics`, { timeout: DOCUMENT_TIMEOUT_MS });
}

/** Totals over all published debates; null where nothing is published yet. */
export async function getSummary() {
  try {
    return await request("/statistics/summary.json", { cache: "no-cache" });
  } catch (error) {
    // A private bucket answers 403 for what is not there.
    if ([403, 404].includes(error.status) || error.code === "unreadable") return null;
    throw error;
  }
}

/**
 * Sends the file to the presigned address. XMLHttpRequest, because fetch cannot tell how far an
 * upload has come. `onProgress(bytes)`; rejects with ApiError (`cancelled` by the signal).
 */
export function putFile(upload, file, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open(upload.method, upload.url);
    for (const [name, value] of Object.entries(upload.headers)) {
      // The browser sends the length itself, and lets nobody else do it.
      if (name.toLowerCase() !== "content-length") xhr.setRequestHeader(name, value);
    }
    xhr.upload.onprogress = (event) => onProgress(event.loaded);
    xhr.onload = () => {
      if (xhr.status >= 200 && xhr.status < 300) resolve();
      else reject(new ApiError("put_refused", { status: xhr.status }));
    };
    xhr.onerror = () => reject(new ApiError("unreachable"));
    xhr.onabort = () => reject(new ApiError("cancelled"));
    signal.addEventListener("abort", () => xhr.abort());
    xhr.send(file);
  });
}

/** The only module that talks HTTP. Paths and shapes: docs/architecture.md. */

import { linkOf } from "./links.js";

const API_TIMEOUT_MS = 30_000;
const DOCUMENT_TIMEOUT_MS = 120_000;
const STALL_MS = 60_000; // of an upload of which nothing moves

/**
 * A request that did not work. `code` is the server's, or `unreachable` (no answer),
 * `unreadable` (an answer that is not what was asked for), `cancelled`, `put_refused` (by the
 * storage), `file_changed` (since it was chosen).
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

let credentials = null;

/**
 * Who vouches for requests of the API: `token()`, or null; `renew(token)`, whether there is another
 * now than this one, which was refused.
 */
export function setCredentials(next) {
  credentials = next;
}

async function ask(path, timeout, init) {
  const headers = new Headers(init.headers);
  // Of the API alone: published statistics want none, and a redirect to the bucket leaves it behind.
  const token = path.startsWith("/api/") ? credentials?.token() : null;
  if (token) headers.set("authorization", `Bearer ${token}`);
  const response = await fetch(path, { ...init, headers, signal: AbortSignal.timeout(timeout) });
  return { response, token };
}

async function request(path, { read = "json", timeout = API_TIMEOUT_MS, ...init } = {}) {
  try {
    let { response, token } = await ask(path, timeout, init);
    if (response.status === 401 && token && (await credentials.renew(token))) {
      ({ response } = await ask(path, timeout, init));
    }
    const date = Date.parse(response.headers.get("date"));
    // What a cache answers with may be dated from long ago.
    if (date && path.startsWith("/api/")) clockSkew = date - Date.now();
    if (!response.ok) throw await toError(response);
    return await (typeof read === "function" ? read(response) : response[read]());
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(error instanceof SyntaxError ? "unreadable" : "unreachable");
  }
}

/** `{signIn}`: null where nobody signs in, else `{issuer, clientId, scope}`. */
export const getConfig = () => request("config.json", { cache: "no-cache" });

function job(jobId) {
  const link = linkOf(jobId);
  return link ? `/api/shared/${encodeURIComponent(link)}` : `/api/jobs/${encodeURIComponent(jobId)}`;
}

/** `{jobs, next_cursor}`, newest first; `status` is a status, or active; `to` is the newest's time. */
export function listJobs({ status, to, cursor, limit = 50 } = {}) {
  const query = new URLSearchParams({ limit: String(limit) });
  if (status) query.set("status", status);
  if (to) query.set("to", to);
  if (cursor) query.set("cursor", cursor);
  return request(`/api/jobs?${query}`);
}

async function askJob(jobId) {
  const found = await request(job(jobId));
  return { job_id: jobId, filename: found.title, ...found };
}

const EARLY_MS = 10_000;
const early = new Map();

/** Asks for what is going to be asked for: `given` has the answer. */
function expect(path, asking) {
  const answer = asking();
  answer.catch(() => {}); // told to whoever comes
  early.set(path, answer);
  setTimeout(() => early.delete(path), EARLY_MS); // it would be old
  return answer;
}

/** The answer that is on its way already, for whoever comes first. */
function given(path, asking) {
  const answer = early.get(path) ?? asking();
  early.delete(path);
  return answer;
}

/** Asks for all that a debate's page shows, while the page is on its way. */
export async function expectDebate(jobId) {
  const found = await expect(job(jobId), () => askJob(jobId));
  if (found.status !== "COMPLETE") return;
  expect(transcriptHref(jobId, "json"), () => askTranscript(jobId));
  expect(statistics(jobId), () => askStatistics(found));
  if (!linkOf(jobId)) expect(edits(jobId), () => request(edits(jobId)));
}

/** Whoever has a link is told less of a debate: not its id, nor its file's name. */
export const getJob = (jobId) => given(job(jobId), () => askJob(jobId));

/** `{notify}`: whether whoever gives an address is written to. */
export const getUploadRules = () => request("/api/uploads/rules");

const send = (method, path, body, headers = {}) =>
  request(path, {
    method,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

/** With a `key`, asked again it is done once. */
const post = (path, body, key) => send("POST", path, body, key && { "idempotency-key": key });

/** The job with these `{title, language, published}`; what is left out stays. */
export const changeJob = (jobId, changes) => send("PATCH", job(jobId), changes);

/** The job, for which no more is done. */
export const cancelJob = (jobId) => request(`${job(jobId)}/cancel`, { method: "POST" });

/** The job, begun again: `{stage, language, speakers}`; what is left out stays. */
export const retryJob = (jobId, wishes) => post(`${job(jobId)}/retry`, wishes);

/** For good. */
export const deleteJob = (jobId) => request(job(jobId), { method: "DELETE" });

const shares = (jobId) => `${job(jobId)}/shares`;

/** `{shares: [{share_id, created_at, expires_at}]}`, the oldest first. */
export const listShares = (jobId) => request(shares(jobId));

/** One of them. Asked again with the same `key`, it is made once. */
export const makeShare = (jobId, key) =>
  request(shares(jobId), { method: "POST", headers: { "idempotency-key": key } });

export const revokeShare = (jobId, shareId) =>
  request(`${shares(jobId)}/${encodeURIComponent(shareId)}`, { method: "DELETE", read: "text" });

const upload = (jobId) => `/api/uploads/${encodeURIComponent(jobId)}`;

/**
 * `{job, upload}`; upload is `{method: "PUT", url, headers, expires_at}` or, where the file is
 * large, `{method: "MULTIPART", parts, part_size, …}`.
 */
export const createUpload = (announcement, key) => post("/api/uploads", announcement, key);

/** Likewise; upload is null when nothing is awaited any more. */
export const getUpload = (jobId) => request(upload(jobId));

/** The file will not come. */
export const abortUpload = (jobId) => request(upload(jobId), { method: "DELETE", read: "text" });

/** What has arrived: `[[number, bytes]…]`. */
export async function listParts(jobId) {
  const all = [];
  let cursor = 0;
  while (cursor !== null) {
    const { parts, next_cursor: next } = await request(`${upload(jobId)}/parts?cursor=${cursor}`);
    all.push(...parts.map((part) => [part.number, part.bytes]));
    cursor = next;
  }
  return all;
}

/** Where to PUT these parts: addresses by number. */
export async function signParts(jobId, numbers) {
  const { urls } = await post(`${upload(jobId)}/parts`, { numbers });
  return new Map(urls.map(({ number, url }) => [number, url]));
}

/** All parts are there. */
export const completeUpload = (jobId) => post(`${upload(jobId)}/complete`, {});

/** A recording on the web (`{url, …}`), or in the bucket (`{uri, …}`): its job. */
export const importAddress = (wanted, key) => post("/api/imports", wanted, key);
export const registerObject = (wanted, key) => post("/api/jobs", wanted, key);

const sessions = "/api/audio/sessions";
const session = (sessionId) => `${sessions}/${encodeURIComponent(sessionId)}`;

/** A recording in chunks: `{session_id, …}`. */
export const createRecording = (wanted, key) => post(sessions, wanted, key);

/** `{state, missing, …}` */
export const getRecording = (sessionId) => request(session(sessionId));

/** What is held of it, `{title, language, …, chunks: [{seq, t_start, t_end, size}…]}`, merged into what is known. */
export const mergeRecording = (sessionId, held) => send("PUT", `${session(sessionId)}/manifest`, held);

/** Where one chunk goes: `{puts: [{url, headers, offset, bytes}…]}`. */
export const signChunk = (sessionId, chunk) => post(`${session(sessionId)}/chunks/presign`, chunk);

/** Where those of `seqs` go that have not arrived: `{chunks: [{seq, puts}…]}`. */
export const signChunks = (sessionId, seqs) => post(`${session(sessionId)}/chunks/retry`, { seqs });

export const completeChunk = (sessionId, seq) => post(`${session(sessionId)}/chunks/complete`, { seq });

/** `without`: the numbers of chunks that are lost for good. */
export const finalizeRecording = (sessionId, without) => post(`${session(sessionId)}/finalize`, { without });

export const deleteRecording = (sessionId) => request(session(sessionId), { method: "DELETE" });

/** `{url, expires_at, content_type}` */
export const getVideo = (jobId) => request(`${job(jobId)}/video`);

export const transcriptHref = (jobId, format) => `${job(jobId)}/transcript?format=${format}`;

const askTranscript = (jobId) =>
  request(transcriptHref(jobId, "json"), {
    timeout: DOCUMENT_TIMEOUT_MS,
    read: async (response) => ({
      document: await response.json(),
      etag: response.headers.get("etag")?.replace(/^W\/|"/g, "") ?? null,
    }),
  });

/** As it was transcribed, and its etag: `{document, etag}`; null where the server does not say. */
export const getTranscript = (jobId) => given(transcriptHref(jobId, "json"), () => askTranscript(jobId));

/** A transcript in `format` (json, srt, vtt, txt, csv, docx) as a Blob: as it was counted. */
export const getTranscriptFile = (jobId, format) =>
  request(`${transcriptHref(jobId, format)}&edited=true`, { read: "blob", timeout: DOCUMENT_TIMEOUT_MS });

const edits = (jobId) => `${job(jobId)}/edits`;

/** `{version, entries, in_force}`: what people have said of the debate. */
export const getEdits = (jobId) => given(edits(jobId), () => request(edits(jobId)));

/** More of it, on top of `version`; all of the operations or none. The newer `{version, …}`. */
export const postEdits = (jobId, version, operations) => post(edits(jobId), { version, operations });

const feedback = (jobId) => `${job(jobId)}/feedback`;

/** `{useful, comment}` as you said it; null where you did not. */
export async function getFeedback(jobId) {
  try {
    return await request(feedback(jobId));
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

export const putFeedback = (jobId, mark) => send("PUT", feedback(jobId), mark);

export const dropFeedback = (jobId) => request(feedback(jobId), { method: "DELETE", read: "text" });

const statistics = (jobId) => `${job(jobId)}/statistics`;

async function askStatistics({ job_id: jobId, published }) {
  if (published) {
    try {
      return await request(`/statistics/by-job/${encodeURIComponent(jobId)}.json`, {
        cache: "no-cache",
      });
    } catch (error) {
      if (error.code === "unreachable") throw error;
    }
  }
  return request(statistics(jobId), { timeout: DOCUMENT_TIMEOUT_MS });
}

/** The statistics as published, which scales; through the API where they are not. */
export const getStatistics = (found) => given(statistics(found.job_id), () => askStatistics(found));

/** The same as a Blob, byte for byte: its seed is longer than a number of JavaScript. */
export const getStatisticsFile = (jobId) =>
  request(statistics(jobId), { read: "blob", timeout: DOCUMENT_TIMEOUT_MS });

/** A file of the published index; null where there is none. */
async function published(path) {
  try {
    return await request(`/statistics/${path}`, { cache: "no-cache" });
  } catch (error) {
    // A private bucket answers 403 for what is not there.
    if ([403, 404].includes(error.status) || error.code === "unreadable") return null;
    throw error;
  }
}

/** Totals over all published debates. */
export const getSummary = () => published("summary.json");

/** `{jobs, chapters}`: the newest debates, and links to all. */
export const getIndex = () => published("index.json");

/** What a link of the index leads to: `{pages}` or `{jobs}`. */
export const getIndexFile = ({ key }) => published(key.replace(/^statistics\//, ""));

/** `{hits, next_cursor}`; a page may be short or empty, and there are more all the same. */
export function searchDebates({ words, by, from, to }, cursor) {
  const given = Object.entries({ q: words, speaker: by, from, to, cursor }).filter(([, value]) => value);
  return request(`/api/search?${new URLSearchParams(given)}`);
}

const failures = (queue, letterId) =>
  ["/api/failures", queue, letterId].filter(Boolean).map((part, n) => (n ? encodeURIComponent(part) : part)).join("/");

/** `{queues: [{queue, letters}]}`; no queues for those who do not run this. */
export const listFailures = () => request(failures());

/** `{letters}`, some of a queue's. */
export const listLetters = (queue) => request(failures(queue));

/** One of a queue's letters, or up to a hundred of them: `{replayed, gone, kept, left}`. */
export const replayLetters = (queue, letterId) =>
  request(`${failures(queue, letterId)}/replay`, { method: "POST" });

/** Likewise, for good: `{dropped, left}`. */
export const dropLetters = (queue, letterId) => request(failures(queue, letterId), { method: "DELETE" });

/** Whether the disk still has it: one that was changed or moved away breaks off as a connection does. */
const isThere = (file) => file.slice(0, 1).arrayBuffer().then(() => true, () => false);

/**
 * Sends the file to the presigned address. XMLHttpRequest, because fetch cannot tell how far an
 * upload has come. `onProgress(bytes)`; rejects with ApiError (`cancelled` by the signal). One that
 * stalls without breaking counts as broken.
 */
export function putFile(upload, file, { onProgress = () => {}, signal }) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    let stall = null;
    const moved = () => {
      clearTimeout(stall);
      stall = setTimeout(() => xhr.abort(), STALL_MS);
    };
    xhr.open(upload.method, upload.url);
    for (const [name, value] of Object.entries(upload.headers)) {
      // The browser sends the length itself, and lets nobody else do it.
      if (name.toLowerCase() !== "content-length") xhr.setRequestHeader(name, value);
    }
    xhr.upload.onprogress = (event) => {
      moved();
      onProgress(event.loaded);
    };
    xhr.onload = () => {
      if (xhr.status >= 200 && xhr.status < 300) resolve();
      else reject(new ApiError("put_refused", { status: xhr.status }));
    };
    xhr.onerror = async () => reject(new ApiError((await isThere(file)) ? "unreachable" : "file_changed"));
    xhr.onabort = () => reject(new ApiError(signal.aborted ? "cancelled" : "unreachable"));
    const abort = () => xhr.abort();
    signal.addEventListener("abort", abort);
    xhr.onloadend = () => {
      clearTimeout(stall);
      signal.removeEventListener("abort", abort);
    };
    moved();
    xhr.send(file);
  });
}

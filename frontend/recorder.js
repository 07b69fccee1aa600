/**
 * Microphone and camera. It lives here and not in a component, so that a recording goes on while
 * somebody looks at another page.
 *
 * `recorder` is `{state, video, problem, id}`; state is idle, asking (the browser asks the user),
 * ready (there is sound, nothing is kept), recording or paused; `problem` is a key under `recorder.`.
 */
import { announce } from "./announce.js";
import { t } from "./i18n/index.js";
import { isLive } from "./live.js";
import { beginRecording, endRecording, keepChunk } from "./recordings.js";
import { createStore } from "./store.js";

const CHUNK_MS = 5_000;
const MAX_MS = 12 * 60 * 60 * 1000 - 2 * CHUNK_MS; // as the server takes it, as are the bytes
const MAX_BYTES = 5 * 2 ** 30 - 64 * 2 ** 20;
const LITTLE_ROOM = 200 * 2 ** 20;
const SOUND_BITS = 96_000;
const PICTURE_BITS = 1_200_000;
const TYPES = {
  video: ["video/webm;codecs=vp8,opus", "video/webm", "video/mp4"],
  sound: ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"],
};
// What makes one voice on the telephone clear makes several in a room worse.
const ROOM = { echoCancellation: false, noiseSuppression: false, autoGainControl: true };
const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 25 } };
const PROBLEMS = {
  NotAllowedError: "refused",
  NotFoundError: "no_device",
  OverconstrainedError: "no_device",
  NotReadableError: "in_use",
};
const QUIETEST_DB = -60;

const IDLE = { state: "idle", video: false, problem: null, id: null };
export const recorder = createStore(IDLE);

let stream = null;
let media = null;
let sound = null; // {context, analyser, samples}
let clock = null; // {before, since}: what was recorded until the last pause, and when it went on

const change = (values) => recorder.update((now) => ({ ...now, ...values }));

/** What is recorded, for a preview. */
export const currentStream = () => stream;

export const elapsed = () => (clock ? clock.before + (clock.since === null ? 0 : performance.now() - clock.since) : 0);

/** How loud it is, 0 to 1, from the quietest that matters to the loudest there is. */
export function level() {
  if (!sound) return 0;
  sound.analyser.getFloatTimeDomainData(sound.samples);
  const power = sound.samples.reduce((sum, value) => sum + value * value, 0) / sound.samples.length;
  const decibels = 10 * Math.log10(power || Number.MIN_VALUE);
  return Math.min(Math.max(1 - decibels / QUIETEST_DB, 0), 1);
}

/** Whether so much could be kept without a connection that nobody need think of it. */
export async function hasRoom() {
  const { quota, usage } = (await navigator.storage?.estimate?.()) ?? {};
  return quota === undefined || quota - usage > LITTLE_ROOM;
}

function listen() {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(new MediaStream(stream.getAudioTracks())).connect(analyser);
  sound = { context, analyser, samples: new Float32Array(analyser.fftSize) };
}

/** Asks for the microphone, with `video` for the camera, too. */
export async function openDevices(video) {
  closeDevices();
  if (!isSecureContext) return change({ problem: "insecure" });
  if (!navigator.mediaDevices || !globalThis.MediaRecorder) return change({ problem: "unsupported" });
  change({ state: "asking", video, problem: null });
  try {
    const given = await navigator.mediaDevices.getUserMedia({ audio: ROOM, video: video && PICTURE });
    if (recorder.get().state !== "asking") return given.getTracks().forEach((track) => track.stop());
    stream = given;
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return change({ state: "idle", problem: PROBLEMS[error.name] ?? "unsupported" });
  }
  for (const track of stream.getTracks()) track.addEventListener("ended", onLostDevice);
  listen();
  change({ state: "ready" });
}

function onLostDevice() {
  if (media) stopRecording();
  else closeDevices();
  change({ problem: "device_lost" });
}

export function closeDevices() {
  stream?.getTracks().forEach((track) => track.stop());
  sound?.context.close();
  [stream, media, sound, clock] = [null, null, null, null];
  recorder.set(IDLE);
  isLive.set(false);
}

export async function startRecording() {
  const { video } = recorder.get();
  const mimeType = TYPES[video ? "video" : "sound"].find((type) => MediaRecorder.isTypeSupported(type));
  if (!mimeType) return change({ problem: "unsupported" });
  navigator.storage?.persist?.(); // or the browser may clear it away when the disk is full
  media = new MediaRecorder(stream, {
    mimeType,
    audioBitsPerSecond: SOUND_BITS,
    videoBitsPerSecond: PICTURE_BITS,
  });
  const id = await beginRecording(mimeType);
  follow(media, id);
  media.start(CHUNK_MS);
  isLive.set(true);
  clock = { before: 0, since: performance.now() };
  change({ state: "recording", id, problem: (await hasRoom()) ? null : "little_room" });
  announce(t("recorder.said_started"));
}

/** One clock gives all times, and a chunk begins where the one before it ended. */
function follow(source, id) {
  let [seq, start, bytes] = [0, 0, 0];
  let kept = Promise.resolve(); // one after the other
  source.ondataavailable = ({ data: blob }) => {
    if (!blob.size) return;
    const end = Math.max(Math.round(elapsed()), start + 1);
    const chunk = { seq, start, end, blob };
    kept = kept.then(() => keepChunk(id, chunk));
    [seq, start, bytes] = [seq + 1, end, bytes + blob.size];
    if (source.state !== "inactive" && (end > MAX_MS || bytes > MAX_BYTES)) {
      stopRecording();
      change({ problem: "longest" });
    }
  };
  source.onstop = async () => {
    await kept;
    const { problem } = recorder.get();
    closeDevices();
    change({ problem });
    endRecording(id);
  };
}

export function pauseRecording() {
  media.requestData(); // what was said so far is safe
  media.pause();
  clock = { before: elapsed(), since: null };
  change({ state: "paused" });
  announce(t("recorder.said_paused"));
}

export function resumeRecording() {
  media.resume();
  clock = { before: clock.before, since: performance.now() };
  change({ state: "recording" });
  announce(t("recorder.said_resumed"));
}

export function stopRecording() {
  if (media.state !== "inactive") media.stop(); // one without a device left stops by itself
  change({ problem: null });
  clock = { before: elapsed(), since: null };
  announce(t("recorder.said_stopped"));
}

// Closing the window would end the recording.
addEventListener("beforeunload", (event) => {
  if (media) event.preventDefault();
});

/**
 * Uploads in parts that this browser has begun and not seen the end of: after a reload, a crash or
 * a night, the same file (name, size, date of change) goes on where it was.
 */
import { getUpload, listParts } from "./api.js";
import { readSetting, saveSetting } from "./settings.js";

const REMEMBERED = 20; // files

/** `[{name, size, modified, jobId, handle}…]`; `handle`: the browser can fetch the file by itself. */
export function remembered() {
  try {
    const known = JSON.parse(readSetting("uploads") ?? "[]");
    return known.filter((entry) => entry.jobId);
  } catch {
    return []; // not of our making
  }
}

const save = (list) => saveSetting("uploads", JSON.stringify(list.slice(-REMEMBERED)));

export const isOf = (entry, file) =>
  entry.name === file.name && entry.size === file.size && entry.modified === file.lastModified;

// The database is loaded for those alone who need it.
const database = async () => (await import("./database.js")).database();

/** `handle`: the browser's own of this file, where it gave one. */
export async function remember(file, jobId, handle) {
  const entry = { name: file.name, size: file.size, modified: file.lastModified, jobId };
  const known = remembered();
  const before = known.find((other) => other.jobId === jobId);
  const others = known.filter((other) => !isOf(other, file));
  save([...others, { ...entry, handle: Boolean(handle ?? before?.handle) }]);
  if (handle) await database().then((kept) => kept.put("handles", handle, jobId)).catch(() => {});
}

export function forget(jobId) {
  const known = remembered();
  const handle = known.some((entry) => entry.jobId === jobId && entry.handle);
  save(known.filter((entry) => entry.jobId !== jobId));
  if (handle) database().then((kept) => kept.delete("handles", jobId)).catch(() => {});
}

/** The file, for which the browser may ask the user; null where it is not to be had. */
export async function fileOf(jobId) {
  try {
    const handle = await (await database()).get("handles", jobId);
    const granted = (await handle.requestPermission({ mode: "read" })) === "granted";
    return granted ? await handle.getFile() : null;
  } catch {
    return null; // no handle, or the file was moved
  }
}

/** `{job, upload}` while its file is awaited; else null, and it is forgotten. */
export async function awaited(jobId) {
  try {
    const state = await getUpload(jobId);
    if (state.upload) return state;
  } catch (error) {
    if (![403, 404, 409].includes(error.status)) throw error;
  }
  forget(jobId); // it arrived, lapsed or was given up; or it is somebody else's
  return null;
}

/** How many of its bytes have arrived. */
export const arrived = async (jobId) => (await listParts(jobId)).reduce((sum, [, bytes]) => sum + bytes, 0);

/**
 * A file that goes in parts: some side by side, each again, to a new address, where its connection
 * broke; and only those that have not arrived, after a pause, a failure or a reload.
 */
import { completeUpload, listParts, putFile, signParts } from "./api.js";
import { persist } from "./persist.js";

const AT_ONCE = 3; // one alone would leave the line idle between two parts
const SIGNED_AT_ONCE = 100; // an address is good for an hour

async function sideBySide(items, task) {
  const left = [...items];
  const work = async () => {
    while (left.length) await task(left.shift());
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/**
 * Sends what has not arrived yet of `upload` (`{parts, part_size}`), and has the whole put
 * together. `onProgress(bytes)` counts what had arrived before, `onTrouble` is persist()'s; rejects
 * with ApiError.
 */
export async function sendParts(jobId, { parts, part_size: partSize }, file, { onProgress, onTrouble, signal }) {
  const failure = new AbortController(); // of one part ends the others
  const patience = { signal: AbortSignal.any([signal, failure.signal]), onTrouble };
  const sent = new Map(await persist(() => listParts(jobId), patience));
  const tell = () => onProgress([...sent.values()].reduce((sum, bytes) => sum + bytes, 0));

  async function send(number, signed) {
    const part = file.slice((number - 1) * partSize, number * partSize);
    const onPartProgress = (bytes) => {
      sent.set(number, bytes);
      tell();
    };
    let address = signed;
    await persist(async () => {
      const url = address ?? (await signParts(jobId, [number])).get(number);
      address = null; // the next try asks for another
      const following = { onProgress: onPartProgress, signal: patience.signal };
      await putFile({ method: "PUT", url, headers: {} }, part, following);
    }, patience);
    onPartProgress(part.size);
  }

  tell();
  const numbers = Array.from({ length: parts }, (_, index) => index + 1);
  const missing = numbers.filter((number) => !sent.has(number));
  try {
    while (missing.length) {
      const next = missing.splice(0, SIGNED_AT_ONCE);
      const addresses = await persist(() => signParts(jobId, next), patience);
      await sideBySide(next, (number) => send(number, addresses.get(number)));
    }
  } catch (error) {
    failure.abort();
    throw error;
  }
  await persist(() => completeUpload(jobId), patience);
}

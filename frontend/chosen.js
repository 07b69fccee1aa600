/**
 * Files that somebody gave to the page: `[{file, handle}…]`. Some browsers give handles, which
 * outlive a reload: with one, nobody need choose the file again.
 */
import { SUFFIXES } from "./media.js";

export const ACCEPT = SUFFIXES.map((suffix) => `.${suffix}`).join();

const withHandle = async (handle) => ({ file: await handle.getFile(), handle });

/** Of a drop. Everything is asked for at once: the list is empty as soon as the event is over. */
export function ofDrop({ items }) {
  const files = [...items].filter((item) => item.kind === "file");
  return Promise.all(
    files
      .map((item) => [item.getAsFile(), item.getAsFileSystemHandle?.().catch(() => null)])
      .map(async ([file, handle]) => ({ file, handle: await handle })),
  );
}

export const ofInput = (input) => [...input.files].map((file) => ({ file }));

export const canPick = () => "showOpenFilePicker" in globalThis;

/** By the browser's own dialog; none if it was closed. */
export async function pick({ multiple }) {
  const types = [{ accept: { "video/*": [], "audio/*": SUFFIXES.map((suffix) => `.${suffix}`) } }];
  try {
    return await Promise.all((await showOpenFilePicker({ multiple, types })).map(withHandle));
  } catch (error) {
    if (error.name === "AbortError") return [];
    throw error;
  }
}

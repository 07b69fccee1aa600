/** Recordings that lie elsewhere: on the web, or in the bucket. */
import { importAddress, registerObject } from "./api.js";

const TAKEN = ["http:", "https:", "s3:"];

/** The text if it is an address that the server may know what to do with; else null. */
export function readAddress(text) {
  const address = text.trim();
  if (/\s/.test(address) || !URL.canParse(address)) return null;
  const { protocol, host } = new URL(address);
  return TAKEN.includes(protocol) && host ? address : null;
}

/** The job that waits for it. `options` as of uploads; with the same `key` it is asked for once. */
export function importRecording(address, options, key) {
  const isObject = new URL(address).protocol === "s3:";
  return isObject ? registerObject({ uri: address, ...options }, key) : importAddress({ url: address, ...options }, key);
}

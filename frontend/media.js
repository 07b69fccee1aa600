/**
 * What may be uploaded: the rules of the server (`debate_analyzer/upload.py`), so that nobody waits
 * for a refusal. The server checks again.
 */
export const SUFFIXES =
  "mp4 m4v mov mkv webm avi mpg mpeg ts m4a mp3 wav flac ogg opus aac".split(" ");
export const MAX_BYTES = 50 * 2 ** 30;
export const MAX_NAME_BYTES = 200;

const CONTROL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** Why the file would be refused: a key of the dictionary under `refusal.`; null if it may go. */
export function refusal({ name, size }) {
  const composed = name.normalize("NFC");
  const suffix = composed.match(/[^.]\.([^.]+)$/)?.[1].toLowerCase();
  if (!SUFFIXES.includes(suffix)) return "type";
  if (size === 0) return "empty";
  if (size > MAX_BYTES) return "size";
  if (new TextEncoder().encode(composed).length > MAX_NAME_BYTES) return "name_length";
  if (CONTROL.test(composed) || /[/\\]/.test(composed)) return "name_characters";
  return null;
}

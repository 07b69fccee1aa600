/** How speakers look and are called. Colours and patterns: styles/variables.css, speaker-mark. */
import { t } from "./i18n/index.js";

export const LOOKS = 8;

/** Map of speaker label to its look, 0 to LOOKS - 1, the same on every chart of a debate. */
export function looks(labels) {
  const sorted = [...new Set(labels)].filter((label) => label != null).sort();
  return new Map(sorted.map((label, index) => [label, index % LOOKS]));
}

/** SPEAKER_00 is what the diarization says; people read "Speaker 1". Other names stay. */
export function speakerName(label) {
  if (label == null) return t("speaker.unknown");
  const found = /^SPEAKER_(\d+)$/.exec(label);
  return found ? t("speaker.numbered", { number: Number(found[1]) + 1 }) : label;
}

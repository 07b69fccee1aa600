/** How speakers look and are called. Colours and patterns: styles/variables.css, speaker-mark. */
import { t } from "./i18n/index.js";

export const LOOKS = 8;

/** Map of speaker label to its look, 0 to LOOKS - 1, the same on every chart of a debate. */
export function looks(labels) {
  const sorted = [...new Set(labels)].filter((label) => label != null).sort();
  return new Map(sorted.map((label, index) => [label, index % LOOKS]));
}

/** Map of speaker label to the name that people gave; what two are called tells nobody apart. */
export function givenNames(statistics) {
  const rows = statistics?.speakers ?? [];
  const called = rows.flatMap(({ speaker, name }) => (name ? [speaker, name] : [speaker]));
  const bearers = (name) => called.filter((other) => other === name).length;
  return new Map(rows.filter(({ name }) => name && bearers(name) === 1).map((row) => [row.speaker, row.name]));
}

/** The items with the names of their speakers, in each of the fields that hold one. */
export function withNames(items, names, fields = ["speaker"]) {
  if (!names.size) return items;
  const named = (item) => fields.map((field) => [field, names.get(item[field]) ?? item[field]]);
  return items?.map((item) => ({ ...item, ...Object.fromEntries(named(item)) }));
}

/** SPEAKER_00 is what the diarization says; people read "Speaker 1". Other names stay. */
export function speakerName(label) {
  if (label == null) return t("speaker.unknown");
  const found = /^SPEAKER_(\d+)$/.exec(label);
  return found ? t("speaker.numbered", { number: Number(found[1]) + 1 }) : label;
}

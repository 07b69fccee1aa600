/** How speakers look and are called. Colours and patterns: styles/variables.css, speaker-mark. */
import { t } from "./i18n/index.js";
import { readSetting, saveSetting } from "./settings.js";

export const LOOKS = 8;

/** Map of speaker label to its look, 0 to LOOKS - 1, the same on every chart of a debate. */
export function looks(labels) {
  const sorted = [...new Set(labels)].filter((label) => label != null).sort();
  return new Map(sorted.map((label, index) => [label, index % LOOKS]));
}

/** Of these labels' names those that tell people apart: what two are called tells nobody. */
export function tellingNames(labels, names) {
  const called = [...new Set(labels)].flatMap((label) => (names.has(label) ? [label, names.get(label)] : [label]));
  const bearers = (name) => called.filter((other) => other === name).length;
  return new Map([...names].filter(([, name]) => bearers(name) === 1));
}

const chosenKey = (jobId) => `looks.${jobId}`;

/** `{label: look}`: what whoever looks at a debate chose for its speakers, kept in this browser. */
export function chosenLooks(jobId) {
  try {
    return JSON.parse(readSetting(chosenKey(jobId))) ?? {};
  } catch {
    return {}; // somebody else's writing
  }
}

export function chooseLook(jobId, label, look) {
  saveSetting(chosenKey(jobId), JSON.stringify({ ...chosenLooks(jobId), [label]: look }));
}

/** Map of speaker label to the name that people gave. */
export function givenNames(statistics) {
  const rows = statistics?.speakers ?? [];
  const names = rows.filter(({ name }) => name).map(({ speaker, name }) => [speaker, name]);
  return tellingNames(rows.map(({ speaker }) => speaker), new Map(names));
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

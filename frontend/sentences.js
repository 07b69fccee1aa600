/** What people have said of a debate, in words. */
import { wordsOf } from "./edits.js";
import { clock, duration, number } from "./format.js";
import { t } from "./i18n/index.js";
import { speakerName } from "./speakers.js";

/**
 * `about`: `{transcript, names, entries}`, the original, the names of labels as they are now, and
 * the log that an undo speaks of.
 */
export function sentenceOf(operation, about) {
  const { op, segment, start, end } = operation;
  const nameOf = (label) => speakerName(about.names.get(label) ?? label);
  const said = about.transcript.transcription[segment];
  const time = said && clock(said.start);
  switch (op) {
    case "merge":
      return t("edits.merge", { speaker: speakerName(operation.speaker), into: nameOf(operation.into) });
    case "rename":
      return t("edits.rename", { speaker: speakerName(operation.speaker), name: operation.name });
    case "role": {
      const role = t(`role.${operation.role}`);
      const values = { speaker: nameOf(operation.speaker), role, side: operation.side };
      return operation.side ? t("edits.side", values) : t("edits.role", values);
    }
    case "leave_out":
      return t("edits.leave_out", { start: clock(start), end: clock(end) });
    case "word": {
      const values = { time, before: said ? wordsOf(said)[operation.word] : "", text: operation.text };
      return operation.text ? t("edits.word", values) : t("edits.no_word", values);
    }
    case "speaker":
      return t("edits.speaker", { time, speaker: nameOf(operation.speaker) });
    case "boundary": {
      const [from, to] = [start, end].map((seconds) => (seconds == null ? "…" : number(seconds, 1)));
      return t("edits.boundary", { time, from, to });
    }
    case "schedule": {
      const slots = operation.slots.map((slot) => `${nameOf(slot.speaker)} ${duration(slot.seconds)}`);
      return t("edits.schedule", { slots: slots.join(", ") || "–" });
    }
    default: {
      const undone = about.entries.find((entry) => entry.id === operation.entry);
      return t("edits.undo", { what: undone ? sentenceOf(undone.operation, about) : "" });
    }
  }
}

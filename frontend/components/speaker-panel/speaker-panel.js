import { announce } from "../../announce.js";
import { clock } from "../../format.js";
import { t } from "../../i18n/index.js";
import { LOOKS, speakerName } from "../../speakers.js";
import { html, useId, useLayoutEffect, useRef, useState } from "../../view.js";
import { QuickDialog } from "../quick-dialog/quick-dialog.js";
import { SpeakerMark, Swatch } from "../speaker-mark/speaker-mark.js";

const ROLES = ["moderator", "debater", "audience"];
const MAX_NAME = 100;

/** "5" (minutes), "5:30" or "1:30:00" → seconds; NaN for what is none. */
function readClock(text) {
  if (!/^\d+(:\d{1,2}){0,2}$/.test(text)) return NaN;
  const parts = text.split(":").map(Number);
  return parts.length === 1 ? parts[0] * 60 : parts.reduce((sum, part) => sum * 60 + part, 0);
}

/** The schedule in which the speaker has so much time in all; null takes it back. */
function withAllowance(agreed, label, seconds) {
  const others = agreed.filter((slot) => slot.speaker !== label || slot.start != null);
  return [...others, ...(seconds === null ? [] : [{ speaker: label, seconds }])];
}

function LookChoice({ look, onChoose }) {
  return html`<fieldset>
    <legend>${t("person.look")}</legend>
    <div class="look-choice">
      ${Array.from({ length: LOOKS }, (_, number) => html`<label key=${number}>
        <input type="radio" name="look" checked=${number === look} onChange=${() => onChoose(number)} />
        <${Swatch} look=${number} />
        <span class="visually-hidden">${t("person.look_number", { number: number + 1 })}</span>
      </label>`)}
    </div>
  </fieldset>`;
}

/** Who a speaker is: name, role, side, time, looks, and whether two labels are one person. */
export function SpeakerPanel({ label, people, look, desk, onLook, onClose }) {
  const { cast, agreed, labels, names } = people;
  const [problem, setProblem] = useState("");
  const sides = useId();
  const input = useRef();
  useLayoutEffect(() => input.current.select(), []);
  const name = cast.names.get(label) ?? "";
  const { role = "", side = "" } = cast.roles.get(label) ?? {};
  const slot = agreed.find((each) => each.speaker === label && each.start == null);
  const time = slot ? clock(slot.seconds) : "";
  const others = labels.filter((other) => other !== label);
  const called = (other) => names.get(other) ?? other;

  function onSubmit(event) {
    event.preventDefault();
    const said = Object.fromEntries([...new FormData(event.target)].map(([field, text]) => [field, text.trim()]));
    const allowance = said.time && said.time !== time ? readClock(said.time) : null;
    if (Number.isNaN(allowance)) {
      setProblem(t("person.time_wrong"));
      event.target.elements.time.focus();
      return;
    }
    const operations = [];
    if (said.name && said.name !== name) operations.push({ op: "rename", speaker: label, name: said.name });
    if (said.role && (said.role !== role || said.side !== (side ?? ""))) {
      operations.push({ op: "role", speaker: label, role: said.role, ...(said.side && { side: said.side }) });
    }
    if (said.time !== time) {
      operations.push({ op: "schedule", slots: withAllowance(agreed, label, allowance) });
    }
    if (said.into) operations.push({ op: "merge", speaker: label, into: said.into });
    desk.say(operations);
    if (operations.length) announce(t("person.saved", { name: speakerName(said.name || label) }));
    onClose();
  }

  return html`<${QuickDialog} title=${speakerName(called(label))} onClose=${onClose}>
    <form class="speaker-panel" onSubmit=${onSubmit}>
      <label class="dialog-field">
        ${t("person.name")}
        <input
          type="text"
          name="name"
          dir="auto"
          autocomplete="off"
          maxlength=${MAX_NAME}
          required=${Boolean(name)}
          defaultValue=${name}
          placeholder=${speakerName(label)}
          autofocus
          ref=${input}
        />
      </label>
      <div class="speaker-panel-pair">
        <label class="dialog-field">
          ${t("person.role")}
          <select name="role" required=${Boolean(role)}>
            ${!role && html`<option value="">${t("person.no_role")}</option>`}
            ${ROLES.map((each) => html`<option key=${each} value=${each} selected=${each === role}>${t(`role.${each}`)}</option>`)}
          </select>
        </label>
        <label class="dialog-field">
          ${t("person.side")}
          <input type="text" name="side" dir="auto" autocomplete="off" maxlength=${MAX_NAME} defaultValue=${side ?? ""} list=${sides} />
        </label>
        <datalist id=${sides}>
          ${[...new Set([...cast.roles.values()].map((each) => each.side).filter(Boolean))].map(
            (each) => html`<option key=${each} value=${each} />`,
          )}
        </datalist>
        <label class="dialog-field">
          ${t("person.time")}
          <input
            type="text"
            name="time"
            inputmode="numeric"
            autocomplete="off"
            placeholder="5:00"
            defaultValue=${time}
            onInput=${() => setProblem("")}
          />
        </label>
        ${others.length > 0 &&
        html`<label class="dialog-field">
          ${t("person.same")}
          <select name="into">
            <option value="">${t("person.nobody_else")}</option>
            ${others.map((other) => html`<option key=${other} value=${other}>${speakerName(called(other))}</option>`)}
          </select>
        </label>`}
      </div>
      ${problem && html`<p class="problem" role="alert">${problem}</p>`}
      <${LookChoice} look=${look} onChoose=${onLook} />
      <p class="dialog-actions">
        <button type="button" class="button" onClick=${onClose}>${t("edits.cancel")}</button>
        <button type="submit" class="button button-main">${t("edits.save")}</button>
      </p>
    </form>
  <//>`;
}

/** Everybody, each a way to who they are. */
export function SpeakerNames({ people, onChoose }) {
  const { labels, names, look } = people;
  return html`<ul class="speaker-names" aria-label=${t("person.all")}>
    ${labels.map(
      (label) => html`<li key=${label}>
        <button type="button" class="speaker-name" title=${t("person.edit")} onClick=${() => onChoose(label)}>
          <${SpeakerMark} speaker=${names.get(label) ?? label} look=${look.get(label)} />
        </button>
      </li>`,
    )}
  </ul>`;
}

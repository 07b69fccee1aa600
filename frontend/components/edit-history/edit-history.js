import { serverNow } from "../../api.js";
import { undoneIn } from "../../edits.js";
import { ago, dateTime } from "../../format.js";
import { t } from "../../i18n/index.js";
import { sentenceOf } from "../../sentences.js";
import { html, useState } from "../../view.js";
import { QuickDialog } from "../quick-dialog/quick-dialog.js";

const PAGE = 100;

/** Everything that was said, the newest first; each may be undone, and what is undone brought back. */
export function EditHistory({ desk, edits, about, onClose }) {
  const [shown, setShown] = useState(PAGE);
  const { entries } = edits.log;
  const undone = undoneIn(entries);
  const said = entries.filter(({ operation }) => operation.op !== "undo").toReversed();
  const undoOf = ({ id }) =>
    entries.findLast((entry) => entry.operation.op === "undo" && entry.operation.entry === id && !undone.has(entry.id));
  const undo = (entry) => desk.say([{ op: "undo", entry: entry.id }]);

  return html`<${QuickDialog} title=${t("history.title")} onClose=${onClose}>
    <p class="fine">${t(said.length ? "history.lead" : "history.none")}</p>
    <ol class="edit-history">
      ${said.slice(0, shown).map((entry) => {
        const gone = undone.has(entry.id);
        return html`<li key=${entry.id} class=${gone ? "edit-undone" : ""}>
          <p>
            ${gone ? html`<s dir="auto">${sentenceOf(entry.operation, about)}</s>` : html`<span dir="auto">${sentenceOf(entry.operation, about)}</span>`}
            <small>
              <time datetime=${entry.at} title=${dateTime(entry.at)}>${ago(Date.parse(entry.at), serverNow())}</time>
              ${entry.by && html` · <bdi>${entry.by}</bdi>`}
            </small>
          </p>
          <button
            type="button"
            class="button button-quiet"
            aria-label=${`${t(gone ? "history.restore" : "history.undo")}: ${sentenceOf(entry.operation, about)}`}
            onClick=${() => undo(gone ? undoOf(entry) : entry)}
          >
            ${t(gone ? "history.restore" : "history.undo")}
          </button>
        </li>`;
      })}
    </ol>
    <p class="dialog-actions">
      ${said.length > shown &&
      html`<button type="button" class="button" onClick=${() => setShown(shown + PAGE)}>${t("history.older")}</button>`}
      <button type="button" class="button" onClick=${onClose}>${t("edits.close")}</button>
    </p>
  <//>`;
}

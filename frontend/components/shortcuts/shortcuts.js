import { t } from "../../i18n/index.js";
import { readSetting, saveSetting } from "../../settings.js";
import { html, useEffect, useState } from "../../view.js";
import { QuickDialog } from "../quick-dialog/quick-dialog.js";

const SKIP = 10; // s

const LINES = [
  [["K"], "shortcuts.toggle"],
  [["J", "L"], "shortcuts.skip"],
  [["/"], "shortcuts.find"],
  [["↑", "↓"], "shortcuts.segments"],
  [["␣"], "shortcuts.space"],
  [["⇧↑", "⇧↓"], "shortcuts.clip"],
  [["N"], "shortcuts.name"],
  [["Ctrl Z", "Ctrl ⇧ Z"], "shortcuts.undo"],
  [["?"], "shortcuts.help"],
];

/** Keys for playing and finding, and what they are. Single letters can be switched off. */
export function Shortcuts({ playback }) {
  const [open, setOpen] = useState(false);
  const [single, setSingle] = useState(readSetting("shortcuts") !== "off");

  useEffect(() => {
    if (!single) return undefined;
    const keys = {
      k: playback.toggle,
      j: () => playback.skip(-SKIP),
      l: () => playback.skip(SKIP),
      "/": () => document.querySelector(".find-field")?.focus(),
      "?": () => setOpen(true),
    };
    function onKeyDown(event) {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (event.target.closest?.("input, textarea, select, dialog, [contenteditable]")) return;
      const act = keys[event.key.toLowerCase()];
      if (!act) return;
      event.preventDefault();
      act();
    }
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [playback, single]);

  function onSingle(event) {
    setSingle(event.target.checked);
    saveSetting("shortcuts", event.target.checked ? "on" : "off");
  }

  const close = () => setOpen(false);
  return html`<button type="button" class="button button-quiet shortcuts-button" onClick=${() => setOpen(true)}>
      ${t("shortcuts.title")}
    </button>
    ${open &&
    html`<${QuickDialog} title=${t("shortcuts.title")} onClose=${close}>
      <dl class="shortcuts">
        ${LINES.map(
          ([keys, what]) => html`<div key=${what}>
            <dt>${keys.map((key) => html`<kbd key=${key}>${key}</kbd> `)}</dt>
            <dd>${t(what)}</dd>
          </div>`,
        )}
      </dl>
      <label class="check">
        <input type="checkbox" checked=${single} onChange=${onSingle} />
        ${t("shortcuts.single")}
      </label>
      <p class="dialog-actions"><button type="button" class="button" onClick=${close}>${t("edits.close")}</button></p>
    <//>`}`;
}

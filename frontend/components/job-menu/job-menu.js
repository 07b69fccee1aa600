import { actionsFor, choose } from "../../desk.js";
import { t } from "../../i18n/index.js";
import { html, useId, useRef, useState } from "../../view.js";
import { Icon } from "../icon/icon.js";
import { place } from "../menu/menu.js";

const STEPS = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };

/** The quiet button with everything that may be done with a debate. */
export function JobMenu({ job }) {
  const id = useId();
  const button = useRef();
  const menu = useRef();
  const [open, setOpen] = useState(false);
  const actions = actionsFor(job);
  if (!actions.length) return null;

  function onBeforeToggle(event) {
    if (event.newState !== "open") return; // the items stay until the focus was given back
    place(menu.current, button.current);
    setOpen(true);
  }

  function onToggle(event) {
    if (event.newState === "open") menu.current.firstElementChild.focus();
    else setOpen(false);
  }

  function onKeyDown(event) {
    if (event.key === "Tab") menu.current.hidePopover();
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const items = [...menu.current.children];
    const here = items.indexOf(document.activeElement);
    const next = Number.isFinite(step) ? (here + step + items.length) % items.length : step < 0 ? 0 : items.length - 1;
    items[next].focus();
  }

  function onButtonKey(event) {
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    menu.current.togglePopover(true);
  }

  function onClick(event) {
    const item = event.target.closest("button");
    if (!item) return;
    menu.current.hidePopover(); // gives the focus back to the button, and a dialog gives it back there
    choose(item.dataset.what, job);
  }

  return html`<div class="job-menu">
    <button
      ref=${button}
      type="button"
      class="job-menu-button"
      popovertarget=${id}
      aria-haspopup="menu"
      aria-expanded=${open}
      aria-label=${t("desk.menu", { title: job.title })}
      onKeyDown=${onButtonKey}
    >
      <${Icon} name="more" />
    </button>
    <div
      ref=${menu}
      id=${id}
      popover="auto"
      role="menu"
      class="menu"
      aria-label=${t("desk.menu", { title: job.title })}
      onBeforeToggle=${onBeforeToggle}
      onToggle=${onToggle}
      onKeyDown=${onKeyDown}
      onClick=${onClick}
    >
      ${open &&
      actions.map(
        (what) => html`<button key=${what} type="button" role="menuitem" tabindex="-1" data-what=${what}>
          ${t(`desk.${what}`)}
        </button>`,
      )}
    </div>
  </div>`;
}

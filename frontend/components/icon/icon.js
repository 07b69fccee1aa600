import { html } from "../../view.js";

const PATHS = {
  alert: "M12 7v6m0 3.5v.01M12 3 2.5 20h19z",
  arrow: "M19 12H5m6-6-6 6 6 6",
  check: "m5 12.5 4.5 4.5L19 7.5",
  clock: "M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  close: "m6 6 12 12M18 6 6 18",
  download: "M12 4v11m-5-4.5 5 5 5-5M5 20h14",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  play: "M8 5.5v13l10.5-6.5z",
  running: "M12 3a9 9 0 1 1-9 9",
  upload: "M12 16V5M7 9.5l5-5 5 5M5 20h14",
};

/** A line drawing that says nothing by itself: the words stand beside it. */
export function Icon({ name }) {
  return html`<svg class=${`icon icon-${name}`} viewBox="0 0 24 24" aria-hidden="true">
    <path d=${PATHS[name]} />
  </svg>`;
}

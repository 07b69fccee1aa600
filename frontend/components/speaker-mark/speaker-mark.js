import { LOOKS, speakerName } from "../../speakers.js";
import { html } from "../../view.js";

/** What tells speakers apart besides colour; the first is plain. Drawn on an 8 × 8 tile. */
const STROKES = [
  "",
  "M-2 2l4-4M0 8l8-8M6 10l4-4",
  "M2 2h.01M6 6h.01",
  "M4 0v8",
  "M0 0l8 8M0 8l8-8",
  "M0 4h8",
  "M-2 6l4 4M0 0l8 8M6-2l4 4",
  "M0 4h4v4M4 0v4h4",
];

/** The fills that every chart of the page refers to; rendered once. */
export function SpeakerPatterns() {
  return html`<svg class="speaker-patterns" width="0" height="0" aria-hidden="true">
    <defs>
      ${STROKES.slice(0, LOOKS).map(
        (stroke, look) => html`<pattern
          key=${look}
          id=${`speaker-pattern-${look}`}
          class=${`speaker-${look}`}
          width="8"
          height="8"
          patternUnits="userSpaceOnUse"
        >
          <rect class="speaker-fill" width="8" height="8" />
          <path class=${look === 2 ? "speaker-stroke speaker-stroke-dots" : "speaker-stroke"} d=${stroke} />
        </pattern>`,
      )}
    </defs>
  </svg>`;
}

export const fillOf = (look) => `url(#speaker-pattern-${look})`;

export function Swatch({ look }) {
  return html`<svg class="speaker-swatch" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
    <rect width="16" height="16" rx="4" fill=${fillOf(look)} />
  </svg>`;
}

/** A speaker's swatch and name. The name is whatever the file says, and text. */
export function SpeakerMark({ speaker, look }) {
  return html`<span class="speaker-mark">
    ${look !== undefined && html`<${Swatch} look=${look} />`}
    <bdi>${speakerName(speaker)}</bdi>
  </span>`;
}

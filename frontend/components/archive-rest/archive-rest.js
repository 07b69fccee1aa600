import { number } from "../../format.js";
import { t } from "../../i18n/index.js";
import { html } from "../../view.js";

/** How far back was looked, where there is more; and a way to look further. */
export function ArchiveRest({ archive }) {
  const { debates, all, isWhole, reading, more } = archive;
  if (isWhole && debates.length >= all) return null;
  return html`<div class="archive-rest">
    <p class="fine">${t("archive.looked", { looked: number(debates.length), all: number(all) })}</p>
    ${!isWhole &&
    html`<button type="button" class="button" aria-disabled=${reading || undefined} onClick=${() => reading || more()}>
      ${t(reading ? "search.looking" : "search.more")}
    </button>`}
  </div>`;
}

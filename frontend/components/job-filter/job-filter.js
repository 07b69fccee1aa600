import { t } from "../../i18n/index.js";
import { PHASES, filter, setFilter } from "../../jobs.js";
import { useStore } from "../../store.js";
import { html } from "../../view.js";

/** Which debates are listed: by how far they are, and by words of their titles. */
export function JobFilter() {
  const { phase, words } = useStore(filter);
  return html`<div class="job-filter">
    <fieldset class="job-phases">
      <legend class="visually-hidden">${t("jobs.filter")}</legend>
      ${PHASES.map(
        (each) => html`<label key=${each}>
          <input
            type="radio"
            name="phase"
            value=${each}
            checked=${each === phase}
            onChange=${() => setFilter({ phase: each })}
          />
          <span>${t(`phase.${each || "all"}`)}</span>
        </label>`,
      )}
    </fieldset>
    <input
      type="search"
      dir="auto"
      aria-label=${t("jobs.search")}
      placeholder=${t("jobs.search")}
      maxlength="200"
      value=${words}
      onInput=${(event) => setFilter({ words: event.target.value })}
    />
  </div>`;
}

import { getSummary } from "../../api.js";
import { clock, languageName, monthName, number } from "../../format.js";
import { useSettled } from "../../hooks.js";
import { t } from "../../i18n/index.js";
import { useResource } from "../../poll.js";
import { html } from "../../view.js";

const PUBLICATION_MS = 2_000; // totals follow a little after the last debate is complete

const MONTHS = 12;
const TALLEST = 40; // px

/** `2026-11` and the eleven before it. */
function monthsUpTo(last) {
  const [year, month] = last.split("-").map(Number);
  return Array.from({ length: MONTHS }, (_, index) =>
    new Date(Date.UTC(year, month - MONTHS + index)).toISOString().slice(0, 7),
  );
}

/** How many debates were added in each of the last months. */
function Months({ months }) {
  const shown = monthsUpTo(Object.keys(months).sort().at(-1));
  const most = Math.max(...shown.map((month) => months[month] ?? 0));
  return html`<div>
    <h3 class="quiet-heading">${t("totals.months")}</h3>
    <ol class="totals-months">
      ${shown.map((month) => {
        const count = months[month] ?? 0;
        const height = (count / most) * TALLEST;
        return html`<li key=${month}>
          <data value=${count}>${count > 0 && number(count)}</data>
          <svg width="100%" height=${Math.max(height, 1)} aria-hidden="true"><rect width="100%" height="100%" rx="2" /></svg>
          <span aria-hidden="true">${monthName(month, "narrow")}</span>
          <span class="visually-hidden">${monthName(month)}: ${number(count)}</span>
        </li>`;
      })}
    </ol>
  </div>`;
}

function Languages({ languages }) {
  const rows = Object.entries(languages).sort(([, a], [, b]) => b - a);
  return html`<div>
    <h3 class="quiet-heading">${t("totals.languages")}</h3>
    <ul class="totals-languages">
      ${rows.map(([code, count]) => html`<li key=${code}>${languageName(code)} <data value=${count}>${number(count)}</data></li>`)}
    </ul>
  </div>`;
}

/** Whether the index knows of every debate when it was added: one that was made earlier does not. */
const isDated = ({ jobs, months = {} }) => Object.values(months).reduce((sum, count) => sum + count, 0) === jobs;

/** Sums over all published debates; nothing while there are none. */
export function Totals({ completed }) {
  const settled = useSettled(completed, PUBLICATION_MS);
  const { data: summary } = useResource(getSummary, settled || null);
  if (!summary?.jobs) return null;
  const figures = [
    ["jobs", number(summary.jobs), summary.jobs],
    ["duration", clock(Math.round(summary.duration)), summary.duration],
    ["words", number(summary.words), summary.words],
    ["speakers", number(summary.speakers), summary.speakers],
  ];
  return html`<section class="totals" aria-labelledby="totals-heading">
    <h2 id="totals-heading" class="quiet-heading">${t("totals.title")}</h2>
    <dl>
      ${figures.map(
        ([name, text, value]) => html`<div key=${name}>
          <dt>${t(`totals.${name}`)}</dt>
          <dd><data value=${value}>${text}</data></dd>
        </div>`,
      )}
    </dl>
    <div class="totals-parts">
      ${Object.keys(summary.languages ?? {}).length > 0 && html`<${Languages} languages=${summary.languages} />`}
      ${isDated(summary) && html`<${Months} months=${summary.months} />`}
    </div>
  </section>`;
}

import { getSummary } from "../../api.js";
import { clock, number } from "../../format.js";
import { useSettled } from "../../hooks.js";
import { t } from "../../i18n/index.js";
import { useResource } from "../../poll.js";
import { html } from "../../view.js";

const PUBLICATION_MS = 2_000; // totals follow a little after the last debate is complete

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
  </section>`;
}

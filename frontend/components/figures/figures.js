import { duration, number, sureness } from "../../format.js";
import { t } from "../../i18n/index.js";
import { speakerName } from "../../speakers.js";
import { html } from "../../view.js";
import { SpeakerBars } from "../speaker-bars/speaker-bars.js";
import { SpeakerTable } from "../speaker-table/speaker-table.js";

function Headline({ name, text, value }) {
  return html`<div>
    <dt>${t(`figures.${name}`)}</dt>
    <dd><data value=${value}>${text}</data></dd>
  </div>`;
}

/** Who spoke longer than who came next, and how sure that is. */
function Comparisons({ rows, comparisons }) {
  const neighbours = rows.slice(1).map((less, index) => [rows[index].speaker, less.speaker]);
  const told = neighbours.flatMap(([more, less]) =>
    comparisons.filter(
      (each) =>
        each.figure === "speakingTime" && each.more === more && each.less === less && each.thisDebate != null,
    ),
  );
  if (!told.length) return null;
  return html`<ul class="comparisons">
    ${told.map(
      ({ more, less, thisDebate }) => html`<li key=${more}>
        ${t("figures.longer", { more: speakerName(more), less: speakerName(less), sure: sureness(thisDebate) })}
      </li>`,
    )}
  </ul>`;
}

function Speakers({ jobId, rows, look, comparisons }) {
  return html`
    <div class="bars-pair">
      <${SpeakerBars} measure="speakingTime" share="speakingShare" format=${duration} rows=${rows} look=${look} />
      <${SpeakerBars} measure="words" share="wordShare" format=${number} rows=${rows} look=${look} />
    </div>
    <${SpeakerTable} jobId=${jobId} rows=${rows} look=${look} />
    <${Comparisons} rows=${rows} comparisons=${comparisons} />
  `;
}

/** The numbers of one debate. Every figure carries its exact value in a <data>. */
export function Figures({ jobId, statistics, look }) {
  const { totals } = statistics;
  const rows = [...statistics.speakers].sort((a, b) => b.speakingTime - a.speakingTime);
  return html`<section class="figures" aria-labelledby="figures-heading">
    <h2 id="figures-heading">${t("figures.title")}</h2>
    <dl class="headlines">
      <${Headline} name="duration" text=${duration(statistics.duration)} value=${statistics.duration} />
      <${Headline} name="speakers" text=${number(statistics.speakersCount)} value=${statistics.speakersCount} />
      <${Headline} name="words" text=${number(totals.words)} value=${totals.words} />
      <${Headline} name="turns" text=${number(totals.turns)} value=${totals.turns} />
      ${totals.overlap != null &&
      html`<${Headline} name="overlap" text=${duration(totals.overlap)} value=${totals.overlap} />`}
      <${Headline} name="silence" text=${duration(totals.silence)} value=${totals.silence} />
    </dl>
    ${rows.length > 0 && html`<${Speakers} jobId=${jobId} rows=${rows} look=${look} comparisons=${statistics.comparisons} />`}
    ${rows.length === 0 && html`<p>${t("figures.no_speakers")}</p>`}
    <div class="fine figures-note">
      ${statistics.approximate && html`<p>${t("figures.approximate")}</p>`}
      ${rows.length > 0 && html`<p>${t("figures.ranges")}</p>`}
      ${totals.unassignedWords > 0 && html`<p>${t("figures.unassigned", { count: totals.unassignedWords })}</p>`}
    </div>
  </section>`;
}

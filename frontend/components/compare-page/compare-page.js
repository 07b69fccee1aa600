import { getJob, getStatistics, listJobs } from "../../api.js";
import { compared, obstacles, verdict } from "../../comparison.js";
import { clock, duration, languageName, number, percent } from "../../format.js";
import { useTitle } from "../../hooks.js";
import { t } from "../../i18n/index.js";
import { useResource } from "../../poll.js";
import { compareHref, debateHref, navigate, speakerHref } from "../../router.js";
import { givenNames, looks, speakerName } from "../../speakers.js";
import { isKnown } from "../../statistics.js";
import { html, useId } from "../../view.js";
import { DataTable } from "../data-table/data-table.js";
import { Notice } from "../notice/notice.js";
import { PageHeading } from "../page-heading/page-heading.js";
import { SpeakerMark, SpeakerPatterns, fillOf } from "../speaker-mark/speaker-mark.js";

const LISTED = 100;
const BAR = 14; // px

const tenths = (value) => number(value, 1);

const FORMATS = {
  pace: number,
  turns: tenths,
  overlapStarts: tenths,
  overlap: (share) => percent(share, 1),
  silence: (share) => percent(share, 1),
  longest: percent,
  evenness: (value) => number(value, 2),
};

const SIDES = ["first", "second"];

/** `{id, job, statistics}`; statistics null while the debate is not counted. */
function useDebate(id) {
  const { data, error } = useResource(async () => {
    const job = await getJob(id);
    return { id, job, statistics: job.status === "COMPLETE" ? await getStatistics(job) : null };
  }, id || null);
  return id && data?.id === id ? { data } : { error: id && error };
}

function Choice({ label, value, jobs, onChoose }) {
  const id = useId();
  return html`<div class="compare-choice">
    <label for=${id}>${label}</label>
    <select id=${id} value=${value} onChange=${(event) => onChoose(event.target.value)}>
      <option value="" selected=${!value}>${t("compare.choose")}</option>
      ${jobs.map(
        (job) => html`<option key=${job.job_id} value=${job.job_id} selected=${job.job_id === value}>
          ${job.title || job.filename}
        </option>`,
      )}
    </select>
  </div>`;
}

/** The debates that may be chosen, with those that are. */
function Choices({ place, debates }) {
  const { data } = useResource(() => listJobs({ status: "complete", limit: LISTED }), "jobs");
  const listed = data?.jobs ?? [];
  const chosen = debates.flatMap(({ data: found }) => (found ? [found.job] : []));
  const known = new Set(listed.map((job) => job.job_id));
  const jobs = [...chosen.filter((job) => !known.has(job.job_id)), ...listed];
  const others = (id) => jobs.filter((job) => job.job_id !== id);
  const { jobId = "", other = "" } = place;
  return html`<div class="compare-choices">
    <${Choice}
      label=${t("compare.first")}
      value=${jobId}
      jobs=${others(other)}
      onChoose=${(id) => navigate(compareHref(id, other))}
    />
    <${Choice}
      label=${t("compare.second")}
      value=${other}
      jobs=${others(jobId)}
      onChoose=${(id) => navigate(compareHref(jobId, id))}
    />
    ${data?.next_cursor && html`<p class="fine">${t("compare.newest", { count: LISTED })}</p>`}
  </div>`;
}

/** Why there is nothing to compare with yet. */
function Missing({ title, found }) {
  const { data, error } = found;
  if (error) {
    const known = [400, 404].includes(error.status);
    return html`<${Notice} kind="warning" title=${t(known ? "debate.missing" : "trouble.again")} />`;
  }
  if (!data) return html`<p class="fine" role="status">${t("app.loading")}</p>`;
  const problem = data.statistics ? "compare.unknown" : "compare.uncounted";
  return html`<${Notice} kind="warning" title=${t(problem, { title })}>
    <p><a href=${debateHref(data.id)}><bdi>${data.job.title || data.job.filename}</bdi></a></p>
  <//>`;
}

function Range({ bounds, format }) {
  const [low, high] = (bounds ?? []).map((bound) => format(bound));
  return low !== high && html`<small>${t("table.range", { low, high })}</small>`;
}

function Value({ value, bounds, format }) {
  if (value == null) return html`<span>${t("table.unknown")}</span>`;
  return html`<data value=${value}>${format(value)}</data><${Range} bounds=${bounds} format=${format} />`;
}

/** A debate's heading: which of the two it is, and the way to it. */
function Title({ side, job }) {
  return html`<a href=${debateHref(job.job_id)}><span class="compare-side">${t(`compare.side_${side}`)}</span> <bdi>${job.title || job.filename}</bdi></a>`;
}

function FiguresTable({ first, second }) {
  const jobs = { first: first.job, second: second.job };
  const { statistics: a } = first;
  const { statistics: b } = second;
  const facts = [
    ["duration", (each) => duration(each.duration)],
    ["language", (each) => (each.language ? languageName(each.language) : t("table.unknown"))],
    ["speakers", (each) => number(each.speakersCount)],
    ["words", (each) => number(each.totals.words)],
  ].map(([name, text]) => ({ name, first: text(a), second: text(b), told: "" }));
  const figures = compared(a, b).map(({ figure, verdict: said, ...values }) => {
    const format = FORMATS[figure];
    const [left, right] = SIDES.map((side) => html`<${Value} ...${values[side]} format=${format} />`);
    return { name: figure, first: left, second: right, told: said ? t(`compare.verdict_${said}`) : "" };
  });
  const columns = [
    { name: t("compare.figure"), cell: ({ name }) => t(`compare.${name}`) },
    ...SIDES.map((side) => ({
      name: html`<${Title} side=${side} job=${jobs[side]} />`,
      numeric: true,
      cell: (row) => row[side],
    })),
    { name: t("compare.higher"), cell: ({ told }) => told },
  ];
  return html`<${DataTable} caption=${t("compare.figures")} columns=${columns} rows=${[...facts, ...figures]} keyOf=${({ name }) => name} />`;
}

function Obstacles({ first, second }) {
  const found = obstacles(first, second);
  const missing = [first, second].flatMap((statistics, index) =>
    statistics.unavailable.map(({ figure, reason }) => ({ side: SIDES[index], figure, reason })),
  );
  const reasons = new Map(missing.map(({ side, reason }) => [`${side} ${reason}`, { side, reason }]));
  if (!found.length && !reasons.size) return null;
  return html`<section class="compare-obstacles" aria-labelledby="obstacles-heading">
    <h2 id="obstacles-heading">${t("compare.obstacles")}</h2>
    <ul>
      ${found.map((name) => html`<li key=${name}>${t(`compare.differs_${name}`)}</li>`)}
      ${[...reasons].map(
        ([key, { side, reason }]) => html`<li key=${key}>${t(`compare.side_${side}`)}: <span lang="en">${reason}</span></li>`,
      )}
    </ul>
  </section>`;
}

/** Speakers by the share of the time, to a scale that both debates have. */
function Speakers({ side, debate, scale }) {
  const { id, job, statistics } = debate;
  const names = givenNames(statistics);
  const look = looks(statistics.speakers.map(({ speaker }) => speaker));
  const rows = [...statistics.speakers].sort((x, y) => y.speakingShare - x.speakingShare);
  return html`<section class="compare-speakers" aria-labelledby=${`speakers-${side}`}>
    <h3 id=${`speakers-${side}`}><${Title} side=${side} job=${job} /></h3>
    ${rows.length === 0 && html`<p class="fine">${t("figures.no_speakers")}</p>`}
    <ul>
      ${rows.map((row) => {
        const name = names.get(row.speaker);
        const mark = html`<${SpeakerMark} speaker=${name ?? row.speaker} look=${look.get(row.speaker)} />`;
        const start = row.longestTurnStart;
        return html`<li key=${row.speaker}>
          <p class="compare-name">
            ${name ? html`<a href=${speakerHref(name)}>${mark}</a>` : mark}
            <span><${Value} value=${row.speakingShare} bounds=${row.uncertainty.speakingShare?.thisDebate} format=${percent} /></span>
          </p>
          <svg width="100%" height=${BAR} aria-hidden="true">
            <rect class="compare-track" width="100%" height=${BAR} rx="3" />
            <rect width=${`${scale ? (row.speakingShare / scale) * 100 : 0}%`} height=${BAR} rx="3" fill=${fillOf(look.get(row.speaker))} />
          </svg>
          <p class="fine">
            ${t("compare.spoke", { time: duration(row.speakingTime), words: number(row.words) })}
            ${start != null &&
            html`<span> · </span
              ><a href=${debateHref(id, start, start + row.longestTurn)}
                >${t("compare.longest_turn", { time: duration(row.longestTurn) })}</a
              >`}
          </p>
        </li>`;
      })}
    </ul>
  </section>`;
}

/** Those who have the same name in both. */
function InBoth({ first, second }) {
  const [rows, others] = [first, second].map(({ statistics }) => {
    const names = givenNames(statistics);
    return new Map(statistics.speakers.flatMap((row) => (names.has(row.speaker) ? [[names.get(row.speaker), row]] : [])));
  });
  const found = obstacles(first.statistics, second.statistics);
  const figure = (row, name) => ({ value: row[name], bounds: row.uncertainty[name]?.thisDebate });
  const both = [...rows.keys()].filter((name) => others.has(name));
  if (!both.length) return null;
  const cells = ["speakingShare", "wordsPerMinute"].flatMap((name) => {
    const format = name === "speakingShare" ? percent : number;
    const told = (row) => verdict(name, figure(rows.get(row), name), figure(others.get(row), name), found);
    return [
      ...SIDES.map((side) => ({
        name: `${t(`table.${name}`)}, ${t(`compare.side_${side}`)}`,
        numeric: true,
        cell: (row) => html`<${Value} ...${figure((side === "first" ? rows : others).get(row), name)} format=${format} />`,
      })),
      { name: t("compare.higher"), cell: (row) => (told(row) ? t(`compare.verdict_${told(row)}`) : "") },
    ];
  });
  const columns = [
    { name: t("table.speaker"), cell: (name) => html`<a href=${speakerHref(name)}><bdi>${name}</bdi></a>` },
    ...cells,
  ];
  return html`<${DataTable} caption=${t("compare.both")} columns=${columns} rows=${both} keyOf=${(name) => name} />`;
}

function Comparison({ first, second }) {
  const shares = [first, second].flatMap(({ statistics }) => statistics.speakers.map((row) => row.speakingShare));
  const scale = Math.max(...shares, 0);
  return html`<div class="comparison">
    <${SpeakerPatterns} />
    <${FiguresTable} first=${first} second=${second} />
    <${Obstacles} first=${first.statistics} second=${second.statistics} />
    <section aria-labelledby="speakers-heading">
      <h2 id="speakers-heading">${t("compare.by_speaker")}</h2>
      <div class="compare-pair">
        <${Speakers} side="first" debate=${first} scale=${scale} />
        <${Speakers} side="second" debate=${second} scale=${scale} />
      </div>
    </section>
    <${InBoth} first=${first} second=${second} />
    <p class="fine compare-note">${t("compare.note")}</p>
  </div>`;
}

/** Two debates side by side, each of which can be chosen here. */
export function ComparePage({ place }) {
  const { jobId, other } = place;
  useTitle(t("nav.compare"));
  const debates = [useDebate(jobId), useDebate(other)];
  const ready = ({ data }) => data?.statistics && isKnown(data.statistics);
  const [first, second] = debates;
  return html`
    <div class="page-head">
      <${PageHeading}>${t("compare.title")}<//>
      <p class="lead">${t("compare.lead")}</p>
      <${Choices} place=${place} debates=${debates} />
    </div>
    ${jobId && !ready(first) && html`<${Missing} title=${t("compare.side_first")} found=${first} />`}
    ${other && !ready(second) && html`<${Missing} title=${t("compare.side_second")} found=${second} />`}
    ${jobId && jobId === other && html`<${Notice} kind="info" title=${t("compare.same")} />`}
    ${debates.every(ready) && jobId !== other && html`<${Comparison} first=${first.data} second=${second.data} />`}
  `;
}

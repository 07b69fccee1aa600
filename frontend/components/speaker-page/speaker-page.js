import { useArchive } from "../../archive.js";
import { clock, date, duration, number, percent } from "../../format.js";
import { useTitle } from "../../hooks.js";
import { t } from "../../i18n/index.js";
import { appearances, isLabel, peopleOf, totalsOf } from "../../people.js";
import { HOME, debateHref, searchHref, speakerHref } from "../../router.js";
import { speakerName } from "../../speakers.js";
import { html, useMemo, useState } from "../../view.js";
import { ArchiveRest } from "../archive-rest/archive-rest.js";
import { DataTable } from "../data-table/data-table.js";
import { Nothing } from "../nothing/nothing.js";
import { Notice } from "../notice/notice.js";
import { PageHeading } from "../page-heading/page-heading.js";
import { Trend } from "../trend/trend.js";

const MOST = 100; // names that are listed at a time
const PER = 600; // s: debates of different lengths are compared by ten minutes of each

const or = (format) => (value) => (value == null ? t("table.unknown") : format(value));
const rate = (count, seconds) => (count == null || !seconds ? null : (count / seconds) * PER);

/** The figures of somebody in a debate, in the order of the drawings and of the table. */
const FIGURES = [
  ["speakingTime", ({ person }) => person.speakingTime, duration],
  ["speakingShare", ({ person }) => person.speakingShare, percent],
  ["words", ({ person }) => person.words, number],
  ["wordsPerMinute", ({ person }) => person.wordsPerMinute, number],
  ["overlapStarts", ({ person, debate }) => rate(person.overlapStarts, debate.duration), (value) => number(value, 1)],
];

function Lead({ children }) {
  return html`<p class="lead">${children}</p>`;
}

/** What a voice is called where nobody gave it a name, which says nothing across debates. */
function Label({ name }) {
  return html`
    <div class="page-head">
      <${PageHeading}>${speakerName(name)}<//>
      <${Lead}>${t("person.label")}<//>
      <p><a href=${HOME}>${t("person.label_way")}</a></p>
    </div>
  `;
}

function Nowhere({ name, archive }) {
  return html`<${Nothing} title=${t(archive.all ? "person.nowhere" : "archive.empty")}>
    <p>${t("person.nowhere_text")}</p>
    <p><a href=${searchHref("", { by: name })}>${t("person.search")}</a></p>
  <//>`;
}

function Sums({ found }) {
  const sums = totalsOf(found);
  const rows = [
    ["debates", number(sums.debates)],
    ["speakingTime", clock(Math.round(sums.speakingTime))],
    ["speakingShare", or(percent)(sums.speakingShare)],
    ["words", number(sums.words)],
    ["wordsPerMinute", or(number)(sums.wordsPerMinute)],
  ];
  return html`<dl class="sums">
    ${rows.map(
      ([name, text]) => html`<div key=${name}>
        <dt>${t(`person.${name}`)}</dt>
        <dd><data value=${sums[name] ?? ""}>${text}</data></dd>
      </div>`,
    )}
  </dl>`;
}

function Trends({ found }) {
  return html`<section class="trends" aria-labelledby="trends-heading">
    <h2 id="trends-heading">${t("person.trends")}</h2>
    <p class="fine">${t("person.trends_how")}</p>
    <div class="trends-grid">
      ${FIGURES.map(([name, value, format]) => {
        const points = found.map((each) => ({
          value: value(each),
          at: each.debate.createdAt,
          href: debateHref(each.debate.jobId),
          text: each.debate.videoLabel,
        }));
        return html`<${Trend} key=${name} title=${t(`person.${name}`)} points=${points} format=${format} />`;
      })}
    </div>
  </section>`;
}

function Debates({ found }) {
  const columns = [
    {
      name: t("person.debate"),
      cell: ({ debate }) => html`<a href=${debateHref(debate.jobId)}><bdi>${debate.videoLabel}</bdi></a>`,
    },
    {
      name: t("person.added"),
      cell: ({ debate }) => html`<time datetime=${debate.createdAt}>${date(debate.createdAt)}</time>`,
    },
    ...FIGURES.map(([name, value, format]) => ({
      name: t(`person.${name}`),
      numeric: true,
      cell: (each) => html`<data value=${value(each) ?? ""}>${or(format)(value(each))}</data>`,
    })),
  ];
  const newestFirst = [...found].reverse();
  return html`<${DataTable}
    caption=${t("person.table")}
    columns=${columns}
    rows=${newestFirst}
    keyOf=${({ debate }) => debate.jobId}
  />`;
}

function Person({ name, archive }) {
  const { debates, reading } = archive;
  const found = useMemo(() => appearances(debates, name), [debates, name]);
  if (!found.length && reading) return html`<p class="fine" role="status">${t("search.looking")}</p>`;
  if (!found.length) return html`<${Nowhere} name=${name} archive=${archive} />`;
  return html`<div class="person">
    <${Sums} found=${found} />
    <${Trends} found=${found} />
    <${Debates} found=${found} />
    <p><a href=${searchHref("", { by: name })}>${t("person.search")}</a></p>
    <p class="fine person-note">${t("person.note")}</p>
  </div>`;
}

/** Everybody with a name, to be looked up. */
function Directory({ archive }) {
  const [sought, setSought] = useState("");
  const everybody = useMemo(() => peopleOf(archive.debates), [archive.debates]);
  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const shown = everybody.filter(({ name }) => fold(name).includes(fold(sought.trim())));
  if (!everybody.length) {
    return html`<${Nothing} title=${t(archive.all ? "people.nobody" : "archive.empty")}>
      <p>${t("people.how")}</p>
    <//>`;
  }
  const columns = [
    { name: t("people.name"), cell: ({ name }) => html`<a href=${speakerHref(name)}><bdi>${name}</bdi></a>` },
    { name: t("person.debates"), numeric: true, cell: ({ debates }) => number(debates) },
    { name: t("person.speakingTime"), numeric: true, cell: (row) => clock(Math.round(row.speakingTime)) },
    { name: t("person.words"), numeric: true, cell: ({ words }) => number(words) },
    {
      name: t("people.last"),
      numeric: true,
      cell: ({ last }) => html`<time datetime=${last}>${date(last)}</time>`,
    },
  ];
  return html`<div class="person">
    <label class="people-find">
      <span>${t("people.find")}</span>
      <input type="search" value=${sought} autocomplete="off" onInput=${(event) => setSought(event.target.value)} />
    </label>
    <${DataTable}
      caption=${t("people.table")}
      columns=${columns}
      rows=${shown.slice(0, MOST)}
      keyOf=${({ name }) => name}
    />
    ${shown.length > MOST && html`<p class="fine">${t("people.more", { count: number(shown.length - MOST) })}</p>`}
    ${shown.length === 0 && html`<p role="status">${t("people.none")}</p>`}
  </div>`;
}

function Archived({ name, content: Content }) {
  const archive = useArchive();
  if (archive.error) return html`<${Notice} kind="error" title=${t("trouble.again")} />`;
  if (!archive.debates) return html`<p class="fine" role="status">${t("app.loading")}</p>`;
  return html`<${Content} name=${name} archive=${archive} />
    <${ArchiveRest} archive=${archive} />`;
}

/** Somebody in all published debates; without a name, everybody. */
export function SpeakerPage({ place }) {
  const { name } = place;
  useTitle(name ? speakerName(name) : t("nav.speaker"));
  if (isLabel(name)) return html`<${Label} name=${name} />`;
  return html`
    <div class="page-head">
      <${PageHeading}>${name ? html`<bdi>${name}</bdi>` : t("people.title")}<//>
      <${Lead}>${t(name ? "person.lead" : "people.how")}<//>
    </div>
    <${Archived} name=${name} content=${name ? Person : Directory} />
  `;
}

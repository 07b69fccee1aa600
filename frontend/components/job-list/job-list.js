import { announce } from "../../announce.js";
import { keepFocus } from "../../focus.js";
import { useTask, useTick } from "../../hooks.js";
import { t } from "../../i18n/index.js";
import { filter, isEnded, jobs, loadOlderJobs, lookFurther, setFilter, wanted } from "../../jobs.js";
import { askAgain } from "../../poll.js";
import { debateHref } from "../../router.js";
import { useStore } from "../../store.js";
import { isShownAsUpload, uploads } from "../../uploads.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../../view.js";
import { JobFacts } from "../job-facts/job-facts.js";
import { JobFilter } from "../job-filter/job-filter.js";
import { JobMenu } from "../job-menu/job-menu.js";
import { JobProblem } from "../job-problem/job-problem.js";
import { JobQuestions } from "../job-questions/job-questions.js";
import { JobStatus } from "../job-status/job-status.js";
import { Refusal } from "../refusal/refusal.js";

const SHOWN = 50; // rows at first, and more with each wish for more

function JobRow({ job }) {
  useTick(!isEnded(job));
  return html`<li class="job">
    <h3><a href=${debateHref(job.job_id)}><bdi>${job.title || job.filename}</bdi></a></h3>
    <${JobFacts} job=${job} />
    <${JobStatus} job=${job} />
    <${JobMenu} job=${job} />
    <${JobProblem} job=${job} />
  </li>`;
}

function Empty() {
  return html`<div class="empty">
    <p class="empty-title">${t("jobs.empty")}</p>
    <p>${t("jobs.empty_first")}</p>
    <p>${t("jobs.empty_demo")} <code>make demo</code></p>
  </div>`;
}

function NoneWanted() {
  return html`<p class="jobs-older">
    ${t("jobs.none")}
    <button type="button" class="button button-small" onClick=${() => setFilter({ phase: "", words: "" })}>
      ${t("jobs.show_all")}
    </button>
  </p>`;
}

/** The server lists none: it says why, or there is nothing where it should be. */
function Unlisted({ error }) {
  return html`<div class="jobs-older">
    <${Refusal} error=${error} />
    <button type="button" class="button button-small" onClick=${askAgain}>${t("trouble.ask_now")}</button>
  </div>`;
}

function Older({ label, onWish }) {
  const { busy, error, run } = useTask();
  return html`<div class="jobs-older">
    <button type="button" class="button" aria-disabled=${busy ? "true" : null} onClick=${() => run(onWish)}>
      ${label}
    </button>
    <${Refusal} error=${error} />
  </div>`;
}

/** How many of how many were found, and whether that is all there are. */
function outcome(rows, all, cursor) {
  return t(cursor ? "jobs.found_newest" : "jobs.found_all", { count: rows.length, of: all.length });
}

/** Rows come and go; whoever is at one that goes is taken to the next. */
function useFocusOfRows(list) {
  const restore = useRef();
  useEffect(() => jobs.subscribe(() => (restore.current = keepFocus(".job :is(h3 a, button)"))), []);
  useLayoutEffect(() => restore.current?.(), [list]);
}

const isListed = (job) => job.status !== "DELETED" && !isShownAsUpload(job);

export function JobList() {
  const { list, cursor, phase, error } = useStore(jobs);
  const chosen = useStore(filter);
  useStore(uploads); // decides which rows are shown
  const [shown, setShown] = useState(SHOWN);
  useEffect(() => setShown(SHOWN), [chosen]);
  useFocusOfRows(list);

  const all = list?.filter(isListed) ?? [];
  const rows = wanted(all, chosen);
  const searches = chosen.words.trim() !== "";
  const narrowed = searches || chosen.phase !== "";
  const answered = list !== null && phase === chosen.phase;
  const hasMore = rows.length > shown;

  async function onWish() {
    if (!hasMore && searches) {
      await lookFurther();
      const now = jobs.get();
      const known = now.list.filter(isListed);
      announce(outcome(wanted(known, filter.get()), known, now.cursor));
    } else if (!hasMore) {
      await loadOlderJobs();
    }
    setShown(shown + SHOWN);
  }

  return html`<section class="jobs" aria-labelledby="jobs-heading">
    <h2 id="jobs-heading">${t("jobs.title")}</h2>
    ${(all.length > 0 || narrowed) && html`<${JobFilter} />`}
    ${searches && answered && html`<p class="fine">${outcome(rows, all, cursor)}</p>`}
    ${error && error.status !== 401 && html`<${Unlisted} error=${error} />`}
    ${!answered && !error && rows.length === 0 && html`<p class="fine" role="status">${t("app.loading")}</p>`}
    ${answered && rows.length === 0 && (narrowed ? html`<${NoneWanted} />` : html`<${Empty} />`)}
    ${rows.length > 0 &&
    html`<ul class="job-rows">
      ${rows.slice(0, shown).map((job) => html`<${JobRow} key=${job.job_id} job=${job} />`)}
    </ul>`}
    ${(hasMore || (answered && cursor)) &&
    html`<${Older} label=${t(searches && !hasMore ? "jobs.look_further" : "jobs.older")} onWish=${onWish} />`}
    <${JobQuestions} />
  </section>`;
}

import { announce } from "../../announce.js";
import { searchDebates } from "../../api.js";
import { clock, date, number } from "../../format.js";
import { useTitle } from "../../hooks.js";
import { t } from "../../i18n/index.js";
import { poll } from "../../poll.js";
import { debateHref } from "../../router.js";
import { speakerName } from "../../speakers.js";
import { html, useEffect, useRef, useState } from "../../view.js";
import { Nothing } from "../nothing/nothing.js";
import { Notice } from "../notice/notice.js";
import { PageHeading } from "../page-heading/page-heading.js";
import { SearchForm } from "../search-form/search-form.js";

const HITS = 20; // that are looked for at a time

/** Hits by debate, in the order they come. */
function byDebate(hits) {
  const groups = [];
  for (const hit of hits) {
    if (groups.at(-1)?.[0].job_id === hit.job_id) groups.at(-1).push(hit);
    else groups.push([hit]);
  }
  return groups;
}

function Hit({ hit }) {
  const time = clock(hit.start);
  const speaker = speakerName(hit.speaker);
  return html`<li class="hit">
    <a
      class="hit-time"
      href=${debateHref(hit.job_id, hit.start, hit.end)}
      aria-label=${t("search.play", { time, speaker })}
      >${time}</a
    >
    <p><bdi class="hit-speaker">${speaker}</bdi></p>
    <p class="hit-words" dir="auto">
      ${hit.snippet.map(({ text, match }) => (match ? html`<mark>${text}</mark>` : text))}
    </p>
  </li>`;
}

function Debate({ hits }) {
  const [{ job_id: id, title, created_at: created }] = hits;
  return html`<section class="found" aria-labelledby=${`found-${id}`}>
    <header>
      <h3 id=${`found-${id}`}><a href=${debateHref(id)}><bdi>${title}</bdi></a></h3>
      <p class="fine"><time datetime=${created}>${date(created)}</time></p>
    </header>
    <ol>
      ${hits.map((hit, number) => html`<${Hit} key=${number} hit=${hit} />`)}
    </ol>
  </section>`;
}

function Refused({ error }) {
  if (error.status === 401) return html`<${Notice} kind="warning" title=${t("trouble.sign_in")} />`;
  const known = [400, 422].includes(error.status);
  return html`<${Notice} kind="warning" title=${t(known ? "search.refused" : "trouble.again")}>
    ${error.detail && html`<p lang="en">${error.detail}</p>`}
  <//>`;
}

/** How many there are, as far as was looked. */
function told({ hits, cursor }) {
  const count = hits.length;
  return t(cursor ? "search.so_far" : "search.found", { count, number: number(count) });
}

/**
 * Looks until there are as many hits as are wanted, or no more: a page of the server's may be short
 * or empty and yet not be the last. What was found is shown meanwhile.
 */
function useSearch(question) {
  const [found, setFound] = useState({ hits: [], cursor: undefined });
  const [wanted, setWanted] = useState(HITS);
  const [error, setError] = useState(null);
  useEffect(() => {
    let { hits, cursor } = found;
    let leaving = false;
    const looking = poll(
      async () => {
        const page = await searchDebates(question, cursor);
        if (leaving) return null;
        hits = [...hits, ...page.hits];
        cursor = page.next_cursor;
        setFound({ hits, cursor });
        if (cursor && hits.length < wanted) return 0;
        announce(told({ hits, cursor }));
        return null;
      },
      { onError: (problem) => problem.transient || setError(problem) },
    );
    return () => {
      leaving = true;
      looking.stop();
    };
  }, [wanted]);
  const { hits, cursor } = found;
  return {
    hits,
    error,
    looking: !error && cursor !== null && hits.length < wanted,
    found,
    more: () => setWanted(hits.length + HITS),
  };
}

function Results({ question }) {
  const { hits, error, looking, found, more } = useSearch(question);
  const place = useRef();
  const known = useRef(null); // how many there were when more were asked for
  const isEnd = found.cursor === null;

  // Whoever asks for more goes on with the first of them; the button may be gone.
  useEffect(() => {
    if (known.current === null || looking) return;
    const stops = [...place.current.querySelectorAll(".hit-time")];
    (stops[known.current] ?? stops.at(-1))?.focus();
    known.current = null;
  }, [looking]);

  function askForMore() {
    if (looking) return;
    known.current = hits.length;
    more();
  }

  return html`<section ref=${place} class="results" aria-labelledby="results-heading">
    <h2 id="results-heading" class="visually-hidden">${t("search.results")}</h2>
    ${hits.length > 0 && html`<p class="fine results-count">${told(found)}</p>`}
    ${byDebate(hits).map((group) => html`<${Debate} key=${group[0].job_id} hits=${group} />`)}
    ${isEnd &&
    hits.length === 0 &&
    html`<${Nothing} title=${t("search.nothing")}><p>${t("search.nothing_text")}</p><//>`}
    ${error && html`<${Refused} error=${error} />`}
    ${looking &&
    html`<div class="looking">
      <p class="fine">${t(found.cursor && hits.length === 0 ? "search.further" : "search.looking")}</p>
      <progress aria-label=${t("search.looking")}></progress>
    </div>`}
    ${!isEnd &&
    !error &&
    hits.length > 0 &&
    html`<p>
      <button type="button" class="button" aria-disabled=${looking || undefined} onClick=${askForMore}>
        ${t("search.more")}
      </button>
    </p>`}
  </section>`;
}

/** Where something was said, in all debates that one may read. */
export function SearchPage({ place }) {
  const { words, by, from, to } = place;
  const question = { words, by, from, to };
  const asked = JSON.stringify(question);
  useTitle(words || t("nav.search"));
  return html`
    <div class="page-head">
      <${PageHeading}>${t("search.title")}<//>
      <${SearchForm} question=${question} />
    </div>
    ${words.trim() && html`<${Results} key=${asked} question=${question} />`}
  `;
}

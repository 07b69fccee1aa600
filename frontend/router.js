/**
 * Where we are, read from the query string:
 *
 *     ?                                          home
 *     ?job=<id>&t=<seconds>&to=<seconds>         a debate, at a moment or a clip of it
 *     ?share=<id>&t=…                            one that somebody gave a link to
 *     ?search=<words>&by=<speaker>&from=&to=     what was said in all debates
 *     ?speaker=<name>                            somebody in all debates
 *     ?compare=<id>&with=<id>                    two debates side by side
 *     ?failures                                  what was given up
 *
 * The query and not the path, because every address is then the same static file on any host;
 * not the fragment, because that stays free for links within a page.
 */
import { linkOf, linked } from "./links.js";
import { createStore } from "./store.js";

export const HOME = "./";
export const FAILURES = "?failures";

/** `?` and the values that are there. */
function address(values) {
  const given = Object.entries(values).filter(([, value]) => value != null);
  return `?${new URLSearchParams(given)}`;
}

const tenths = (seconds) => (seconds == null ? null : String(Math.round(seconds * 10) / 10));

/** A debate; at a moment; or a clip of it, which ends. Times in seconds. */
export function debateHref(jobId, seconds, end) {
  const link = linkOf(jobId);
  return address({ ...(link ? { share: link } : { job: jobId }), t: tenths(seconds), to: tenths(end) });
}

/** `{by, from, to}`: a speaker's name, the first and the last day. */
export const searchHref = (words = "", { by, from, to } = {}) =>
  address({ search: words, by: by || null, from: from || null, to: to || null });

export const speakerHref = (name) => address({ speaker: name });

export const compareHref = (jobId, other) => address({ compare: jobId, with: other || null });

function seconds(text) {
  const found = Number.parseFloat(text);
  return found >= 0 ? found : null;
}

/** `{page, …}`; of a debate `{page: "debate", jobId, time, end}`, times null where there are none. */
export function parseRoute(search) {
  const query = new URLSearchParams(search);
  if (query.has("failures")) return { page: "failures" };
  if (query.has("search")) {
    const [words, by, from, to] = ["search", "by", "from", "to"].map((name) => query.get(name) ?? "");
    return { page: "search", words, by, from, to };
  }
  if (query.has("speaker")) return { page: "speaker", name: query.get("speaker") };
  if (query.has("compare")) return { page: "compare", jobId: query.get("compare"), other: query.get("with") };
  const link = query.get("share");
  const jobId = link ? linked(link) : query.get("job");
  if (!jobId) return { page: "home" };
  const time = seconds(query.get("t"));
  const end = seconds(query.get("to"));
  return { page: "debate", jobId, time, end: end > time ? end : null };
}

export const route = createStore(parseRoute(location.search));

let navigated = false;
let followed = false;

/** Whether this page came by a link within the app: its heading then takes the focus. */
export const hasNavigated = () => navigated;

/** Whether by a link that was followed just now, and not by going back: its moment is then played. */
export const hasFollowed = () => followed;

/** What makes a route another page: a moment of the same debate does not, nor do other words to search or
 * another debate to compare with. */
export function pageKey({ page, jobId, name }) {
  return [page, page !== "compare" && jobId, name].filter(Boolean).join(" ");
}

function readAddress() {
  const before = route.get();
  const next = parseRoute(location.search);
  if (JSON.stringify(next) === JSON.stringify(before)) return;
  if (pageKey(next) !== pageKey(before)) {
    navigated = true;
    document.activeElement?.blur();
  }
  route.set(next);
}

export function navigate(href) {
  history.pushState(null, "", href);
  followed = true;
  readAddress();
  scrollTo(0, 0);
}

/** Puts the moment or clip in the address, so that it can be copied, without a step in the history. */
export function rememberMoment(jobId, start, end) {
  history.replaceState(null, "", debateHref(jobId, start, end));
}

function onClick(event) {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest?.("a[href]");
  if (!link || link.hasAttribute("target") || link.hasAttribute("download")) return;
  const url = new URL(link.getAttribute("href"), location); // in a drawing, link.href is no text
  if (url.origin !== location.origin || url.pathname !== location.pathname || url.hash) return;
  event.preventDefault();
  navigate(url.href);
}

export function startRouter() {
  addEventListener("popstate", () => {
    followed = false;
    readAddress();
  });
  document.addEventListener("click", onClick);
}

/**
 * Where we are, read from the query string: `?` is home, `?job=<id>&t=<seconds>` a debate.
 *
 * The query and not the path, because every address is then the same static file on any host;
 * not the fragment, because that stays free for links within a page.
 */
import { createStore } from "./store.js";

export const HOME = "./";

export function debateHref(jobId, seconds) {
  const query = new URLSearchParams({ job: jobId });
  if (seconds != null) query.set("t", String(Math.round(seconds * 10) / 10));
  return `?${query}`;
}

/** `{page: "home"}` or `{page: "debate", jobId, time}`; time is null without a moment. */
export function parseRoute(search) {
  const query = new URLSearchParams(search);
  const jobId = query.get("job");
  if (!jobId) return { page: "home" };
  const time = Number.parseFloat(query.get("t"));
  return { page: "debate", jobId, time: time >= 0 ? time : null };
}

export const route = createStore(parseRoute(location.search));

let navigated = false;

/** Whether this page came by a link within the app: its heading then takes the focus. */
export const hasNavigated = () => navigated;

/** What makes a route another page: a moment of the same debate does not. */
export const pageKey = ({ page, jobId }) => jobId ?? page;

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
  readAddress();
  scrollTo(0, 0);
}

/** Puts the moment in the address, so that it can be copied, without a step in the history. */
export function rememberMoment(jobId, seconds) {
  history.replaceState(null, "", debateHref(jobId, seconds));
}

function onClick(event) {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest?.("a[href]");
  if (!link || link.target || link.hasAttribute("download")) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || url.pathname !== location.pathname || url.hash) return;
  event.preventDefault();
  navigate(url.href);
}

export function startRouter() {
  addEventListener("popstate", readAddress);
  document.addEventListener("click", onClick);
}

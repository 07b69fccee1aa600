/**
 * The pages. Each is loaded when somebody goes there, its files side by side: which they are is
 * told by `files.js`, which `python -m tests.frontend.test_static` writes.
 */
import { ApiError } from "./api.js";
import { FILES } from "./files.js";
import { loadSentences } from "./i18n/index.js";

const PAGES = {
  home: async () => (await import("./components/home-page/home-page.js")).HomePage,
  debate: async () => (await import("./components/debate-page/debate-page.js")).DebatePage,
  search: async () => (await import("./components/search-page/search-page.js")).SearchPage,
  speaker: async () => (await import("./components/speaker-page/speaker-page.js")).SpeakerPage,
  compare: async () => (await import("./components/compare-page/compare-page.js")).ComparePage,
  failures: async () => (await import("./components/failures/failures.js")).FailuresPage,
  // Parts of pages, for those who need them:
  editing: async () => await import("./components/editing/editing.js"),
  dialogs: async () => (await import("./components/job-dialogs/job-dialogs.js")).JobDialogs,
  uploads: async () => (await import("./components/upload-rows/upload-rows.js")).UploadRows,
  recorder: async () => (await import("./components/recorder/recorder.js")).Recorder,
};

/** How many files of a language the page needs, where it is not all three. */
const SENTENCES = { home: 1, debate: 2, dialogs: 2, editing: 2 };

function link(rel, href) {
  const element = Object.assign(document.createElement("link"), { rel, href });
  document.head.append(element);
  return element;
}

/** A page without its style would be seen: it waits for all of them, or goes without those that are lost. */
function style(href) {
  if (document.querySelector(`link[rel="stylesheet"][href="${CSS.escape(href)}"]`)) return null;
  const element = link("stylesheet", href);
  return new Promise((resolve) => {
    element.onload = resolve;
    element.onerror = resolve;
  });
}

const loading = new Map();

async function load(name) {
  const { styles, modules } = FILES[name];
  for (const href of modules) link("modulepreload", href);
  try {
    const [page] = await Promise.all([PAGES[name](), loadSentences(SENTENCES[name] ?? 3), ...styles.map(style)]);
    return page;
  } catch (error) {
    if (error instanceof TypeError) throw new ApiError("unreachable"); // a module did not come
    throw error;
  }
}

/** The component of the page with this name, which is given the route as its `place`. Rejects with ApiError. */
export function loadPage(name) {
  if (!loading.has(name)) {
    const page = load(name);
    page.catch(() => loading.delete(name)); // a connection that was lost may be back
    loading.set(name, page);
  }
  return loading.get(name);
}

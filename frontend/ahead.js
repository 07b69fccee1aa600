/** What begins while the frame around the page is still on its way: `main.js` waits for both. */
import { enter } from "./account.js";
import { expectDebate } from "./api.js";
import { preferredLocale, setLocale } from "./i18n/index.js";
import { loadPage } from "./pages.js";
import { parseRoute, route } from "./router.js";

const entered = enter();
route.set(parseRoute(location.search)); // where we were before we signed in
const { page, jobId } = route.get();
if (page === "debate") entered.then(() => expectDebate(jobId)).catch(() => {}); // told by the page

// What fails to load is told by the App, which asks once more.
export const begun = Promise.allSettled([entered, setLocale(preferredLocale()), loadPage(page)]);

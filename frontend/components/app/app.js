import { announcement } from "../../announce.js";
import { locale, t } from "../../i18n/index.js";
import { HOME, pageKey, route } from "../../router.js";
import { useStore } from "../../store.js";
import { html, useErrorBoundary } from "../../view.js";
import { Banner } from "../banner/banner.js";
import { DebatePage } from "../debate-page/debate-page.js";
import { HomePage } from "../home-page/home-page.js";
import { Notice } from "../notice/notice.js";
import { PageHeader } from "../page-header/page-header.js";

function LiveRegion() {
  const sentence = useStore(announcement);
  return html`<p class="visually-hidden" role="status">${sentence}</p>`;
}

function Page({ place }) {
  const [error] = useErrorBoundary(reportError);
  if (error) {
    return html`<${Notice} kind="error" title=${t("broken.title")}>
      <p>${t("broken.text")} <a href=${HOME}>${t("debate.all")}</a></p>
    <//>`;
  }
  if (place.page === "debate") {
    return html`<${DebatePage} jobId=${place.jobId} time=${place.time} />`;
  }
  return html`<${HomePage} />`;
}

/** Moves the focus, and leaves the address as it is: it may be copied, and gone back to. */
function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

export function App() {
  const place = useStore(route);
  useStore(locale); // every sentence below depends on it
  return html`
    <a class="skip-link" href="#main" onClick=${skip}>${t("app.skip")}</a>
    <${PageHeader} />
    <${Banner} />
    <main id="main" tabindex="-1"><${Page} key=${pageKey(place)} place=${place} /></main>
    <footer class="page-footer"><p>${t("app.footer")}</p></footer>
    <${LiveRegion} />
  `;
}

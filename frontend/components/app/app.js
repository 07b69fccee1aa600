import { announcement } from "../../announce.js";
import { usePart } from "../../hooks.js";
import { locale, t } from "../../i18n/index.js";
import { trouble } from "../../poll.js";
import { HOME, pageKey, route } from "../../router.js";
import { useStore } from "../../store.js";
import { html, useErrorBoundary } from "../../view.js";
import { Banner } from "../banner/banner.js";
import { LiveSign } from "../live-sign/live-sign.js";
import { Notice } from "../notice/notice.js";
import { PageHeader } from "../page-header/page-header.js";

function LiveRegion() {
  const sentence = useStore(announcement);
  return html`<p class="visually-hidden" role="status">${sentence}</p>`;
}

function Page({ place, component: Content }) {
  const [error] = useErrorBoundary((error) => reportError(error));
  if (error) {
    return html`<${Notice} kind="error" title=${t("broken.title")}>
      <p>${t("broken.text")} <a href=${HOME}>${t("debate.all")}</a></p>
    <//>`;
  }
  return html`<${Content} place=${place} />`;
}

/** It is tried again, but some browsers keep a module that did not come for lost until a reload. */
function NotLoaded() {
  return html`<${Notice} kind="error" title=${t("broken.not_loaded")}>
    <button type="button" class="button" onClick=${() => location.reload()}>${t("broken.load_again")}</button>
  <//>`;
}

/** Moves the focus, and leaves the address as it is: it may be copied, and gone back to. */
function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

export function App() {
  const place = useStore(route);
  const content = usePart(place.page);
  const lost = useStore(trouble);
  useStore(locale); // every sentence below depends on it
  return html`
    <a class="skip-link" href="#main" onClick=${skip}>${t("app.skip")}</a>
    <${PageHeader} />
    <${Banner} />
    <main id="main" tabindex="-1">
      ${content && html`<${Page} key=${pageKey(place)} place=${place} component=${content} />`}
      ${!content && lost && html`<${NotLoaded} />`}
    </main>
    <${LiveSign} />
    <footer class="page-footer"><p>${t("app.footer")}</p></footer>
    <${LiveRegion} />
  `;
}

import { LOCALES, chooseLocale, locale, t } from "../../i18n/index.js";
import { HOME, compareHref, route, searchHref, speakerHref } from "../../router.js";
import { THEMES, setTheme, theme } from "../../settings.js";
import { useStore } from "../../store.js";
import { html } from "../../view.js";
import { Account } from "../account/account.js";

function Choice({ label, value, options, onChoose }) {
  return html`<label class="choice">
    <span class="visually-hidden">${label}</span>
    <select value=${value} onChange=${(event) => onChoose(event.target.value)}>
      ${options.map(([id, name]) => html`<option value=${id} selected=${id === value}>${name}</option>`)}
    </select>
  </label>`;
}

/** The pages that one goes to by name; the address of each is the same whoever is there. */
const PLACES = [
  ["home", HOME],
  ["search", searchHref()],
  ["speaker", speakerHref("")],
  ["compare", compareHref("")],
];

function Places() {
  const { page } = useStore(route);
  return html`<nav class="places" aria-label=${t("nav.label")}>
    <ul>
      ${PLACES.map(
        ([name, href]) => html`<li key=${name}>
          <a href=${href} aria-current=${page === name ? "page" : undefined}>${t(`nav.${name}`)}</a>
        </li>`,
      )}
    </ul>
  </nav>`;
}

export function PageHeader() {
  const chosenTheme = useStore(theme);
  const chosenLocale = useStore(locale);
  return html`<header class="page-header">
    <a class="wordmark" href=${HOME}>
      <svg class="wordmark-sign" viewBox="0 0 24 24" aria-hidden="true">
        <path d="M3 5h18v4H3zM3 11h11v4H3zM3 17h6v4H3z" />
      </svg>
      ${t("app.name")}
    </a>
    <${Places} />
    <div class="choices">
      <${Choice}
        label=${t("app.theme")}
        value=${chosenTheme}
        options=${THEMES.map((name) => [name, t(`theme.${name}`)])}
        onChoose=${setTheme}
      />
      <${Choice}
        label=${t("app.language")}
        value=${chosenLocale}
        options=${Object.entries(LOCALES)}
        onChoose=${chooseLocale}
      />
    </div>
    <${Account} />
  </header>`;
}

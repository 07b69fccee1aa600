import { t } from "../../i18n/index.js";
import { navigate, searchHref } from "../../router.js";
import { html, useEffect, useId, useRef, useState } from "../../view.js";

/** Asks when it is sent, and not with every key: what is asked stands in the address. */
function ask(event) {
  event.preventDefault();
  const { words, by, from, to } = Object.fromEntries(new FormData(event.currentTarget));
  navigate(searchHref(words.trim(), { by: by?.trim(), from, to }));
}

function Words({ id, hint }) {
  return html`<input
    id=${id}
    class="search-words"
    type="search"
    name="words"
    required
    maxlength="1000"
    enterkeyhint="search"
    autocomplete="off"
    aria-describedby=${hint}
  />`;
}

/** Words alone: a way to the page with everything else. */
export function SearchField() {
  const id = useId();
  return html`<form class="search-form" role="search" onSubmit=${ask}>
    <label for=${id}>${t("search.field")}</label>
    <div class="search-line">
      <${Words} id=${id} />
      <button class="button">${t("search.go")}</button>
    </div>
  </form>`;
}

/** `question`: what the address asks, `{words, by, from, to}`. */
export function SearchForm({ question }) {
  const [days, setDays] = useState(question);
  const form = useRef();
  const id = useId();

  // What is typed is the browser's, until another address is gone to.
  useEffect(() => {
    for (const [name, value] of Object.entries(question)) form.current.elements[name].value = value;
    setDays(question);
  }, [JSON.stringify(question)]);

  const day = (name) => html`<label class="search-day">
    <span>${t(`search.${name}`)}</span>
    <input
      type="date"
      name=${name}
      min=${name === "to" ? days.from : undefined}
      max=${name === "from" ? days.to : undefined}
      onInput=${(event) => setDays({ ...days, [name]: event.target.value })}
    />
  </label>`;
  return html`<form ref=${form} class="search-form" role="search" onSubmit=${ask}>
    <label for=${id}>${t("search.words")}</label>
    <div class="search-line">
      <${Words} id=${id} hint=${`${id}-hint`} />
      <button class="button button-main">${t("search.go")}</button>
    </div>
    <p class="fine" id=${`${id}-hint`}>${t("search.hint")}</p>
    <div class="search-line search-narrow">
      <label>
        <span>${t("search.by")}</span>
        <input type="text" name="by" maxlength="200" autocomplete="off" />
      </label>
      ${day("from")} ${day("to")}
    </div>
  </form>`;
}

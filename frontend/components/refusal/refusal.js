import { has, locale, t } from "../../i18n/index.js";
import { html } from "../../view.js";

/**
 * A sentence of the server, which speaks English: in the reader's language where we have one for its
 * code. In English it is shown as it came, since it may say more.
 */
export function ServerSentence({ code, sentence }) {
  const key = `error.${code}`;
  if (locale.get() !== "en" && has(key)) return html`<span>${t(key)}</span>`;
  return html`<bdi lang="en">${sentence}</bdi>`;
}

/** Why something could not be done, and what to do; `error` is an ApiError, or null while all is well. */
export function Refusal({ error }) {
  return html`<div role="alert">${error && html`<p class="problem">${words(error)}</p>`}</div>`;
}

function words(error) {
  if (error.status === 401) return t("trouble.sign_in");
  if (error.detail) return html`<${ServerSentence} code=${error.code} sentence=${error.detail} />`;
  return error.code === "unreachable" ? t("trouble.not_sent") : t("trouble.again");
}

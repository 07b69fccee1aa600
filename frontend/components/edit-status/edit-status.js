import { sentenceOf } from "../../sentences.js";
import { t } from "../../i18n/index.js";
import { html } from "../../view.js";
import { Notice } from "../notice/notice.js";

const SHOWN = 5;

function Changes({ operations, about }) {
  const more = operations.length - SHOWN;
  return html`<ul class="edit-changes">
    ${operations.slice(0, SHOWN).map((operation, n) => html`<li key=${n} dir="auto">${sentenceOf(operation, about)}</li>`)}
    ${more > 0 && html`<li>${t("edits.more", { count: more })}</li>`}
  </ul>`;
}

const Button = ({ main, onClick, children }) =>
  html`<button type="button" class=${main ? "button button-small button-main" : "button button-small"} onClick=${onClick}>
    ${children}
  </button>`;

/** What stands between what was said here and the server; nothing while all is well. */
export function EditStatus({ desk, edits, about }) {
  const { phase, unsent, news, error } = edits;
  const mine = unsent.flatMap((batch) => batch.operations);
  const drop = html`<${Button} onClick=${desk.drop}>${t("edits.drop")}<//>`;
  if (phase === "conflict") {
    return html`<div role="alert"><${Notice} kind="warning" title=${t("edits.conflict")}>
      <${Changes} operations=${news.map((entry) => entry.operation)} about=${about} />
      <p>${t("edits.mine")}</p>
      <${Changes} operations=${mine} about=${about} />
      <p class="edit-choices"><${Button} main onClick=${desk.retry}>${t("edits.on_top")}<//>${drop}</p>
    <//></div>`;
  }
  if (phase === "refused") {
    return html`<div role="alert"><${Notice} kind="error" title=${t("edits.refused")}>
      <p lang="en">${error.detail}</p>
      <${Changes} operations=${mine} about=${about} />
      <p class="edit-choices"><${Button} onClick=${desk.retry}>${t("edits.retry")}<//>${drop}</p>
    <//></div>`;
  }
  if (phase === "waiting") {
    return html`<div role="status"><${Notice} kind="warning" title=${t("edits.unsent", { count: mine.length })}>
      <${Changes} operations=${mine} about=${about} />
      <p class="edit-choices"><${Button} onClick=${desk.retry}>${t("edits.retry")}<//>${drop}</p>
    <//></div>`;
  }
  if (news.length) {
    return html`<div role="status"><${Notice} title=${t("edits.news")}>
      <${Changes} operations=${news.map((entry) => entry.operation)} about=${about} />
      <p class="edit-choices"><${Button} onClick=${desk.dismiss}>${t("edits.dismiss")}<//></p>
    <//></div>`;
  }
  return null;
}

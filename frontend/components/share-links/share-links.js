import { announce } from "../../announce.js";
import { listShares, makeShare, revokeShare } from "../../api.js";
import { keepFocus } from "../../focus.js";
import { dateTime } from "../../format.js";
import { useTask } from "../../hooks.js";
import { t } from "../../i18n/index.js";
import { linked } from "../../links.js";
import { useResource } from "../../poll.js";
import { debateHref } from "../../router.js";
import { html, useLayoutEffect, useRef, useState } from "../../view.js";
import { Refusal } from "../refusal/refusal.js";
import { SureButton } from "../sure-button/sure-button.js";

const addressOf = (share) => new URL(debateHref(linked(share.share_id)), location.href).href;

function Share({ share, busy, onRevoke }) {
  const field = useRef();
  const [copied, setCopied] = useState(false);
  const made = dateTime(share.created_at);

  async function copy() {
    field.current.select();
    try {
      await navigator.clipboard.writeText(addressOf(share));
    } catch {
      return; // not allowed here: it is selected, and a key copies it
    }
    setCopied(true);
    announce(t("share.copied"));
  }

  return html`<li class="share">
    <input
      ref=${field}
      type="text"
      readonly
      value=${addressOf(share)}
      aria-label=${t("share.link", { date: made })}
      onFocus=${(event) => event.target.select()}
    />
    <button type="button" class="button button-small" onClick=${copy}>
      ${copied ? t("share.copied") : t("share.copy")}
    </button>
    <${SureButton} label=${t("share.revoke")} sure=${t("share.revoke_sure")} busy=${busy} onSure=${onRevoke} />
    <p class="fine">
      ${t("share.made", { date: made })}${" "}
      ${share.expires_at && t("share.expires", { date: dateTime(share.expires_at) })}
    </p>
  </li>`;
}

/** The links that lead whoever has one to this debate, to read and nothing else. */
export function ShareLinks({ jobId }) {
  const [round, setRound] = useState(0);
  const { data, error: unlisted } = useResource(() => listShares(jobId), `${jobId} ${round}`);
  const { busy, error, run } = useTask();
  const key = useRef();
  const restoreFocus = useRef();
  useLayoutEffect(() => restoreFocus.current?.(), [data]);

  const make = async () => {
    key.current ??= crypto.randomUUID(); // until it is known to be made: an answer may be lost
    await makeShare(jobId, key.current);
    key.current = null;
    setRound((count) => count + 1);
    announce(t("share.made_one"));
  };
  const revoke = async (share) => {
    await revokeShare(jobId, share.share_id).catch((problem) => {
      if (problem.status !== 404) throw problem; // revoked already
    });
    restoreFocus.current = keepFocus(".share-links :is(input, button)");
    setRound((count) => count + 1);
    announce(t("share.revoked"));
  };

  return html`<div class="share-links">
    <p>${t("share.why")}</p>
    ${!data && !unlisted && html`<p class="fine">${t("app.loading")}</p>`}
    ${data?.shares.length > 0 &&
    html`<ul class="shares">
      ${data.shares.map(
        (share) => html`<${Share} key=${share.share_id} share=${share} busy=${busy} onRevoke=${() => run(() => revoke(share))} />`,
      )}
    </ul>`}
    <${Refusal} error=${error ?? unlisted} />
    ${!unlisted &&
    html`<p>
      <button type="button" class="button" aria-disabled=${busy ? "true" : null} onClick=${() => run(make)}>
        ${t("share.make")}
      </button>
    </p>`}
  </div>`;
}

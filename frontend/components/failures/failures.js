import { dropLetters, listFailures, listLetters, replayLetters } from "../../api.js";
import { announce } from "../../announce.js";
import { keepFocus } from "../../focus.js";
import { dateTime } from "../../format.js";
import { useTitle } from "../../hooks.js";
import { has, t } from "../../i18n/index.js";
import { poll } from "../../poll.js";
import { debateHref } from "../../router.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../../view.js";
import { Notice } from "../notice/notice.js";
import { PageHeading } from "../page-heading/page-heading.js";
import { SureButton } from "../sure-button/sure-button.js";

/** What may take the focus of a letter that has gone. */
const STOPS = "h1, .failures-queue, .letter";

function queueName(queue) {
  const name = queue.replace("-", "_");
  return has(`queue.${name}`) ? t(`queue.${name}`) : queue;
}

/** While something is under way it does nothing, and is not disabled: that would cost the focus. */
function Action({ kind, busy, about, onClick, children }) {
  return html`<button
    type="button"
    class=${`button ${kind}`}
    aria-disabled=${busy ? "true" : null}
    aria-describedby=${about}
    onClick=${() => busy || onClick()}
  >
    ${children}
  </button>`;
}

function Attempts({ letter }) {
  return html`<details>
    <summary>${t("failures.history", { count: letter.attempts.length })}</summary>
    <ol class="letter-attempts">
      ${letter.attempts.map(
        (attempt, number) => html`<li key=${number}>
          <time datetime=${attempt.at}>${dateTime(attempt.at)}</time>
          <bdi lang="en">${attempt.code}: ${attempt.message}</bdi>
        </li>`,
      )}
    </ol>
    <pre class="letter-body" tabindex="0" role="group" aria-label=${t("failures.body")}>${letter.body}</pre>
    ${letter.is_cut && html`<p class="fine">${t("failures.cut")} <code>debate failures show</code></p>`}
  </details>`;
}

function Letter({ letter, busy, act }) {
  const { queue, letter_id: id, reason } = letter;
  const heading = `letter-${id}`;
  return html`<li class="letter" tabindex="-1" aria-labelledby=${heading}>
    <h3 id=${heading} lang="en"><code>${reason.code}</code></h3>
    <p class="letter-reason" lang="en"><bdi>${reason.message}</bdi></p>
    <p class="fine letter-facts">
      <span>${t("failures.sent")} <time datetime=${letter.sent_at}>${dateTime(letter.sent_at)}</time></span>
      ${letter.job_status === "DELETED" && html`<span>${t("failures.deleted")}</span>`}
      ${letter.job_status &&
      letter.job_status !== "DELETED" &&
      html`<a href=${debateHref(letter.job_id)}>${t("failures.debate")}</a>`}
    </p>
    <${Attempts} letter=${letter} />
    <p class="letter-actions">
      <${Action} kind="button-small" busy=${busy} about=${heading} onClick=${() => act(() => replayLetters(queue, id))}>
        ${t("failures.replay")}
      <//>
      <${SureButton}
        label=${t("failures.drop")}
        sure=${t("failures.drop_sure")}
        busy=${busy}
        aria-describedby=${heading}
        onSure=${() => act(() => dropLetters(queue, id))}
      />
    </p>
  </li>`;
}

function Queue({ queue, count, letters, busy, act }) {
  const heading = `failures-${queue}`;
  return html`<section class="failures-queue" tabindex="-1" aria-labelledby=${heading}>
    <h2 id=${heading}>${queueName(queue)}</h2>
    <p class="letter-actions">
      <span class="fine">${t("failures.count", { count })}</span>
      <${Action} kind="button-small" busy=${busy} about=${heading} onClick=${() => act(() => replayLetters(queue))}>
        ${t("failures.replay_all")}
      <//>
      <${SureButton}
        label=${t("failures.drop_all")}
        sure=${t("failures.drop_sure")}
        busy=${busy}
        aria-describedby=${heading}
        onSure=${() => act(() => dropLetters(queue))}
      />
    </p>
    <ul class="letters">
      ${letters.map((letter) => html`<${Letter} key=${letter.letter_id} letter=${letter} busy=${busy} act=${act} />`)}
    </ul>
  </section>`;
}

/** Queues with letters, and some of each one's; empty lists for whoever runs nothing. */
async function load() {
  const { queues } = await listFailures();
  const full = queues.filter((each) => each.letters > 0);
  const lists = await Promise.all(full.map((each) => listLetters(each.queue)));
  return { queues, full: full.map((each, n) => ({ ...each, shown: lists[n].letters })) };
}

function outcome({ replayed, gone, kept, dropped }) {
  if (dropped != null) return t("failures.dropped", { count: dropped });
  const kinds = { replayed, gone, kept };
  const said = Object.entries(kinds).filter(([, count]) => count > 0);
  return said.map(([kind, count]) => t(`failures.${kind}`, { count })).join(" ");
}

/** The dead letters of every queue, for those who run this. */
export function FailuresPage() {
  useTitle(t("failures.title"));
  const [found, setFound] = useState(null);
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const restoreFocus = useRef();

  async function look() {
    const next = await load();
    restoreFocus.current = keepFocus(STOPS);
    setFound(next);
    setProblem(null);
  }

  async function lookAgain() {
    await look();
    announce(t("failures.looked"));
  }

  async function attempt(task) {
    setBusy(true);
    try {
      await task();
    } catch (error) {
      if (!("code" in error)) throw error;
      setProblem(error);
    } finally {
      setBusy(false);
    }
  }

  const act = (task) =>
    attempt(async () => {
      const sentence = outcome(await task());
      await look();
      announce(sentence);
    });

  useEffect(() => {
    const finding = poll(async () => (await look(), null), { onError: (error) => error.transient || setProblem(error) });
    return finding.stop;
  }, []);
  useLayoutEffect(() => restoreFocus.current?.(), [found]);

  return html`
    <div class="hero">
      <${PageHeading}>${t("failures.title")}<//>
      <p class="lead">${t("failures.lead")}</p>
      <p>
        <${Action} kind="" busy=${busy} onClick=${() => attempt(lookAgain)}>${t("failures.again")}<//>
      </p>
    </div>
    ${problem &&
    html`<div role="alert">
      <${Notice} kind="error"><p lang=${problem.detail ? "en" : null}>${problem.detail || t("trouble.again")}</p><//>
    </div>`}
    ${!found && !problem && html`<p class="fine" role="status">${t("app.loading")}</p>`}
    ${found?.queues.length === 0 && html`<${Notice} kind="info"><p>${t("failures.not_yours")}</p><//>`}
    ${found?.queues.length > 0 && found.full.length === 0 && html`<p>${t("failures.none")}</p>`}
    ${found?.full.map(
      ({ queue, letters, shown }) => html`<${Queue}
        key=${queue}
        queue=${queue}
        count=${letters}
        letters=${shown}
        busy=${busy}
        act=${act}
      />`,
    )}
  `;
}

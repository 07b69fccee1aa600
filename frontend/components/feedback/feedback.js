import { dropFeedback, getFeedback, putFeedback } from "../../api.js";
import { useTask } from "../../hooks.js";
import { t } from "../../i18n/index.js";
import { useResource } from "../../poll.js";
import { readSetting, removeSetting, saveSetting } from "../../settings.js";
import { html, useEffect, useState } from "../../view.js";
import { Refusal } from "../refusal/refusal.js";

const LONGEST = 1000;

/** Whether it was of use, and why. What was said is asked for where it was said in this browser. */
export function FeedbackMark({ jobId }) {
  const [mark, setMark] = useState(null);
  const [comment, setComment] = useState("");
  const { busy, error, run } = useTask();
  const known = `feedback.${jobId}`;
  const [wasSaid] = useState(() => Boolean(readSetting(known)));
  const before = useResource(async () => ({ mark: await getFeedback(jobId) }), wasSaid ? jobId : null);

  useEffect(() => {
    if (mark || !before.data?.mark) return; // what is said by now is newer
    setMark(before.data.mark);
    setComment(before.data.mark.comment ?? "");
  }, [before.data]);

  const say = (useful) =>
    run(async () => {
      const said = comment.trim();
      setMark(await putFeedback(jobId, { useful, ...(said && { comment: said }) }));
      saveSetting(known, "said");
    });

  const takeBack = () =>
    run(async () => {
      await dropFeedback(jobId);
      removeSetting(known);
      setMark(null);
      setComment("");
    });

  const isSaved = mark && !error && comment.trim() === (mark.comment ?? "").trim();

  const choice = (useful, key) => html`<button
    type="button"
    class="button button-quiet"
    aria-pressed=${String(mark?.useful === useful)}
    aria-disabled=${busy ? "true" : null}
    onClick=${() => say(useful)}
  >
    ${t(key)}
  </button>`;

  function onSubmit(event) {
    event.preventDefault();
    say(mark.useful);
  }

  return html`<section class="feedback" aria-labelledby="feedback-heading">
    <h2 id="feedback-heading" class="quiet-heading">${t("feedback.title")}</h2>
    <div class="feedback-choice">
      ${choice(true, "feedback.yes")} ${choice(false, "feedback.no")}
      <span class="fine" role="status">${isSaved ? t("feedback.thanks") : ""}</span>
    </div>
    ${mark &&
    html`<form class="feedback-why" onSubmit=${onSubmit}>
      <label>
        ${t("feedback.why")}
        <textarea
          rows="2"
          dir="auto"
          maxlength=${LONGEST}
          value=${comment}
          onInput=${(event) => setComment(event.target.value)}
        />
      </label>
      <p class="feedback-choice">
        <button type="submit" class="button button-quiet">${t("feedback.send")}</button>
        <button type="button" class="button button-quiet" onClick=${takeBack}>${t("feedback.take_back")}</button>
      </p>
    </form>`}
    <${Refusal} error=${error ?? (!mark && before.error)} />
  </section>`;
}

import { announce } from "../../announce.js";
import { changeJob, deleteJob, retryJob } from "../../api.js";
import { asked, choose, hasRecording, settle, stageToRepeat } from "../../desk.js";
import { languageName } from "../../format.js";
import { useTask } from "../../hooks.js";
import { t } from "../../i18n/index.js";
import { dropJob, hasTranscript } from "../../jobs.js";
import { LANGUAGES } from "../../languages.js";
import { HOME, navigate, route } from "../../router.js";
import { useStore } from "../../store.js";
import { html, useState } from "../../view.js";
import { Dialog } from "../dialog/dialog.js";
import { Refusal } from "../refusal/refusal.js";
import { ShareLinks } from "../share-links/share-links.js";

const close = () => asked.set(null);

function Actions({ children }) {
  return html`<p class="dialog-actions">${children}</p>`;
}

const Cancel = ({ children, ...others }) =>
  html`<button type="button" class="button" onClick=${close} ...${others}>${children ?? t("desk.close")}</button>`;

const Submit = ({ busy, children }) =>
  html`<button type="submit" class="button button-main" aria-disabled=${busy ? "true" : null}>${children}</button>`;

/** A form that sends what `task` says, and says why it could not. */
function Form({ task, label, children }) {
  const { busy, error, run } = useTask();
  function onSubmit(event) {
    event.preventDefault();
    run(task);
  }
  return html`<form onSubmit=${onSubmit}>
    ${children}
    <${Refusal} error=${error} />
    <${Actions}><${Cancel} /><${Submit} busy=${busy}>${label}<//><//>
  </form>`;
}

function LanguageField({ value, none, onChange }) {
  const known = LANGUAGES.includes(value) || !value ? LANGUAGES : [value, ...LANGUAGES];
  return html`<label class="dialog-field">
    ${t("desk.language")}
    <select value=${value} onChange=${(event) => onChange(event.target.value)}>
      ${none && html`<option value="">${none}</option>`}
      ${known.map((code) => html`<option key=${code} value=${code}>${languageName(code)}</option>`)}
    </select>
  </label>`;
}

function RenameDialog({ job }) {
  const [title, setTitle] = useState(job.title);
  const [language, setLanguage] = useState(job.language ?? "");
  const save = async () => {
    const changes = { title: title.trim(), ...(language && { language }) };
    settle("rename", await changeJob(job.job_id, changes));
  };
  return html`<${Dialog} title=${t("desk.rename_title")} onClose=${close}>
    <${Form} task=${save} label=${t("desk.save")}>
      <label class="dialog-field">
        ${t("desk.title")}
        <input
          type="text"
          dir="auto"
          required
          pattern=".*\\S.*"
          maxlength="200"
          value=${title}
          onInput=${(event) => setTitle(event.target.value)}
        />
      </label>
      <${LanguageField} value=${language} none=${job.language ? null : t("desk.language_unknown")} onChange=${setLanguage} />
      <p class="fine">${t("desk.language_why")}</p>
    <//>
  <//>`;
}

function StageField({ value, onChange }) {
  return html`<fieldset>
    <legend>${t("desk.stage")}</legend>
    ${["transcribe", "stats"].map(
      (stage) => html`<label key=${stage} class="dialog-choice">
        <input type="radio" name="stage" value=${stage} checked=${stage === value} onChange=${() => onChange(stage)} />
        ${t(`desk.stage_${stage}`)}
      </label>`,
    )}
  </fieldset>`;
}

function RetryDialog({ job }) {
  const stages = [hasRecording(job) && "transcribe", hasTranscript(job) && "stats"].filter(Boolean);
  const [stage, setStage] = useState(stages.includes(stageToRepeat(job)) ? stageToRepeat(job) : stages[0]);
  const [language, setLanguage] = useState("");
  const [speakers, setSpeakers] = useState("");
  const listens = stage === "transcribe";
  const repeat = async () => {
    const hints = { ...(language && { language }), ...(speakers && { speakers: Number(speakers) }) };
    settle("retry", await retryJob(job.job_id, { stage, ...(listens && hints) }));
  };
  const before = job.language ? t("desk.as_before", { value: languageName(job.language) }) : t("upload.language_auto");
  return html`<${Dialog} title=${t("desk.retry_title")} onClose=${close}>
    <${Form} task=${repeat} label=${t("desk.retry_now")}>
      ${stages.length > 1 && html`<${StageField} value=${stage} onChange=${setStage} />`}
      ${listens &&
      html`<${LanguageField} value=${language} none=${before} onChange=${setLanguage} />
        <label class="dialog-field">
          ${t("upload.speakers")}
          <input
            type="number"
            inputmode="numeric"
            min="1"
            max="50"
            placeholder=${job.speakers ? t("desk.as_before", { value: job.speakers }) : t("upload.speakers_auto")}
            value=${speakers}
            onInput=${(event) => setSpeakers(event.target.value)}
          />
        </label>`}
      ${listens && hasTranscript(job) && html`<p class="fine">${t("desk.retry_why")}</p>`}
    <//>
  <//>`;
}

function DeleteDialog({ job }) {
  const { busy, error, run } = useTask();
  const remove = async () => {
    await deleteJob(job.job_id).catch((problem) => {
      if (problem.status !== 404) throw problem; // it is gone already
    });
    close();
    await null; // until the focus is back in the row: from there it goes on
    dropJob(job.job_id);
    announce(t("done.delete", { title: job.title }));
    if (route.get().page === "debate") navigate(HOME);
  };
  return html`<${Dialog} title=${t("desk.delete_title")} onClose=${close}>
    <p><strong><bdi>${job.title || job.filename}</bdi></strong></p>
    <p>${t("desk.delete_why")}</p>
    <${Refusal} error=${error} />
    <${Actions}>
      <${Cancel} autofocus>${t("desk.keep")}<//>
      <button
        type="button"
        class="button button-danger"
        aria-disabled=${busy ? "true" : null}
        onClick=${() => run(remove)}
      >
        ${t("desk.delete_now")}
      </button>
    <//>
  <//>`;
}

function ShareDialog({ job }) {
  return html`<${Dialog} title=${t("desk.share_title")} onClose=${close}>
    <${ShareLinks} jobId=${job.job_id} />
    <${Actions}><${Cancel} /><//>
  <//>`;
}

/** What was wanted at once and could not be done. */
function RefusedDialog({ what, job, error }) {
  return html`<${Dialog} title=${t("desk.refused", { what: t(`desk.${what}`) })} onClose=${close}>
    <p><strong><bdi>${job.title || job.filename}</bdi></strong></p>
    <${Refusal} error=${error} />
    <${Actions}>
      <${Cancel} />
      <button type="button" class="button button-main" onClick=${() => choose(what, job)}>${t("desk.again")}</button>
    <//>
  <//>`;
}

const DIALOGS = { rename: RenameDialog, retry: RetryDialog, delete: DeleteDialog, share: ShareDialog };

/** The dialog that is open about a debate. On the page and not in the row: rows come and go. */
export function JobDialogs() {
  const question = useStore(asked);
  if (!question) return null;
  const { what, job, error } = question;
  return html`<${error ? RefusedDialog : DIALOGS[what]} key=${`${what} ${job.job_id}`} what=${what} job=${job} error=${error} />`;
}

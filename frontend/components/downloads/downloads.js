import { getTranscriptFile, transcriptHref } from "../../api.js";
import { t } from "../../i18n/index.js";
import { html, useState } from "../../view.js";
import { Icon } from "../icon/icon.js";

const FORMATS = ["txt", "srt", "vtt", "json"];

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser has its own hold on the blob once the click has been handled.
  setTimeout(() => URL.revokeObjectURL(link.href));
}

/** The transcript as files. Fetched rather than linked: the answer redirects to another origin. */
export function Downloads({ job }) {
  const [failed, setFailed] = useState(false);
  const stem = (job.filename ?? job.title).replace(/\.[^.]+$/, "");

  async function onClick(event, format) {
    event.preventDefault();
    try {
      save(await getTranscriptFile(job.job_id, format), `${stem}.${format}`);
      setFailed(false);
    } catch (error) {
      setFailed(true);
      if (!("code" in error)) throw error;
    }
  }

  return html`<div class="downloads">
    <h2 id="downloads-heading" class="quiet-heading"><${Icon} name="download" /> ${t("downloads.title")}</h2>
    <ul aria-labelledby="downloads-heading">
      ${FORMATS.map(
        (format) => html`<li key=${format}>
          <a
            class="button button-small"
            href=${transcriptHref(job.job_id, format)}
            download=${`${stem}.${format}`}
            onClick=${(event) => onClick(event, format)}
            >${format.toUpperCase()}<span class="visually-hidden"> ${t(`downloads.${format}`)}</span></a
          >
        </li>`,
      )}
    </ul>
    ${failed && html`<p class="problem" role="alert">${t("trouble.again")}</p>`}
  </div>`;
}

import { getStatisticsFile, getTranscriptFile, getVideo, transcriptHref } from "../../api.js";
import { t } from "../../i18n/index.js";
import { hasVideo } from "../../jobs.js";
import { save } from "../../save.js";
import { html, useId, useRef, useState } from "../../view.js";
import { Icon } from "../icon/icon.js";
import { place } from "../menu/menu.js";

const TEXTS = ["docx", "txt", "srt", "vtt", "csv", "json"];

/** Opens the recording's own address, which may be another origin's: that one is not saved but shown. */
async function openVideo(job, name) {
  const { url } = await getVideo(job.job_id);
  Object.assign(document.createElement("a"), { href: url, download: name, target: "_blank", rel: "noopener" }).click();
}

/**
 * The debate as files, and on paper. Fetched rather than linked: the answer redirects to another
 * origin.
 */
export function Downloads({ job }) {
  const id = useId();
  const button = useRef();
  const menu = useRef();
  const [failed, setFailed] = useState(false);
  const stem = (job.filename ?? job.title).replace(/\.[^.]+$/, "");
  const isCounted = job.completed_at != null;

  const files = [
    ...TEXTS.filter((format) => isCounted || !["csv", "docx"].includes(format)).map((format) => ({
      key: format,
      name: format.toUpperCase(),
      file: `${stem}.${format}`,
      href: transcriptHref(job.job_id, format),
      get: async (file) => save(await getTranscriptFile(job.job_id, format), file),
    })),
    isCounted && {
      key: "statistics",
      name: "JSON",
      file: `${stem}.statistics.json`,
      get: async (file) => save(await getStatisticsFile(job.job_id), file),
    },
    hasVideo(job) && {
      key: "recording",
      name: (job.filename.match(/\.([^.]+)$/)?.[1] ?? "").toUpperCase(),
      file: job.filename,
      get: (file) => openVideo(job, file),
    },
  ].filter(Boolean);

  async function onClick(event, { get, file }) {
    event.preventDefault();
    try {
      await get(file);
      setFailed(false);
      menu.current.hidePopover();
    } catch (error) {
      setFailed(true);
      if (!("code" in error)) throw error;
    }
  }

  function onPrint() {
    menu.current.hidePopover();
    print();
  }

  return html`<div class="downloads">
    <button ref=${button} type="button" class="button button-quiet" popovertarget=${id}>
      <${Icon} name="download" /> ${t("downloads.title")}
    </button>
    <div
      ref=${menu}
      id=${id}
      popover="auto"
      class="menu download-list"
      onBeforeToggle=${(event) => event.newState === "open" && place(menu.current, button.current)}
    >
      <ul aria-label=${t("downloads.title")}>
        ${files.map(
          (each) => html`<li key=${each.key}>
            <a href=${each.href ?? "#"} download=${each.file} onClick=${(event) => onClick(event, each)}>
              <strong>${each.name}</strong> ${t(`downloads.${each.key}`)}
            </a>
          </li>`,
        )}
        <li><button type="button" onClick=${onPrint}>${t("downloads.print")}</button></li>
      </ul>
      ${failed && html`<p class="problem" role="alert">${t("trouble.again")}</p>`}
    </div>
  </div>`;
}

import { t } from "../../i18n/index.js";
import { useTitle } from "../../hooks.js";
import { jobs, watchJobs } from "../../jobs.js";
import { useStore } from "../../store.js";
import { html, useEffect } from "../../view.js";
import { JobList } from "../job-list/job-list.js";
import { PageHeading } from "../page-heading/page-heading.js";
import { Totals } from "../totals/totals.js";
import { UploadArea } from "../upload-area/upload-area.js";
import { UploadList } from "../upload-list/upload-list.js";

export function HomePage() {
  useTitle("");
  useEffect(watchJobs, []);
  const { list } = useStore(jobs);
  const completed = list && list.filter((job) => job.status === "COMPLETE").length;
  return html`
    <div class="hero">
      <${PageHeading}>${t("home.title")}<//>
      <p class="lead">${t("home.lead")}</p>
    </div>
    <${UploadArea} compact=${list?.length > 0} />
    <${UploadList} />
    <${JobList} />
    <${Totals} completed=${completed} />
  `;
}

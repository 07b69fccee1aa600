import { t } from "../../i18n/index.js";
import { useTitle } from "../../hooks.js";
import { jobs, watchJobs } from "../../jobs.js";
import { readSetting, saveSetting } from "../../settings.js";
import { useStore } from "../../store.js";
import { html, useEffect, useState } from "../../view.js";
import { FailuresLink } from "../failures-link/failures-link.js";
import { JobList } from "../job-list/job-list.js";
import { PageHeading } from "../page-heading/page-heading.js";
import { SearchField } from "../search-form/search-form.js";
import { Totals } from "../totals/totals.js";
import { UploadArea } from "../upload-area/upload-area.js";
import { UploadList } from "../upload-list/upload-list.js";

/**
 * Whether there are debates: `isKnown`, to which a newcomer's words give way, as it was the last
 * time, since with the list that comes now the page would jump; `hasSome` as far as is known now.
 */
function useDebates() {
  const [isKnown] = useState(() => readSetting("debates") === "some");
  const { list, phase } = useStore(jobs);
  const hasSome = list ? list.length > 0 || phase !== "" : isKnown;
  useEffect(() => {
    if (list) saveSetting("debates", hasSome ? "some" : "none");
  }, [list !== null, hasSome]);
  return { isKnown, hasSome };
}

export function HomePage() {
  useTitle("");
  useEffect(watchJobs, []);
  const { list } = useStore(jobs);
  const { isKnown, hasSome } = useDebates();
  const completed = list && list.filter((job) => job.status === "COMPLETE").length;
  return html`
    <div class=${isKnown ? "hero hero-known" : "hero"}>
      <${PageHeading}>${t("home.title")}<//>
      ${!isKnown && html`<p class="lead">${t("home.lead")}</p>`}
    </div>
    <${UploadArea} compact=${isKnown} />
    <${UploadList} />
    ${hasSome && html`<${SearchField} />`}
    <${JobList} />
    <${Totals} completed=${completed} />
    <${FailuresLink} />
  `;
}

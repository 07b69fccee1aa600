import { listFailures } from "../../api.js";
import { t } from "../../i18n/index.js";
import { FAILURES } from "../../router.js";
import { html, useEffect, useState } from "../../view.js";

/** The way to what was given up, for whoever runs this; nothing for everybody else. */
export function FailuresLink() {
  const [count, setCount] = useState(null);
  useEffect(() => {
    listFailures().then(
      ({ queues }) => queues.length && setCount(queues.reduce((sum, each) => sum + each.letters, 0)),
      () => {}, // whoever cannot be told may look for themselves
    );
  }, []);
  if (count === null) return null;
  return html`<p class="fine"><a href=${FAILURES}>${t("failures.link", { count })}</a></p>`;
}

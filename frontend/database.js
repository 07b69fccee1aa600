/** What this browser keeps until the server has it. */
import { openDB } from "./vendor/idb/idb.js";

let opening = null;

/**
 * `recordings` by `id`, their `chunks` by `recording` and `seq`, and `handles`: of the files that
 * are sent in parts, by the job's id. Rejects where the browser keeps nothing.
 */
export function database() {
  opening ??= openDB("debate-analyzer", 1, {
    upgrade(created) {
      created.createObjectStore("recordings", { keyPath: "id" });
      created.createObjectStore("chunks", { keyPath: ["recording", "seq"] });
      created.createObjectStore("handles");
    },
    terminated() {
      opening = null;
    },
  });
  opening.catch(() => (opening = null));
  return opening;
}

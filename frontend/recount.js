/** The figures of a debate are counted again after an edit: when it has happened. */
import { getJob } from "./api.js";
import { poll } from "./poll.js";
import { useEffect, useRef, useState } from "./view.js";

const FIRST_MS = 1_000;
const LAST_MS = 16_000; // of looking once more: an edit may have come while they were counted
const BACK_OFF = 1.5;

const isLater = (one, other) => Boolean(one) && (one.updated_at ?? "") > (other.updated_at ?? "");

/**
 * The job as it is now, where `told` is how the page knows it, and whether its figures are still to
 * come: followed anew each time `arrivals` (edits that the server has taken) grows.
 */
export function useRecount(told, arrivals) {
  const [own, setOwn] = useState(null);
  const [counting, setCounting] = useState(false);
  const job = isLater(own, told) ? own : told;
  const newest = useRef();
  newest.current = job;

  useEffect(() => {
    if (!arrivals) return undefined;
    const before = newest.current.updated_at;
    let delay = FIRST_MS;
    setCounting(true);
    const following = poll(async () => {
      const next = await getJob(told.job_id);
      const changed = next.updated_at !== newest.current.updated_at;
      setOwn(next);
      const ended = ["COMPLETE", "FAILED"].includes(next.status);
      if (ended && next.updated_at !== before) setCounting(false);
      delay = changed ? FIRST_MS : delay * BACK_OFF;
      if (ended && delay > LAST_MS) {
        setCounting(false); // nothing comes of it: the figures are as they were
        return null;
      }
      return Math.min(delay, LAST_MS);
    });
    return following.stop;
  }, [told.job_id, arrivals]);

  return { job, counting };
}

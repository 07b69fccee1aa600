/** Small hooks that several components share. */
import { ApiError } from "./api.js";
import { t } from "./i18n/index.js";
import { loadPage } from "./pages.js";
import { useResource } from "./poll.js";
import { useEffect, useLayoutEffect, useRef, useState } from "./view.js";

/** Renders again every `interval` ms while `running`. */
export function useTick(running, interval = 1000) {
  const [, setTick] = useState(0);
  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(() => setTick((tick) => tick + 1), interval);
    return () => clearInterval(timer);
  }, [running, interval]);
}

/** The value, but a change only once it has stood for `wait` ms. Null counts as not known yet. */
export function useSettled(value, wait) {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    if (settled === null || value === settled) {
      setSettled(value);
      return undefined;
    }
    const timer = setTimeout(() => setSettled(value), wait);
    return () => clearTimeout(timer);
  }, [value, settled, wait]);
  return settled;
}

/** Something that is asked of the server now and then: `run(task)`, and how the last went, an ApiError or null. */
export function useTask() {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  async function run(task) {
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      await task();
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem;
      setError(problem);
    } finally {
      setBusy(false);
    }
  }
  return { busy, error, run };
}

/** The page with this name, or the part of one, once it is there; null before. Loaded when it is wanted. */
export function usePart(name, isWanted = true) {
  const { data } = useResource(async () => ({ name, part: await loadPage(name) }), isWanted ? name : null);
  return data?.name === name ? data.part : null;
}

/** The value, or the one before where that is the same. */
export function useSame(value, isSame) {
  const last = useRef(value);
  if (!(last.current && value && isSame(last.current, value))) last.current = value;
  return last.current;
}

export function useTitle(title) {
  useEffect(() => {
    document.title = title ? `${title} · ${t("app.name")}` : t("app.name");
  });
}

/** Width of the element in px, as it changes; 0 until it is laid out. */
export function useWidth(ref) {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const measure = () => setWidth(ref.current.clientWidth);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, [ref]);
  return width;
}

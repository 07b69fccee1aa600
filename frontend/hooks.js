/** Small hooks that several components share. */
import { t } from "./i18n/index.js";
import { useEffect, useState } from "./view.js";

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

export function useTitle(title) {
  useEffect(() => {
    document.title = title ? `${title} · ${t("app.name")}` : t("app.name");
  });
}

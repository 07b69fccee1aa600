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

export function useTitle(title) {
  useEffect(() => {
    document.title = title ? `${title} · ${t("app.name")}` : t("app.name");
  });
}

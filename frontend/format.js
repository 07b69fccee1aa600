/** Numbers, times and names as the reader's language writes them. */
import { locale, t } from "./i18n/index.js";

const cache = new Map();

function formatter(Kind, options) {
  const key = `${Kind.name} ${locale.get()} ${JSON.stringify(options)}`;
  if (!cache.has(key)) cache.set(key, new Kind(locale.get(), options));
  return cache.get(key);
}

export const number = (value, digits = 0) =>
  formatter(Intl.NumberFormat, { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);

export const percent = (share, digits = 0) =>
  formatter(Intl.NumberFormat, { style: "percent", maximumFractionDigits: digits }).format(share);

/** How sure something is, which is never wholly: 0.873 → 87%, 0.9996 → more than 99%. */
export const sureness = (probability) =>
  probability > 0.995 ? t("unit.more_than", { value: percent(0.99) }) : percent(probability);

/** 64 → 1:04, 3723 → 1:02:03; a position in the recording, rounded down. */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  const two = (value) => String(value).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** A length of time: 1.2 s under ten seconds, 31 s under a minute, then 1:24. */
export function duration(seconds) {
  if (seconds >= 59.5) return clock(Math.round(seconds));
  return t("unit.seconds", { value: number(seconds, seconds < 9.95 ? 1 : 0) });
}

/** "about 4 minutes left": an estimate, and rounded like one. The moment as ISO text, now in ms. */
export function left(expectedAt, now) {
  const minutes = Math.max((Date.parse(expectedAt) - now) / 60_000, 0);
  if (minutes < 1) return t("time.under_a_minute_left");
  const whole = Math.ceil(minutes);
  if (whole < 60) return t("time.minutes_left", { count: whole });
  return t("time.hours_left", { time: clock(Math.ceil(minutes / 5) * 300).replace(/:00$/, "") });
}

export function bytes(count) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), units.length - 1);
  const value = count / 1000 ** step;
  return formatter(Intl.NumberFormat, {
    style: "unit",
    unit: units[step],
    unitDisplay: step ? "short" : "long",
    maximumFractionDigits: value < 10 && step ? 1 : 0,
  }).format(value);
}

const STEPS = [
  [60, "second", 1],
  [3600, "minute", 60],
  [86_400, "hour", 3600],
  [7 * 86_400, "day", 86_400],
];

/** "3 minutes ago" within a week, then the date. Both in ms. */
export function ago(then, now) {
  const seconds = Math.max((now - then) / 1000, 0);
  const step = STEPS.find(([limit]) => seconds < limit);
  if (!step) return formatter(Intl.DateTimeFormat, { dateStyle: "medium" }).format(then);
  const [, unit, size] = step;
  return formatter(Intl.RelativeTimeFormat, { numeric: "auto" }).format(-Math.floor(seconds / size), unit);
}

export const date = (iso) => formatter(Intl.DateTimeFormat, { dateStyle: "medium" }).format(new Date(iso));

/** "2026-11" → "November 2026"; its first letter where there is no room. */
export const monthName = (month, room = "long") =>
  formatter(Intl.DateTimeFormat, {
    month: room,
    year: room === "long" ? "numeric" : undefined,
    timeZone: "UTC",
  }).format(new Date(`${month}-01`));

export const dateTime = (iso) =>
  formatter(Intl.DateTimeFormat, { dateStyle: "long", timeStyle: "short" }).format(new Date(iso));

export const timeOfDay = (iso) =>
  formatter(Intl.DateTimeFormat, { hour: "numeric", minute: "2-digit" }).format(new Date(iso));

/** "es" → "Spanish"; a code nobody knows stays a code. */
export function languageName(code) {
  try {
    const name = formatter(Intl.DisplayNames, { type: "language" }).of(code);
    return name.charAt(0).toLocaleUpperCase(locale.get()) + name.slice(1);
  } catch {
    return code;
  }
}

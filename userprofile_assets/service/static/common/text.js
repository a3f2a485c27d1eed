// How numbers, days and values of the data are written.

const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const share = new Intl.NumberFormat("en", {
  style: "percent",
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const change = new Intl.NumberFormat("en", {
  style: "percent",
  signDisplay: "exceptZero",
  maximumFractionDigits: 1,
});
const points = new Intl.NumberFormat("en", { signDisplay: "exceptZero", maximumFractionDigits: 1 });
const longDay = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeZone: "UTC" });
const shortDay = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  timeZone: "UTC",
});
const shortWeekday = new Intl.DateTimeFormat("en-GB", { weekday: "short", timeZone: "UTC" });
const moment = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** What stands for NULL. */
export const NOT_KNOWN = "not known";

// Characters that are not seen, or that turn the text behind them around.
const UNSEEN = /[\p{Cc}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** A value of the data as people see it. */
export function shown(text) {
  if (text === null || text === undefined) return NOT_KNOWN;
  if (text === true) return "yes";
  if (text === false) return "no";
  if (text === "") return "(empty)";
  return String(text).replace(UNSEEN, "\ufffd");
}

/** A value for a narrow place: at most `length` characters. */
export function clipped(text, length) {
  const characters = [...shown(text)];
  return characters.length > length
    ? `${characters.slice(0, length - 1).join("")}…`
    : characters.join("");
}

/** A number in full. */
export function number(n) {
  return n === null || n === undefined ? "–" : whole.format(n);
}

/** A number in short: 1.2M. */
export function compact(n) {
  return short.format(n);
}

/** A number in full if it has at most so many digits, else in short. */
export function brief(n, digits) {
  return n < 10 ** digits ? number(n) : compact(n);
}

/** A share of 1 as per cent. */
export function percent(part) {
  return part === null || part === undefined || Number.isNaN(part) ? "–" : share.format(part);
}

/** By how much a number changed, as per cent of what it was; null: it cannot be told. */
export function relative(now, before) {
  if (now === null || before === null || before === undefined || before === 0) return null;
  return { by: now - before, text: change.format((now - before) / before) };
}

/** By how many percentage points a share changed. */
export function inPoints(now, before) {
  if (now === null || before === null || Number.isNaN(now) || Number.isNaN(before)) return null;
  const by = Math.round((now - before) * 1000) / 10;
  return { by, text: `${points.format(by)} pp` };
}

function utc(date) {
  return new Date(`${date}T00:00:00Z`);
}

/** `20240807` as `2024-08-07`. */
export function isoDay(dt) {
  return /^\d{8}$/.test(dt) ? `${dt.slice(0, 4)}-${dt.slice(4, 6)}-${dt.slice(6)}` : dt;
}

/** Whether a text is a day of the calendar, `20240807` or `2024-08-07`. */
export function isDay(dt) {
  const at = utc(isoDay(dt));
  return !Number.isNaN(at.getTime()) && at.toISOString().slice(0, 10) === isoDay(dt);
}

/** A day in full: Wednesday 7 August 2024. */
export function dayInFull(date) {
  // Versions of ICU differ in the comma.
  return longDay.format(utc(date)).replace(",", "");
}

/** A day in short: 7 Aug. */
export function dayInShort(date) {
  return shortDay.format(utc(date));
}

/** The weekday of a day: Fri. */
export function weekdayName(date) {
  return shortWeekday.format(utc(date));
}

/** The day so many days before. */
export function daysBefore(date, days) {
  return new Date(utc(date).getTime() - days * 86_400_000).toISOString().slice(0, 10);
}

/** A point in time in the reader's own zone. */
export function time(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? String(iso) : moment.format(at);
}

/** `n` with the right form of a noun. */
export function count(n, one, many = `${one}s`) {
  return `${number(n)} ${n === 1 ? one : many}`;
}

/** The link only if it leads to a page: of a database it could be anything. */
export function webLink(url) {
  return typeof url === "string" && /^https?:\/\//i.test(url) ? url : null;
}

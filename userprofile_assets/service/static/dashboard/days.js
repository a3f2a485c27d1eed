// The day that is looked at: its name, the days beside it, the calendar, its run and its quality.

import { ask } from "../common/api.js";
import { badge } from "../common/badge.js";
import { h, the } from "../common/dom.js";
import { dayInFull, isoDay, time } from "../common/text.js";
import { Calendar } from "./calendar.js";
import { countsText, runLink } from "./quality.js";
import { current, setDay } from "./state.js";

const PAGE = 60;
const REST = 1000;

let days = [];
let next = null;
let calendar = null;

/** Ask for the published days, the newest first; return whether there are any. */
export async function loadDays(signal) {
  const answer = await ask("partitions", { limit: PAGE }, signal);
  days = answer.data;
  next = answer.next;
  return days.length > 0;
}

/** Ask for older days if the chosen one is not known: a link may lead to a day that is long ago. */
export async function loadChosenDay(signal) {
  if (!chosenDay()) await loadOlder(signal);
}

async function loadOlder(signal = undefined) {
  while (next !== null) {
    const cursor = next;
    const answer = await ask("partitions", { limit: REST, cursor }, signal);
    // The calendar may have asked for the same days and have got them first.
    if (cursor !== next) continue;
    days = [...days, ...answer.data];
    next = answer.next;
  }
}

/** The day that the address asks for, or the newest; undefined if it is not published. */
export function chosenDay() {
  const { dt } = current();
  if (dt === null) return days[0];
  return days.find((day) => day.date === isoDay(dt));
}

function neighbours(day) {
  const index = days.indexOf(day);
  return { before: days[index + 1], after: days[index - 1] };
}

function choose(date) {
  close();
  setDay(date === days[0].date ? null : date);
}

/** Show the day in the bar. */
export function showDay(day) {
  const { before, after } = neighbours(day);
  the("day-before").disabled = !before && next === null;
  the("day-after").disabled = !after;
  the("day-open").disabled = false;
  the("day-name").textContent = dayInFull(day.date);
  const run = [runLink(day.run_url, day.run_id)];
  const counts = countsText(day.quality.counts);
  the("day-facts").replaceChildren(
    h("li", {}, [badge(day.quality.state, `quality ${day.quality.state}`)]),
    h("li", { class: "counts", title: counts }, counts),
    h("li", { class: "published" }, [h("span", { class: "hint" }, "published "), time(day.published_at)]),
    h("li", { id: "day-run" }, run),
  );
  document.title = `${day.date} · User profiles`;
}

/** Show that there are no numbers of a day. */
export function showNoDay() {
  const isUnknown = !chosenDay();
  // Beside a day that is not published there is none.
  if (isUnknown) the("day-before").disabled = the("day-after").disabled = true;
  the("day-open").disabled = days.length === 0;
  the("day-name").textContent = isUnknown && days.length > 0 ? "Choose a day" : "–";
  the("day-facts").replaceChildren();
  document.title = "User profiles";
}

async function goBefore() {
  if (!neighbours(chosenDay()).before) await loadOlder();
  const { before } = neighbours(chosenDay());
  if (before) choose(before.date);
}

/** Open the calendar with the days that are known, and add the older ones when they come. */
async function open() {
  openWith();
  if (next === null) return;
  await loadOlder();
  if (!the("calendar").hidden) openWith();
}

function openWith() {
  const states = new Map(days.map((day) => [day.date, day.quality.state]));
  the("calendar").hidden = false;
  the("day-open").setAttribute("aria-expanded", "true");
  const chosen = chosenDay()?.date;
  calendar.open(states, chosen ?? days[0].date, chosen);
}

function close({ focus = true } = {}) {
  if (the("calendar").hidden) return;
  the("calendar").hidden = true;
  the("day-open").setAttribute("aria-expanded", "false");
  if (focus) the("day-open").focus();
}

/** Make the bar of the day work; failed: called with what kept older days from coming. */
export function mountDays(failed) {
  calendar = new Calendar(the("calendar"), choose);
  the("day-before").addEventListener("click", () => goBefore().catch(failed));
  the("day-after").addEventListener("click", () => choose(neighbours(chosenDay()).after.date));
  the("day-open").addEventListener("click", () => {
    if (the("calendar").hidden) open().catch(failed);
    else close();
  });
  the("day-picker").addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!the("day-picker").contains(event.target)) close({ focus: false });
  });
  the("day-picker").addEventListener("focusout", (event) => {
    const to = event.relatedTarget;
    if (to && !the("day-picker").contains(to)) close({ focus: false });
  });
}

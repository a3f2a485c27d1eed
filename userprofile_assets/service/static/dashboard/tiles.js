// The six numbers of the day, each with its change against the day before and a week before.

import { h, the } from "../common/dom.js";
import {
  brief,
  dayInShort,
  daysBefore,
  inPoints,
  number,
  percent,
  relative,
  weekdayName,
} from "../common/text.js";
import { isChosen, isFiltered, toggle } from "./state.js";

// More are wider than a tile.
const MOST_DIGITS = 8;

function figure(n) {
  const [text, full] = [brief(n, MOST_DIGITS), number(n)];
  if (text === full) return full;
  return h("span", { title: full }, [
    h("span", { "aria-hidden": "true" }, text),
    h("span", { class: "unseen" }, full),
  ]);
}

const share = (part, whole) => (part === null || !whole ? NaN : part / whole);

/** value: takes the day's numbers. More of what is `bad` is shown as a warning. */
const TILES = [
  { id: "users", of: (day) => day.users, write: figure, change: relative },
  { id: "registered", of: (day) => day.registered, write: figure, change: relative },
  { id: "pv", of: (day) => day.pv, write: figure, change: relative },
  { id: "lines", of: (day) => day.lines, write: figure, change: relative },
  {
    id: "crawlers",
    of: (day) => share(day.crawler_lines, day.lines),
    write: percent,
    change: inPoints,
  },
  {
    id: "quarantined",
    of: (day) => share(day.quarantined_lines, day.lines),
    write: percent,
    change: inPoints,
    bad: true,
  },
];

function changeLine(tile, now, before, against) {
  const change = before && tile.change(now, tile.of(before));
  if (!change) {
    return h("li", { class: "none" }, ["– ", against]);
  }
  const way = change.by > 0 ? "up" : change.by < 0 ? "down" : "same";
  const sign = { up: "▲", down: "▼", same: "=" }[way];
  return h("li", { class: tile.bad && way === "up" ? "worse" : null }, [
    h("span", { "aria-hidden": "true", class: `arrow ${way}` }, sign),
    h("span", { class: "number" }, change.text),
    " ",
    against,
  ]);
}

/** The day that is compared with: vs Fri 2 Aug; a phone has no room for the weekday. */
function ago(date, days) {
  const day = daysBefore(date, days);
  return h("span", {}, [
    "vs ",
    h("span", { class: "weekday" }, `${weekdayName(day)} `),
    dayInShort(day),
  ]);
}

/** Show an answer of /summary. */
export function showTiles(summary) {
  for (const tile of TILES) {
    const element = the(`tile-${tile.id}`);
    const now = tile.of(summary.data);
    const known = now !== null && !Number.isNaN(now);
    element.querySelector(".figure").replaceChildren(known ? tile.write(now) : "–");
    element.querySelector(".changes").replaceChildren(
      ...(known
        ? [
            changeLine(tile, now, summary.previous_day, ago(summary.date, 1)),
            changeLine(tile, now, summary.previous_week, ago(summary.date, 7)),
          ]
        : [h("li", { class: "none why" }, isFiltered() ? "counted for whole days only" : "no lines")]),
    );
    element.removeAttribute("aria-busy");
  }
  the("only-registered").setAttribute("aria-pressed", String(isChosen({ is_registered: "true" })));
}

/** Show that there are no numbers. */
export function emptyTiles() {
  for (const { id } of TILES) {
    the(`tile-${id}`).querySelector(".figure").replaceChildren("–");
    the(`tile-${id}`).querySelector(".changes").replaceChildren();
    the(`tile-${id}`).removeAttribute("aria-busy");
  }
}

/** Say that new numbers are on their way. */
export function waitForTiles() {
  for (const { id } of TILES) the(`tile-${id}`).setAttribute("aria-busy", "true");
}

/** Let the tile of registered people filter. */
export function mountTiles() {
  the("only-registered").addEventListener("click", () => toggle({ is_registered: "true" }));
}

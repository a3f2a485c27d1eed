// The charts of the page: what each asks for, and how it is drawn. A chart is not filtered by its
// own values, so that the others of them stay there to be chosen.

import { h, the, value } from "../common/dom.js";
import { ask } from "../common/api.js";
import { dayInShort, number, shown } from "../common/text.js";
import { drawBars, drawGroups } from "./bars.js";
import { Card, numbers, texts } from "./card.js";
import { byAge, byGender } from "./order.js";
import { at, childrenOf, holds, nameOf, treeOf } from "./places.js";
import { ageRows, cityRows, nothingKnown, rowsOf, signRows } from "./rows.js";
import {
  current,
  filtersWithout,
  isNarrower,
  isPathLetThrough,
  place,
  setDay,
  setPlace,
} from "./state.js";
import { drawTreemap, placeLabel } from "./treemap.js";
import { drawTrend } from "./trend.js";

const SERIES_COLOURS = ["series-1", "series-2", "series-3", "series-4"];
const MOST_PLACES = 500;
const CITIES_SHOWN = 14;
const CITIES_ASKED = 50;
const TREND_DAYS = 30;

/** The place whose rectangles are shown: a city has none, so its region is. */
const frame = () => place().slice(0, 2);

async function askPlaces(dt, signal) {
  const inCountry = frame().length > 0;
  const own = inCountry ? ["region", "city"] : ["country", "region", "city"];
  // Of the world regions are shown; which of them have a city only the cities tell.
  const level = inCountry || current().filters.city ? "city" : "region";
  return ask("regions", { dt, by: "profiles", level, ...filtersWithout(...own) }, signal);
}

const isLetThrough = (one) => holds(one, isPathLetThrough);

function placeRows(data) {
  const root = at(treeOf(data.data), frame());
  if (!root) return [];
  const { shown: places, rest } = childrenOf(root, current().measure, MOST_PLACES);
  const isSome = isNarrower(frame());
  return [...places, ...(rest ? [rest] : [])].map((one) => ({
    place: one,
    cells: [nameOf(one, 80), number(one.users), number(one.pv)],
    label: placeLabel(one),
    chosen: isSome && isLetThrough(one),
    act: one.more ? null : () => goTo(one.path),
  }));
}

/** Drill to a place; a city that is chosen already goes back to its region. */
function goTo(path) {
  const now = place();
  const same = now.length === path.length && now.every((one, index) => one === path[index]);
  setPlace(same ? path.slice(0, -1) : path);
}

function showPath() {
  const path = place();
  const step = (words, to, last) =>
    h(
      "li",
      {},
      last
        ? h("span", { "aria-current": "true", tabindex: "-1" }, value(words))
        : h("button", { class: "link", type: "button", onclick: () => setPlace(to) }, value(words)),
    );
  const list = the("place-path");
  const hadFocus = list.contains(document.activeElement);
  list.replaceChildren(
    step("World", [], path.length === 0),
    ...path.map((one, index) => step(shown(one), path.slice(0, index + 1), index === path.length - 1)),
  );
  if (hadFocus) ([...list.querySelectorAll("button")].at(-1) ?? list.querySelector("span")).focus();
}

function drawPlaces(target, _rows, data) {
  return drawTreemap(target, at(treeOf(data.data), frame()), {
    measure: current().measure,
    isStrong: isLetThrough,
    go: goTo,
  });
}

function drawAges(target, rows) {
  const distinct = (name, order) => [...new Set(rows.map((row) => row.values[name]))].sort(order);
  const groups = distinct("age_range", byAge);
  const series = distinct("gender", byGender).map((gender, index) => ({
    value: gender,
    name: gender,
    colour: gender === null ? "grey" : SERIES_COLOURS[index % SERIES_COLOURS.length],
  }));
  const cell = (age, gender) =>
    rows.find((row) => row.values.age_range === age && row.values.gender === gender);
  return drawGroups(target, { groups, series, cell });
}

function trendRows(data) {
  return data.data.map((row) => ({
    row,
    cells: [dayInShort(row.date), number(row.users), number(row.registered), number(row.pv), number(row.lines)],
    label: row.date,
    chosen: row.dt === data.dt,
    act: () => setDay(row.date),
  }));
}

/** Make all charts; each is {card, request(dt, signal)}. */
export function makeCharts() {
  const measured = (...names) => [...texts(...names), ...numbers("People", "Page views")];
  return [
    {
      card: new Card("places", {
        columns: measured("Place"),
        rows: placeRows,
        draw: drawPlaces,
        empty: "No profile matches at this place.",
      }),
      request: (dt, signal) => {
        showPath();
        return askPlaces(dt, signal);
      },
    },
    {
      card: new Card("cities", {
        columns: [...texts("City", "Region"), ...numbers("Rank", "Registered")],
        rows: cityRows,
        draw: (target, rows) => drawBars(target, rows, { most: CITIES_SHOWN, nameLength: 12 }),
        empty: "No registered user matches.",
        emptyDay: "No registered user on this day.",
      }),
      request: (dt, signal) =>
        ask("cities", { dt, limit: CITIES_ASKED, ...filtersWithout("city") }, signal),
    },
    {
      card: new Card("devices", {
        columns: measured("Device"),
        rows: (data) => rowsOf(data, "device"),
        draw: drawBars,
      }),
      request: (dt, signal) => ask("devices", { dt, ...filtersWithout("device") }, signal),
    },
    {
      card: new Card("ages", {
        columns: measured("Age", "Gender"),
        rows: ageRows,
        draw: drawAges,
        onlyNone: nothingKnown,
      }),
      request: (dt, signal) =>
        ask(
          "demographics",
          { dt, by: "gender,age_range", ...filtersWithout("gender", "age_range") },
          signal,
        ),
    },
    {
      card: new Card("signs", {
        columns: measured("Sign"),
        rows: signRows,
        draw: drawBars,
        onlyNone: nothingKnown,
      }),
      request: (dt, signal) =>
        ask("demographics", { dt, by: "zodiac", ...filtersWithout("zodiac") }, signal),
    },
    {
      card: new Card("trend", {
        columns: [...texts("Day"), ...numbers("People", "Registered", "Page views", "Lines")],
        rows: trendRows,
        draw: (target, _rows, data) =>
          drawTrend(target, data.data, {
            date: data.data.at(-1)?.date,
            go: (row) => setDay(row.date),
          }),
      }),
      request: (dt, signal) => ask("trend", { dt, days: TREND_DAYS, ...filtersWithout() }, signal),
    },
  ];
}

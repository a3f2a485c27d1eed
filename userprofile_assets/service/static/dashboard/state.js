// What is looked at: the day, the filters, people or page views. It lives in the address, so a view
// can be linked and the browser's Back works.

import { spelt, unspelt } from "./spelling.js";

/** The filters in the order of their chips, with their names for people. */
export const FILTERS = {
  country: "Country",
  region: "Region",
  city: "City",
  device: "Device",
  gender: "Gender",
  age_range: "Age",
  zodiac: "Zodiac",
  is_registered: "Registered",
};

const PLACE = ["country", "region", "city"];
const listeners = new Set();

function read() {
  const parameters = new URLSearchParams(location.search);
  const filters = {};
  for (const name of Object.keys(FILTERS)) {
    const texts = parameters.getAll(name);
    // The API takes true in any case.
    const values = name === "is_registered" ? texts.map((one) => one.toLowerCase()) : texts;
    if (values.length) filters[name] = [...new Set(values.map(unspelt))];
  }
  return {
    dt: parameters.get("dt") || null,
    filters,
    measure: parameters.get("measure") === "pv" ? "pv" : "users",
  };
}

let state = read();

/** The state now; not to be changed but by the functions below. */
export function current() {
  return state;
}

/** Call a function after each change. */
export function onChange(listener) {
  listeners.add(listener);
}

function addressOf({ dt, filters, measure }) {
  const parameters = new URLSearchParams();
  if (dt) parameters.set("dt", dt);
  for (const [name, values] of Object.entries(filters)) {
    for (const value of values) parameters.append(name, spelt(value));
  }
  if (measure !== "users") parameters.set("measure", measure);
  const text = parameters.toString();
  return text ? `?${text}` : location.pathname;
}

function change(next) {
  state = { ...state, ...next };
  history.pushState(null, "", addressOf(state));
  tell();
}

function tell() {
  for (const listener of listeners) listener(state);
}

addEventListener("popstate", () => {
  state = read();
  tell();
});

/** Look at another day; null: the newest. */
export function setDay(dt) {
  change({ dt });
}

/** Count people (`users`) or page views (`pv`). */
export function setMeasure(measure) {
  change({ measure });
}

function without(filters, names) {
  return Object.fromEntries(Object.entries(filters).filter(([name]) => !names.includes(name)));
}

/** The filters but some, as the API takes them: a chart does not filter itself. */
export function filtersWithout(...names) {
  const rest = Object.entries(without(state.filters, names));
  return Object.fromEntries(rest.map(([name, values]) => [name, values.map(spelt)]));
}

/** Whether any filter is on. */
export function isFiltered() {
  return Object.keys(state.filters).length > 0;
}

/** Whether all these values are chosen: {device: "mobile"}. */
export function isChosen(values) {
  return Object.entries(values).every(([name, value]) => state.filters[name]?.includes(value));
}

/** Whether none of the filters shuts these values out. */
function isLetThrough(values) {
  return Object.entries(values).every(([name, value]) => state.filters[name]?.includes(value) ?? true);
}

/** Whether some of these names are filtered, and their values let through. */
export function isMarked(values) {
  return Object.keys(values).some((name) => state.filters[name]) && isLetThrough(values);
}

/** Whether no filter of places shuts a path out, such as [country, region]. */
export function isPathLetThrough(path) {
  return isLetThrough(Object.fromEntries(path.map((value, index) => [PLACE[index], value])));
}

/** Whether places are filtered further down than to a path. */
export function isNarrower(path) {
  return PLACE.slice(path.length).some((name) => state.filters[name]);
}

/** Whether exactly these are chosen of their filters. */
function isOnly(values) {
  return Object.entries(values).every(
    ([name, value]) => state.filters[name]?.length === 1 && state.filters[name][0] === value,
  );
}

/** Choose these values and no others of the same filters; if they are chosen already, none. */
export function toggle(values) {
  const names = Object.keys(values);
  const rest = without(state.filters, names);
  if (!isOnly(values)) for (const name of names) rest[name] = [values[name]];
  change({ filters: rest });
}

/** Add a value to its filter, or take it away: of several values any may match. */
export function toggleOneMore(values) {
  if (isOnly(values)) {
    change({ filters: without(state.filters, Object.keys(values)) });
    return;
  }
  const filters = { ...state.filters };
  const all = isChosen(values);
  for (const [name, value] of Object.entries(values)) {
    const others = (filters[name] ?? []).filter((one) => one !== value);
    // The only value of one name, such as a gender, may be that of other rows that are chosen.
    if (all) filters[name] = others.length ? others : [value];
    else filters[name] = [...others, value];
  }
  change({ filters });
}

/** Take one value away. A region without its country says little, so what is below a place goes too. */
export function remove(name, value) {
  const below = PLACE.includes(name) ? PLACE.slice(PLACE.indexOf(name) + 1) : [];
  const filters = without(state.filters, below);
  const others = filters[name].filter((one) => one !== value);
  if (others.length) filters[name] = others;
  else delete filters[name];
  change({ filters });
}

/** Take all filters away. */
export function clearFilters() {
  change({ filters: {} });
}

/** The place that is drilled to: [], [country], [country, region] or all three. */
export function place() {
  const path = [];
  for (const name of PLACE) {
    if (state.filters[name]?.length !== 1) break;
    path.push(state.filters[name][0]);
  }
  return path;
}

/** Drill to a place; a shorter path goes up. */
export function setPlace(path) {
  const filters = without(state.filters, PLACE);
  path.forEach((value, index) => {
    filters[PLACE[index]] = [value];
  });
  change({ filters });
}

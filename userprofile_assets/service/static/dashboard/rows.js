// The rows of each chart: what they are called, what a click on them filters by.

import { count, number, shown } from "../common/text.js";
import { byAge, byGender, bySign } from "./order.js";
import { current, isChosen, isMarked, toggle, toggleOneMore } from "./state.js";

/** What a click does: choose only this; with Ctrl, Shift or Command one more. */
function chooser(values) {
  return (event) =>
    event?.ctrlKey || event?.metaKey || event?.shiftKey ? toggleOneMore(values) : toggle(values);
}

function inWords(name, row) {
  return `${name}: ${count(row.users, "person", "people")}, ${count(row.pv, "page view")}`;
}

/** A row of people and page views that filters by some of its own values. */
function valueRow(row, names) {
  const values = Object.fromEntries(names.map((name) => [name, row[name]]));
  const name = names.map((one) => shown(row[one])).join(", ");
  return {
    values,
    name,
    n: row[current().measure],
    none: names.every((one) => row[one] === null),
    label: inWords(name, row),
    cells: [...names.map((one) => shown(row[one])), number(row.users), number(row.pv)],
    chosen: isMarked(values),
    act: chooser(values),
  };
}

/** The rows of one filter, as they came or in an order. */
export function rowsOf(data, name, order = null) {
  const rows = data.data.map((row) => valueRow(row, [name]));
  if (order) return rows.sort((one, other) => order(one.values[name], other.values[name]));
  return rows.sort((one, other) => other.n - one.n);
}

/** What to say of a row if nothing is known of anybody. */
export function nothingKnown(row) {
  return current().measure === "pv"
    ? `Nothing is known of those who made ${count(row.n, "page view")}.`
    : `Nothing is known of ${count(row.n, "person", "people")}.`;
}

/** The rows of signs. */
export function signRows(data) {
  return rowsOf(data, "zodiac", bySign);
}

/** The rows of age by gender. */
export function ageRows(data) {
  return data.data
    .map((row) => valueRow(row, ["age_range", "gender"]))
    .sort(
      (one, other) =>
        byAge(one.values.age_range, other.values.age_range) ||
        byGender(one.values.gender, other.values.gender),
    );
}

/** The rows of the ranking of cities. */
export function cityRows(data) {
  return data.data.map((row) => {
    const { country, region, city } = row;
    const values = { country, region, city };
    const where = [region, country].map(shown).join(", ");
    const n = row.registered_users;
    return {
      values,
      name: shown(city),
      n,
      none: city === null,
      label: `${shown(city)}, ${where}: ${count(n, "registered user")}`,
      cells: [shown(city), where, row.rank === null ? "–" : number(row.rank), number(n)],
      // The other filters of places have chosen the rows.
      chosen: isChosen({ city }),
      act: chooser(values),
    };
  });
}

// The tree of places that the treemap shows, made of the rows of /regions.

import { clipped, count, NOT_KNOWN } from "../common/text.js";

// More rectangles than this under one place are too small to read or to hit.
const MOST_CHILDREN = 40;

/** One place: its path from the country down, its numbers, the places in it. */
function node(path) {
  return { path, users: 0, pv: 0, children: new Map(), more: 0 };
}

/** Sum rows up to a tree whose root is the world. */
export function treeOf(rows) {
  const root = node([]);
  for (const row of rows) {
    const names = ["country", "region", "city"].filter((name) => name in row);
    let here = root;
    add(here, row);
    for (const name of names) {
      const value = row[name];
      if (!here.children.has(value)) here.children.set(value, node([...here.path, value]));
      here = here.children.get(value);
      add(here, row);
    }
  }
  return root;
}

function add(place, row) {
  place.users += row.users;
  place.pv += row.pv;
}

/** The place at a path, or null. */
export function at(root, path) {
  let here = root;
  for (const value of path) {
    here = here.children.get(value);
    if (!here) return null;
  }
  return here;
}

/** The places in one, the largest first; `rest` sums up those that are too many. */
export function childrenOf(place, measure, most = MOST_CHILDREN) {
  const sorted = [...place.children.values()].sort((a, b) => b[measure] - a[measure]);
  if (sorted.length <= most) return { shown: sorted, rest: null };
  const rest = node(place.path);
  for (const one of sorted.slice(most)) {
    add(rest, one);
    rest.children.set(one.path.at(-1), one);
  }
  rest.more = sorted.length - most;
  return { shown: sorted.slice(0, most), rest };
}

/** Whether the path of a place does something, or that of one in it. */
export function holds(place, does) {
  if (place.children.size === 0) return does(place.path);
  return [...place.children.values()].some((one) => holds(one, does));
}

/** The name of a place for people. */
export function nameOf(place, length = 24) {
  if (place.more) return count(place.more, "other place", "other places");
  if (place.path.length === 0) return "World";
  return clipped(place.path.at(-1) ?? NOT_KNOWN, length);
}

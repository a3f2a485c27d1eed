// The treemap of places: two levels at a time. A click on a rectangle drills to its place, which
// also filters everything else; a click on the head of the whole, or the path above, leads back up.

import { count, number, shown } from "../common/text.js";
import { childrenOf, nameOf } from "./places.js";
import { colour, draw, plain } from "./plot.js";

const INNER = 14;

function luminance(hex) {
  const [r, g, b] = [1, 3, 5].map((start) => {
    const part = Number.parseInt(hex.slice(start, start + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Black or white, whichever is easier to read on a colour: at 0.179 both have 4.58 to 1. */
export function readableOn(hex) {
  return luminance(hex) > 0.179 ? "#000000" : "#ffffff";
}

function mix(from, to, share) {
  const parts = [1, 3, 5].map((start) => {
    const [a, b] = [from, to].map((hex) => Number.parseInt(hex.slice(start, start + 2), 16));
    return Math.round(a + (b - a) * share).toString(16).padStart(2, "0");
  });
  return `#${parts.join("")}`;
}

/** The rectangles: a place, the places in it, and the places in those. */
function rectangles(root, measure) {
  const list = [{ place: root, parent: null }];
  const push = (place, parent) => {
    list.push({ place, parent });
    return list.length - 1;
  };
  const { shown: children, rest } = childrenOf(root, measure);
  for (const child of children) {
    const index = push(child, 0);
    const inner = childrenOf(child, measure, INNER);
    // One rectangle that fills another says the same twice.
    if (inner.shown.length < 2) continue;
    for (const one of inner.shown) push(one, index);
    if (inner.rest) push(inner.rest, index);
  }
  if (rest) push(rest, 0);
  return list;
}

/**
 * Draw the places in `root`; isStrong: tells of each place whether the filters let it through; go:
 * called with the path of what was clicked.
 */
export function drawTreemap(target, root, { measure, isStrong, go }) {
  const list = rectangles(root, measure);
  const parents = new Set(list.map((one) => one.parent).filter((parent) => parent !== null));
  const largest = Math.max(
    ...list.filter((_, index) => !parents.has(index)).map((one) => one.place[measure]),
    1,
  );
  const colours = list.map(({ place }, index) => {
    if (index === 0) return colour("surface");
    if (parents.has(index)) return colour("tree-parent");
    if (place.more || place.path.at(-1) === null) return colour("tree-grey");
    const share = Math.sqrt(place[measure] / largest);
    return mix(colour("tree-low"), colour("tree-high"), share);
  });
  // What is not chosen steps back.
  const fills = colours.map((one, index) => {
    const faded = index > 0 && !isStrong(list[index].place);
    return faded ? mix(one, colour("surface"), 0.55) : one;
  });
  const trace = {
    type: "treemap",
    ids: list.map((_, index) => `p${index}`),
    // The head of a rectangle that holds others has room for one line only.
    labels: list.map(({ place }, index) => {
      const name = plain(nameOf(place));
      return parents.has(index) ? `${name}  ${number(place[measure])}` : name;
    }),
    parents: list.map(({ parent }) => (parent === null ? "" : `p${parent}`)),
    values: list.map(({ place }) => place[measure]),
    text: list.map(({ place }) => number(place[measure])),
    hovertext: list.map(({ place }) => plain(placeLabel(place))),
    branchvalues: "total",
    texttemplate: "%{label}<br>%{text}",
    hovertemplate: "%{hovertext}<extra></extra>",
    textposition: "top left",
    // Not textfont: plotly 4 takes a list there for one colour, and warns.
    insidetextfont: { color: fills.map(readableOn) },
    marker: {
      colors: fills,
      line: { width: 1, color: colour("surface") },
      pad: { t: 20, l: 3, r: 3, b: 3 },
      cornerradius: 3,
    },
    pathbar: { visible: false },
    tiling: { pad: 1 },
    sort: true,
  };
  const layout = { margin: { l: 0, r: 0, t: 0, b: 0 }, uniformtext: { minsize: 10, mode: "hide" } };
  return draw(
    target,
    [trace],
    layout,
    (point) => {
      const hit = list[Number(String(point.id).slice(1))];
      if (!hit || hit.place.more) return;
      go(hit.parent === null ? root.path.slice(0, -1) : hit.place.path);
    },
    "plotly_treemapclick",
  );
}

/** A place with its numbers, in words. */
export function placeLabel(place) {
  const path = place.path.map(shown).join(", ");
  const name = place.more ? nameOf(place) : path;
  return `${name}: ${count(place.users, "person", "people")}, ${count(place.pv, "page view")}`;
}

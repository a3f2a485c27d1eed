// The lineage as a picture: datasets are links in columns, edges are curves behind them. What is
// upstream of the chosen place has solid blue edges, what is downstream dashed orange ones.

import { h, svg, the } from "../common/dom.js";
import { laneOf, layOut, reach } from "./layout.js";
import { linkTo, nameOf } from "./place.js";

// Beyond this many a picture of all is no help.
const MOST_OF_ALL = 120;

/** A name that may break behind its underscores. */
function breakable(name) {
  return name.split("_").flatMap((part, index) => (index ? [h("wbr"), `_${part}`] : [part]));
}

function wayOf(name, chosen, up, down) {
  if (chosen === null) return "";
  if (name === chosen) return "chosen";
  if (up.has(name)) return "up";
  return down.has(name) ? "down" : "off";
}

/**
 * What is to be drawn of all datasets: {nodes, edges, chosen, cut}.
 * A node is {name, layer, kind, way, columns}, an edge {from, to, way} between places.
 */
export function wholeGraph(datasets, chosen) {
  const before = new Map(datasets.map((one) => [one.name, one.dependencies]));
  const after = new Map(datasets.map((one) => [one.name, []]));
  for (const one of datasets) for (const name of one.dependencies) after.get(name)?.push(one.name);
  const up = chosen === null ? new Set() : reach(chosen, before);
  const down = chosen === null ? new Set() : reach(chosen, after);
  const many = datasets.length > MOST_OF_ALL;
  const nodes = datasets
    .map((one) => ({ ...one, columns: [], way: wayOf(one.name, chosen, up, down) }))
    .filter((node) => !many || (node.way !== "off" && node.way !== ""));
  const edges = datasets.flatMap((one) =>
    one.dependencies.map((from) => ({
      from: { dataset: from, column: null },
      to: { dataset: one.name, column: null },
      way: edgeWay(from, one.name, chosen, up, down),
    })),
  );
  return { nodes, edges, chosen, cut: many && chosen === null };
}

function edgeWay(from, to, chosen, up, down) {
  if (chosen === null) return "";
  if (to === chosen || up.has(to)) return "up";
  return from === chosen || down.has(from) ? "down" : "off";
}

/** What is to be drawn of an answer of /catalog/lineage about a column. */
export function columnGraph(answer) {
  const nodes = new Map();
  const ways = new Map();
  for (const { dataset, column, kind, layer, direction } of answer.nodes) {
    if (!nodes.has(dataset)) nodes.set(dataset, { name: dataset, kind, layer, columns: [], way: direction ?? "chosen" });
    if (direction === null) nodes.get(dataset).way = "chosen";
    nodes.get(dataset).columns.push({ name: column, way: direction ?? "chosen" });
    ways.set(nameOf({ dataset, column }), direction ?? "chosen");
  }
  const edges = answer.edges.map(({ from, to }) => ({
    from,
    to,
    way: ways.get(nameOf(to)) === "down" || ways.get(nameOf(from)) === "chosen" ? "down" : "up",
  }));
  return { nodes: [...nodes.values()], edges, chosen: answer.start.dataset, cut: false };
}

/** A curve from box to box, straight along those between the first and the last. */
function curveThrough(boxes, base) {
  const middle = (box) => box.top + box.height / 2 - base.top;
  let [x, y] = [boxes[0].right - base.left, middle(boxes[0])];
  let path = `M${x} ${y}`;
  for (const box of boxes.slice(1)) {
    const [left, height] = [box.left - base.left, middle(box)];
    const bend = (left - x) / 2;
    path += `C${x + bend} ${y} ${left - bend} ${height} ${left} ${height}H${box.right - base.left}`;
    [x, y] = [box.right - base.left, height];
  }
  // It ends at the left side of the last box.
  return path.slice(0, path.lastIndexOf("H"));
}

export class Graph {
  constructor(target) {
    this.target = target;
    this.edges = [];
    this.places = new Map();
    this.lines = svg("svg", { class: "edges", "aria-hidden": "true" });
    this.inner = h("div", { class: "inner" });
    target.addEventListener("keydown", (event) => this.onKey(event));
    new ResizeObserver(() => this.drawEdges()).observe(this.inner);
  }

  /** Draw a graph, and bring what is chosen into view. */
  show(graph) {
    const focused = this.target.contains(document.activeElement)
      ? document.activeElement.getAttribute("href")
      : null;
    this.places.clear();
    const { columns, bands } = layOut(
      graph.nodes,
      graph.edges.map(({ from, to }) => ({
        from: nameOf(from),
        source: from.dataset,
        target: to.dataset,
      })),
    );
    const byName = new Map(graph.nodes.map((node) => [node.name, node]));
    this.columns = columns.map(({ items }) => items.flatMap(({ name }) => name ?? []));
    this.lanes = columns.map(() => new Map());
    this.inner.style.gridTemplateColumns = `repeat(${columns.length}, max-content)`;
    this.inner.replaceChildren(
      this.lines,
      ...bands.map(({ layer, columns: span }) =>
        h("div", { class: "band", style: `grid-column: span ${span}` }, layer),
      ),
      ...columns.map(({ layer, items }, index) =>
        h(
          "ul",
          { class: "column", "aria-label": `Layer ${layer}` },
          items.map(({ name, lane }) =>
            name ? h("li", {}, this.node(byName.get(name))) : this.lane(lane, index),
          ),
        ),
      ),
    );
    this.edges = graph.edges.filter(
      ({ from, to }) => this.places.has(nameOf(from)) && this.places.has(nameOf(to)),
    );
    this.target.replaceChildren(this.inner);
    this.drawEdges();
    if (focused) this.target.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
    this.reveal(graph.chosen);
  }

  node(node) {
    const place = { dataset: node.name, column: null };
    const title = h(
      "a",
      {
        class: "title",
        href: linkTo(place),
        title: node.name,
        "aria-current": node.way === "chosen" && !node.columns.length ? "true" : null,
      },
      [breakable(node.name), h("span", { class: "kind" }, node.kind)],
    );
    const box = h("div", { class: `node ${node.way}`, dataset: { name: node.name } }, [
      title,
      node.columns.length
        ? h("ul", {}, node.columns.map((column) => this.column(node, column)))
        : null,
    ]);
    this.places.set(nameOf(place), box);
    return box;
  }

  lane(lane, index) {
    const item = h("li", { class: "lane", role: "presentation" });
    this.lanes[index].set(lane, item);
    return item;
  }

  column(node, { name, way }) {
    const place = { dataset: node.name, column: name };
    const link = h(
      "a",
      { class: way, href: linkTo(place), title: name, "aria-current": way === "chosen" ? "true" : null },
      name,
    );
    const item = h("li", {}, link);
    this.places.set(nameOf(place), item);
    return item;
  }

  drawEdges() {
    const base = this.inner.getBoundingClientRect();
    if (base.width === 0) return;
    this.lines.setAttribute("width", this.inner.scrollWidth);
    this.lines.setAttribute("height", this.inner.scrollHeight);
    // What is highlighted lies on top.
    const order = ["off", "", "up", "down"];
    const sorted = [...this.edges].sort((a, b) => order.indexOf(a.way) - order.indexOf(b.way));
    this.lines.replaceChildren(
      ...sorted.map(({ from, to, way }) => {
        const stops = [
          this.places.get(nameOf(from)),
          ...this.lanesBetween(from, to),
          this.places.get(nameOf(to)),
        ].map((one) => one.getBoundingClientRect());
        return svg("path", { class: way || null, d: curveThrough(stops, base) });
      }),
    );
  }

  /** The lanes that an edge takes through the columns between its ends. */
  lanesBetween(from, to) {
    const column = (name) => this.columns.findIndex((names) => names.includes(name));
    return this.lanes
      .slice(column(from.dataset) + 1, column(to.dataset))
      .map((lanes) => lanes.get(laneOf(nameOf(from))));
  }

  /** Scroll sideways, inside the picture only, until a dataset is in its middle. */
  reveal(name) {
    const box = name === null ? null : this.places.get(name);
    if (!box) return;
    const outer = this.target.getBoundingClientRect();
    const inner = box.getBoundingClientRect();
    this.target.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
    this.target.scrollTop += inner.top + inner.height / 2 - outer.top - outer.height / 2;
  }

  /** Arrow keys: up and down in a column, left and right to the nearest dataset beside it. */
  onKey(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    const name = event.target.closest?.(".node")?.dataset.name;
    if (!step || !name) return;
    event.preventDefault();
    const column = this.columns.findIndex((names) => names.includes(name));
    const next = step[0]
      ? this.nearest(name, this.columns[column + step[0]] ?? [])
      : this.columns[column][this.columns[column].indexOf(name) + step[1]];
    if (next) this.places.get(next).querySelector("a").focus();
  }

  nearest(name, names) {
    const middle = (one) => {
      const box = this.places.get(one).getBoundingClientRect();
      return box.top + box.height / 2;
    };
    const here = middle(name);
    const far = (one) => Math.abs(middle(one) - here);
    return [...names].sort((one, other) => far(one) - far(other))[0];
  }
}

/** Say what the picture shows, and offer the whole one. */
export function describe(place) {
  the("lineage-of").textContent = `of ${place ? nameOf(place) : "all datasets"}`;
  the("whole").hidden = !place;
}

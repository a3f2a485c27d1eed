// Where each dataset stands: layers from left to right, so that nearly every edge goes rightwards.
// Nothing of the page in here.

/** The layers in the order of the data; others come behind, by name. */
export const LAYERS = ["sources", "ingest", "ods", "dwd", "dim", "dws", "ads", "serving", "api"];

const SWEEPS = 6;
// More datasets than one layer will ever have behind each other.
const LAYER_WIDTH = 1000;

/** The layers that there are, in order. */
export function layersOf(datasets) {
  const found = [...new Set(datasets.map((one) => one.layer))];
  const place = (layer) => {
    const index = LAYERS.indexOf(layer);
    return index < 0 ? LAYERS.length : index;
  };
  return found.sort((one, other) => place(one) - place(other) || one.localeCompare(other));
}

/** How far right each dataset stands: right of what it is made from, and never left of its layer. */
function positions(datasets, before) {
  const layers = layersOf(datasets);
  const byName = new Map(datasets.map((one) => [one.name, one]));
  const found = new Map();
  const visit = (name) => {
    if (found.has(name)) return found.get(name);
    const own = layers.indexOf(byName.get(name).layer) * LAYER_WIDTH;
    found.set(name, own); // should there be a circle, it ends here
    const behind = before.get(name).map((one) => visit(one) + 1);
    found.set(name, Math.max(own, ...behind));
    return found.get(name);
  };
  for (const { name } of datasets) visit(name);
  return found;
}

function mean(numbers) {
  return numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
}

/** The name of the lane that the edges from a place take through a column. */
export function laneOf(from) {
  return `lane ${from}`;
}

/** Make room for edges that go past columns: in each of them a lane, shared by all from one place. */
function addLanes(columns, links, before, after) {
  const columnOf = new Map();
  columns.forEach(({ names }, index) => names.forEach((name) => columnOf.set(name, index)));
  for (const { from, source, target } of links) {
    const lane = laneOf(from);
    let last = source;
    for (let index = columnOf.get(source) + 1; index < columnOf.get(target); index += 1) {
      // A lane has as many names as columns: each place of it has neighbours of its own.
      const name = `${lane} ${index}`;
      if (!before.has(name)) {
        columns[index].names.push(name);
        columns[index].lanes.set(name, lane);
        before.set(name, []);
        after.set(name, []);
      }
      join(last, name, before, after);
      last = name;
    }
    join(last, target, before, after);
  }
}

function join(from, to, before, after) {
  if (!before.get(to).includes(from)) before.get(to).push(from);
  if (!after.get(from).includes(to)) after.get(from).push(to);
}

/** Order the datasets of each column by where their neighbours are, so that few edges cross. */
function untangle(columns, before, after) {
  const height = new Map();
  const measure = (column) =>
    column.names.forEach((name, index) =>
      height.set(name, (index + 0.5) / column.names.length),
    );
  columns.forEach(measure);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const neighbours = sweep % 2 ? after : before;
    for (const column of sweep % 2 ? [...columns].reverse() : columns) {
      const aim = new Map(
        column.names.map((name) => {
          const heights = neighbours.get(name).map((one) => height.get(one));
          return [name, heights.length ? mean(heights) : height.get(name)];
        }),
      );
      column.names.sort((one, other) => aim.get(one) - aim.get(other) || one.localeCompare(other));
      measure(column);
    }
  }
}

/**
 * Lay datasets out.
 *
 * datasets: [{name, layer}]; edges: [{from, source, target}]: the place they start at, and the names
 * of the two datasets; those to unknown names are left out.
 * Returns {columns, bands}. A column is {layer, items}, an item {name} of a dataset or {lane}, which
 * is room for edges that go past. A band is what stands under one head, columns of one layer beside
 * each other: {layer, columns}.
 */
export function layOut(datasets, edges) {
  const names = new Set(datasets.map((one) => one.name));
  const links = edges.filter(
    ({ source, target }) => names.has(source) && names.has(target) && source !== target,
  );
  const empty = () => new Map(datasets.map((one) => [one.name, []]));
  const madeFrom = empty();
  for (const { source, target } of links) madeFrom.get(target).push(source);
  const x = positions(datasets, madeFrom);
  const found = new Map();
  for (const { name, layer } of datasets) {
    const key = `${x.get(name)} ${layer}`;
    if (!found.has(key)) found.set(key, { layer, x: x.get(name), names: [], lanes: new Map() });
    found.get(key).names.push(name);
  }
  const columns = [...found.values()].sort(
    (one, other) => one.x - other.x || one.layer.localeCompare(other.layer),
  );
  for (const column of columns) column.names.sort();
  const [before, after] = [empty(), empty()];
  addLanes(columns, links, before, after);
  untangle(columns, before, after);
  const bands = [];
  for (const { layer } of columns) {
    if (bands.at(-1)?.layer === layer) bands.at(-1).columns += 1;
    else bands.push({ layer, columns: 1 });
  }
  const item = (column, name) =>
    column.lanes.has(name) ? { lane: column.lanes.get(name) } : { name };
  return {
    columns: columns.map((column) => ({
      layer: column.layer,
      items: column.names.map((name) => item(column, name)),
    })),
    bands,
  };
}

/** All names that can be reached from one, itself left out. */
export function reach(start, next) {
  const found = new Set();
  const waiting = [start];
  while (waiting.length) {
    for (const name of next.get(waiting.pop()) ?? []) {
      if (name !== start && !found.has(name)) {
        found.add(name);
        waiting.push(name);
      }
    }
  }
  return found;
}

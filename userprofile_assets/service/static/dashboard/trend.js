// The trend: people above, page views and lines below, on one axis of days.

import { dayInShort, number } from "../common/text.js";
import { colour, draw, plain } from "./plot.js";
import { countAxis } from "./ticks.js";

const DAY_MS = 86_400_000;
const TICK_PX = 70;

/** The rows with an empty one for each day that is not published: a line must not bridge it. */
export function withGaps(rows) {
  const filled = [];
  for (const row of rows) {
    const last = filled.at(-1);
    if (last) {
      let next = Date.parse(last.date) + DAY_MS;
      while (next < Date.parse(row.date)) {
        filled.push({ date: new Date(next).toISOString().slice(0, 10), missing: true });
        next += DAY_MS;
      }
    }
    filled.push(row);
  }
  return filled;
}

function series(rows, name, key, axis, look) {
  return {
    type: "scatter",
    mode: "lines+markers",
    name,
    x: rows.map((row) => row.date),
    y: rows.map((row) => row[key] ?? null),
    yaxis: axis,
    line: { color: colour(look.colour), width: 2, dash: look.dash },
    marker: { size: 5, color: colour(look.colour), symbol: look.symbol },
    hovertext: rows.map((row) => plain(`${name}: ${number(row[key])}`)),
    hovertemplate: "%{hovertext}<extra></extra>",
  };
}

/** Draw the days; go: called with the day that was clicked. */
export function drawTrend(target, days, { date, go }) {
  const rows = withGaps(days);
  const hasLines = days.some((row) => row.lines !== null);
  const traces = [
    series(rows, "People", "users", "y", { colour: "series-1", symbol: "circle" }),
    series(rows, "Registered", "registered", "y", {
      colour: "series-2",
      dash: "dash",
      symbol: "diamond",
    }),
    series(rows, "Page views", "pv", "y2", { colour: "series-3", symbol: "square" }),
  ];
  if (hasLines) {
    const look = { colour: "series-4", dash: "dot", symbol: "triangle-up" };
    traces.push(series(rows, "Lines", "lines", "y2", look));
  }
  const layout = {
    hovermode: "x unified",
    showlegend: true,
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", itemclick: false, itemdoubleclick: false },
    margin: { l: 8, r: 8, t: 30, b: 8 },
    xaxis: {
      type: "date",
      anchor: "y2",
      ...ticksOf(rows, target.clientWidth),
      showgrid: false,
    },
    yaxis: { domain: [0.56, 1], ...countAxis(highestOf(days, "users", "registered"), 4) },
    yaxis2: { domain: [0, 0.44], ...countAxis(highestOf(days, "pv", "lines"), 4) },
    shapes: [
      {
        type: "line",
        xref: "x",
        yref: "paper",
        x0: date,
        x1: date,
        y0: 0,
        y1: 1,
        layer: "below",
        line: { color: colour("line-strong"), width: 1 },
      },
    ],
  };
  return draw(target, traces, layout, (point) => {
    const row = rows[point.pointNumber];
    if (!row.missing) go(row);
  });
}

function highestOf(rows, ...keys) {
  return Math.max(...rows.flatMap((row) => keys.map((key) => row[key] ?? 0)));
}

/** The days to be named on the axis: the newest one, and others as there is room. */
function ticksOf(rows, width) {
  const step = Math.max(1, Math.ceil(rows.length / Math.max(2, Math.min(7, width / TICK_PX))));
  const named = rows.filter((_, index) => (rows.length - 1 - index) % step === 0);
  return {
    tickvals: named.map((row) => row.date),
    ticktext: named.map((row) => dayInShort(row.date)),
  };
}

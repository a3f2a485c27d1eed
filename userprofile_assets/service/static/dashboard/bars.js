// Bars: one for each row, or one for each row and series.

import { brief, clipped } from "../common/text.js";
import { colour, draw, plain } from "./plot.js";
import { countAxis } from "./ticks.js";

const PALE = 0.32;
// More are cut off at the end of the longest bar.
const MOST_DIGITS = 6;

/** How strong each bar is: those that are not chosen step back. */
function strengths(rows) {
  const some = rows.some((row) => row.chosen);
  return rows.map((row) => (some && !row.chosen ? PALE : 1));
}

/** Horizontal bars, the first row on top. A row needs name, n and what Card asks for. */
export function drawBars(target, rows, { most = Infinity, nameLength = 16 } = {}) {
  const seen = rows.slice(0, most);
  const highest = Math.max(...seen.map((row) => row.n), 1);
  const trace = {
    type: "bar",
    orientation: "h",
    x: seen.map((row) => row.n),
    y: seen.map((_, index) => index),
    width: 0.68,
    text: seen.map((row) => brief(row.n, MOST_DIGITS)),
    textposition: "outside",
    cliponaxis: false,
    textfont: { color: colour("muted") },
    marker: {
      color: seen.map((row) => colour(row.none ? "grey" : "accent-fill")),
      opacity: strengths(seen),
      cornerradius: 3,
    },
    hovertext: seen.map((row) => plain(row.label)),
    hovertemplate: "%{hovertext}<extra></extra>",
  };
  const layout = {
    hovermode: "y",
    bargap: 0.2,
    xaxis: { visible: false, range: [0, highest * 1.22] },
    yaxis: {
      range: [seen.length - 0.5, -0.5],
      tickvals: seen.map((_, index) => index),
      ticktext: seen.map((row) => plain(clipped(row.name, nameLength))),
      showgrid: false,
      zeroline: false,
      ticklabelstandoff: 6,
    },
  };
  return draw(target, [trace], layout, (point, event) => seen[point.pointNumber].act(event));
}

/** Vertical bars in groups: `groups` on the axis, a bar for each of `series` in each group. */
export function drawGroups(target, { groups, series, cell }) {
  const some = series.some((one) => groups.some((group) => cell(group, one.value)?.chosen));
  const traces = series.map((one) => {
    const rows = groups.map((group) => cell(group, one.value));
    return {
      type: "bar",
      name: plain(clipped(one.name, 14)),
      x: groups.map((_, index) => index),
      y: rows.map((row) => row?.n ?? 0),
      marker: {
        color: colour(one.colour),
        opacity: rows.map((row) => (some && !row?.chosen ? PALE : 1)),
        cornerradius: 3,
      },
      hovertext: rows.map((row) => plain(row?.label ?? "")),
      hovertemplate: "%{hovertext}<extra></extra>",
    };
  });
  const layout = {
    barmode: "group",
    bargap: 0.22,
    bargroupgap: 0.06,
    hovermode: "closest",
    showlegend: true,
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", itemclick: false, itemdoubleclick: false },
    margin: { l: 8, r: 8, t: 30, b: 8 },
    xaxis: {
      tickvals: groups.map((_, index) => index),
      ticktext: groups.map((group) => plain(clipped(group, 11)).replaceAll(" ", "<br>")),
      // Where there is no room: down to the left, as plotly drops the last name on its way out at
      // the right.
      autotickangles: [0, -30, -90],
      showgrid: false,
      zeroline: false,
    },
    yaxis: countAxis(Math.max(...traces.flatMap((trace) => trace.y)), 4),
  };
  return draw(target, traces, layout, (point, event) =>
    cell(groups[point.pointNumber], series[point.curveNumber].value)?.act(event),
  );
}


// The numbers on an axis of counts: whole ones, as plotly's own could be 0.5 or `500m`.

import { compact } from "../common/text.js";

const ROUND = [1, 2, 5, 10];

/** An axis from 0 for counts up to `highest`, with about `most` steps. */
export function countAxis(highest, most) {
  const end = Math.max(highest, 1);
  const least = Math.max(end / most, 1);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = ROUND.find((one) => one * power >= least) * power;
  const tickvals = [];
  // The axis may end beyond the highest count; a number beyond its end is not drawn.
  for (let tick = 0; tick < end + step; tick += step) tickvals.push(tick);
  return { tickvals, ticktext: tickvals.map(compact), rangemode: "tozero" };
}

// The state of a day or a rule as a badge: a sign and a word, never a colour alone.

import { h } from "./dom.js";

const SIGNS = { passed: "✓", warned: "!", failed: "✕", unknown: "?" };

/** Make a badge; `word` if it is to say more than the state. */
export function badge(state, word = state) {
  const known = SIGNS[state] ? state : "unknown";
  return h("span", { class: `badge ${known}` }, [
    h("span", { "aria-hidden": "true" }, SIGNS[known]),
    ` ${word}`,
  ]);
}

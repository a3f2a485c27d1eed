// The filters that are on, each as a button that takes it away.

import { h, the, value } from "../common/dom.js";
import { clipped, shown } from "../common/text.js";
import { clearFilters, current, FILTERS, remove } from "./state.js";

function wordOf(name, one) {
  return name === "is_registered" ? ({ true: "yes", false: "no" }[one] ?? one) : one;
}

function chip(name, one) {
  const word = wordOf(name, one);
  return h(
    "li",
    {},
    h(
      "button",
      {
        class: "chip",
        type: "button",
        title: shown(word),
        "aria-label": `Remove the filter ${FILTERS[name]}: ${shown(word)}`,
        onclick: () => {
          remove(name, one);
          focusNext();
        },
      },
      [
        h("span", { class: "what" }, `${FILTERS[name]} `),
        value(clipped(word, 24)),
        h("span", { class: "cross", "aria-hidden": "true" }, "×"),
      ],
    ),
  );
}

// The button that had the focus is gone.
function focusNext() {
  const next = the("chips").querySelector("button") ?? the("main");
  next.focus();
}

/** Show the filters that are on. */
export function showChips() {
  const chips = Object.keys(FILTERS).flatMap((name) =>
    (current().filters[name] ?? []).map((one) => chip(name, one)),
  );
  const clear = h(
    "li",
    {},
    h(
      "button",
      {
        class: "button quiet small",
        type: "button",
        onclick: () => {
          clearFilters();
          focusNext();
        },
      },
      "Clear all",
    ),
  );
  const none = h("li", { class: "hint" }, "No filter. Click a bar or a rectangle to add one.");
  the("chips").replaceChildren(...(chips.length ? [...chips, clear] : [none]));
}

// The datasets by layer; while something is searched for, what was found and where.

import { h, the, value } from "../common/dom.js";
import { clipped, count, shown } from "../common/text.js";
import { layersOf } from "./layout.js";
import { linkTo } from "./place.js";

const MOST_MATCHES = 4;
const SNIPPET = 110;

function link(dataset, chosen, more = null) {
  return h(
    "a",
    {
      class: "dataset",
      href: linkTo({ dataset: dataset.name, column: null }),
      "aria-current": dataset.name === chosen ? "true" : null,
    },
    [value(shown(dataset.name), { class: "mono" }), more],
  );
}

/** Show all datasets by layer. */
export function showAll(datasets, chosen) {
  the("list").replaceChildren(
    ...layersOf(datasets).map((layer) =>
      h("section", { "aria-label": `Layer ${layer}` }, [
        h("h3", {}, layer),
        h(
          "ul",
          {},
          datasets.filter((one) => one.layer === layer).map((one) => h("li", {}, link(one, chosen))),
        ),
      ]),
    ),
  );
}

function match(dataset, { where, column, text }) {
  if (column === null) return h("li", {}, [h("span", { class: "hint" }, `${where} `), value(clipped(text, SNIPPET))]);
  return h("li", {}, [
    h("span", { class: "hint" }, "column "),
    h("a", { class: "mono", href: linkTo({ dataset: dataset.name, column }) }, value(shown(column))),
    where === "column" ? null : [" ", value(clipped(text, SNIPPET), { class: "hint" })],
  ]);
}

/** Show what a search has found. */
export function showHits(hits, chosen) {
  const words = hits.length ? `${count(hits.length, "dataset")} found` : "Nothing was found.";
  the("list").replaceChildren(
    h("p", { class: "hint", role: "status" }, words),
    hits.length
      ? null
      : h("p", { class: "hint" }, "Every word must be in a name, a comment, a description, an owner or a tag."),
    h(
      "ul",
      { class: "hits" },
      hits.map((hit) =>
        h("li", {}, [
          link(hit, chosen, h("span", { class: "hint" }, ` ${hit.layer}`)),
          h(
            "ul",
            { class: "matches" },
            hit.matches
              .filter(({ where }) => where !== "name")
              .slice(0, MOST_MATCHES)
              .map((one) => match(hit, one)),
          ),
        ]),
      ),
    ),
  );
}

/** Mark the chosen dataset. */
export function markChosen(chosen) {
  for (const one of the("list").querySelectorAll("a.dataset")) {
    const is = one.getAttribute("href") === linkTo({ dataset: chosen ?? "", column: null });
    if (is) one.setAttribute("aria-current", "true");
    else one.removeAttribute("aria-current");
  }
}

/** Let the arrow keys go from the search field through the list. */
export function mountListKeys() {
  the("list").closest("section").addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const stops = [the("search"), ...the("list").querySelectorAll("a.dataset")];
    stops[stops.indexOf(document.activeElement) + by]?.focus();
  });
}

// Everything about one dataset: what it is, its columns and where they come from, its days.

import { badge } from "../common/badge.js";
import { h, the, value } from "../common/dom.js";
import { count, isoDay, number, shown, time } from "../common/text.js";
import { linkTo, nameOf } from "./place.js";

const MOST_SOURCES = 4;
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

function placeLink(place) {
  return h("a", { class: "mono", href: linkTo(place) }, value(shown(nameOf(place))));
}

function datasetLinks(names, none) {
  if (names.length === 0) return h("span", { class: "hint" }, none);
  return h(
    "ul",
    { class: "inline" },
    names.map((dataset) => h("li", {}, placeLink({ dataset, column: null }))),
  );
}

function bytes(n) {
  if (n === null || n === undefined) return "–";
  const power = n > 0 ? Math.min(Math.floor(Math.log2(n) / 10), UNITS.length - 1) : 0;
  return `${number(Math.round((n / 1024 ** power) * 10) / 10)} ${UNITS[power]}`;
}

function facts(dataset) {
  const pairs = [
    ["Owner", value(shown(dataset.owner))],
    ["Made from", datasetLinks(dataset.upstream, "nothing here")],
    ["Read by", datasetLinks(dataset.downstream, "nothing here")],
    dataset.tags.length ? ["Tags", value(dataset.tags.map(shown).join(", "))] : null,
    dataset.file ? ["File", value(dataset.file, { class: "mono" })] : null,
    dataset.source ? ["Seen last", sourceText(dataset.source)] : null,
  ];
  return h(
    "dl",
    {},
    pairs.filter(Boolean).map(([name, content]) => [h("dt", {}, name), h("dd", {}, content)]),
  );
}

function sourceText(source) {
  const rows = source.row_estimate === null ? null : `about ${count(source.row_estimate, "row")}`;
  const size = source.byte_estimate === null ? null : bytes(source.byte_estimate);
  const state = source.accepted ? null : "changed columns are not accepted yet";
  return [time(source.seen_at), rows, size, state].filter(Boolean).join(" · ");
}

function sources(list) {
  if (list.length === 0) return h("span", { class: "hint" }, "–");
  const items = list.map((place) => h("li", {}, placeLink(place)));
  if (list.length <= MOST_SOURCES) return h("ul", {}, items);
  return h("details", {}, [
    h("summary", {}, count(list.length, "column")),
    h("ul", {}, items),
  ]);
}

function columnRow(dataset, column, chosen) {
  const place = { dataset: dataset.name, column: column.name };
  const is = column.name.toLowerCase() === chosen?.toLowerCase();
  return h("tr", { class: is ? "chosen" : null, "aria-current": is ? "true" : null }, [
    h("th", { scope: "row" }, [
      h("a", { class: "mono", href: linkTo(place), title: "Show its lineage" }, value(shown(column.name))),
      column.pii ? h("span", { class: "badge warned pii", title: "Personal data" }, "pii") : null,
      column.partition ? h("span", { class: "badge" }, "day") : null,
      column.key ? h("span", { class: "badge" }, `${shown(column.key)} key`) : null,
    ]),
    h("td", { class: "mono" }, value(shown(column.type || "–"))),
    h("td", {}, value(column.comment ? shown(column.comment) : "–")),
    h("td", {}, sources(column.sources)),
  ]);
}

function table(caption, heads, rows) {
  return h("div", { class: "scroll" }, [
    h("table", {}, [
      h("caption", {}, caption),
      h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, rows),
    ]),
  ]);
}

function dayRow(day) {
  const date = isoDay(day.dt);
  const { quality } = day;
  return h("tr", {}, [
    h("th", { scope: "row" }, h("a", { href: `./?dt=${encodeURIComponent(date)}` }, date)),
    h("td", { class: "n" }, number(day.row_count)),
    h("td", { class: "n" }, bytes(day.byte_count)),
    h("td", {}, quality ? badge(quality.state) : h("span", { class: "hint" }, "not judged")),
    h("td", {}, time(day.made_at)),
    h("td", { class: "mono", title: shown(day.run_id) }, shown(day.run_id).slice(0, 8)),
  ]);
}

/** Show an answer of /catalog/datasets/NAME. */
export function showDetails(dataset, chosenColumn) {
  the("details-h").replaceChildren(value(shown(dataset.name), { class: "mono" }));
  const days = dataset.partitions;
  the("details-body").replaceChildren(
    h("p", { class: "kinds" }, [
      h("span", { class: "badge" }, dataset.kind),
      " ",
      h("span", { class: "badge" }, `layer ${dataset.layer}`),
    ]),
    ...dataset.description
      .split(/\n\n+/)
      .map((part) => h("p", { class: "description" }, value(shown(part.replaceAll("\n", " "))))),
    facts(dataset),
    dataset.columns.length
      ? table(
          count(dataset.columns.length, "column"),
          ["Column", "Type", "Comment", "Made from"],
          dataset.columns.map((column) => columnRow(dataset, column, chosenColumn)),
        )
      : h("p", { class: "hint" }, "Its columns are not known."),
    days.length
      ? table(
          dataset.more_partitions ? "Newest days" : "Days",
          ["Day", "Rows", "Bytes", "Quality", "Made", "Run"],
          days.map(dayRow),
        )
      : h("p", { class: "hint" }, dataset.kind === "source" ? "" : "No run has left a day of it yet."),
  );
  the("details").removeAttribute("aria-busy");
}

/** Say that there is no such dataset. */
export function showNoDetails(text) {
  the("details-h").textContent = "Details";
  the("details-body").replaceChildren(h("p", {}, value(shown(text))));
}

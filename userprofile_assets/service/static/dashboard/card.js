// One card with a chart: its states, and the table that says and does the same as the chart.

import { h, the, value } from "../common/dom.js";
import { NOT_KNOWN, number } from "../common/text.js";
import { loadPlotly } from "./plot.js";
import { isFiltered } from "./state.js";

const WANTS_TABLES = "tables";
const cards = new Set();

function tablesWanted() {
  try {
    return localStorage.getItem(WANTS_TABLES) === "yes";
  } catch {
    return false;
  }
}

/** Show all cards as tables, or as charts. */
export function showTables(wanted) {
  try {
    localStorage.setItem(WANTS_TABLES, wanted ? "yes" : "no");
  } catch {
    // Storage is switched off: the choice lasts as long as the page.
  }
  for (const card of cards) card.asTable(wanted);
}

/** Whether all cards start as tables. */
export function startsAsTables() {
  return tablesWanted();
}

/** Columns of names. */
export const texts = (...names) => names.map((name) => ({ name, numbers: false }));

/** Columns of numbers. */
export const numbers = (...names) => names.map((name) => ({ name, numbers: true }));

/**
 * A chart of rows. A row is {cells, label, chosen, act}: what the table shows in its columns, what a
 * screen reader says, whether it filters now, and what a click does (it gets the event).
 */
export class Card {
  /**
   * id: of its <section>. columns: of the table, by `texts` and `numbers`. rows: makes rows of the
   * data. draw: draws rows and data into an element. empty: what to say if no row matches; emptyDay:
   * if there is none without any filter. onlyNone: puts the row of what is not known under the chart,
   * as it may be most of the day and would flatten the others, and says what to say if it is alone.
   */
  constructor(
    id,
    {
      columns,
      rows,
      draw,
      empty = "Nothing matches.",
      emptyDay = "Nobody came on this day.",
      onlyNone = null,
    },
  ) {
    Object.assign(this, { columns, makeRows: rows, drawRows: draw, empty, emptyDay, onlyNone });
    this.section = the(id);
    this.body = this.section.querySelector(".body");
    this.title = this.section.querySelector("h2").textContent;
    this.plot = h("div", { class: "plot", "aria-hidden": "true" });
    this.table = h("div", { class: "table", hidden: true });
    this.message = h("div", { class: "message", hidden: true });
    this.skeleton = this.body.querySelector(".skeleton");
    this.aside = h("p", { class: "aside", hidden: true });
    this.body.append(this.plot, this.aside, this.table, this.message);
    this.button = h(
      "button",
      {
        class: "button quiet small",
        type: "button",
        "aria-pressed": "false",
        "aria-label": `${this.title} as a table`,
        onclick: () => this.asTable(!this.isTable),
      },
      "Table",
    );
    this.section.querySelector("header").append(this.button);
    this.data = null;
    this.failed = false;
    this.isTable = false;
    cards.add(this);
    if (tablesWanted()) this.asTable(true);
  }

  /** Show the table, or the chart. */
  asTable(wanted) {
    this.isTable = wanted;
    this.button.setAttribute("aria-pressed", String(wanted));
    if (this.data !== null) this.render();
  }

  /** Say that new data are on their way. */
  wait() {
    this.failed = false;
    this.section.setAttribute("aria-busy", "true");
  }

  /**
   * Load data and show them; the former stay until then. refused: whether an error concerns more
   * than this card. again: called to try this card again.
   */
  async load(request, refused, again) {
    this.wait();
    try {
      this.data = await request();
      this.skeleton?.remove();
      this.say(null);
      await this.render();
    } catch (error) {
      // What stopped it has settled this card, or waits for its next data.
      if (error.name === "AbortError" || refused(error)) return;
      this.fail(error, again);
    }
    this.section.removeAttribute("aria-busy");
  }

  fail(error, again) {
    this.failed = true;
    this.showNone([
      h("p", {}, [h("strong", {}, "This could not be loaded. "), error.message]),
      h("button", { class: "button", type: "button", onclick: again }, "Try again"),
    ]);
  }

  /** Nothing more comes; a card that failed by itself can still be tried again. */
  settle() {
    this.section.removeAttribute("aria-busy");
    if (!this.failed) this.showNone([h("p", {}, "Not loaded.")]);
  }

  showNone(content) {
    this.skeleton?.remove();
    this.data = null;
    this.hideAll();
    this.say(content);
  }

  hideAll() {
    this.plot.hidden = this.table.hidden = this.aside.hidden = true;
  }

  say(content) {
    this.message.hidden = content === null;
    this.message.replaceChildren(...(content ?? []));
  }

  /** Show the data as they are. */
  async render() {
    const { data } = this;
    if (data === null) return;
    const rows = this.makeRows(data);
    const lack = this.lackOf(rows);
    if (lack !== null) {
      this.hideAll();
      this.say([h("p", {}, lack)]);
      return;
    }
    this.say(null);
    if (!this.isTable) {
      try {
        await loadPlotly();
      } catch {
        // The package is not on the server: the tables have it all.
        this.isTable = true;
        this.button.hidden = true;
      }
      // While plotly came, a refusal may have taken the data away, or a click brought others.
      if (data !== this.data) return;
    }
    this.plot.hidden = this.isTable;
    this.table.hidden = !this.isTable;
    const none = this.onlyNone && !this.isTable ? rows.find((row) => row.none) : undefined;
    this.writeAside(none);
    if (this.isTable) this.writeTable(rows);
    else await this.drawRows(this.plot, rows.filter((row) => row !== none), data);
  }

  /** Why there is nothing to show of some rows; null: there is. */
  lackOf(rows) {
    if (rows.length === 0) return isFiltered() ? this.empty : this.emptyDay;
    const alone = this.onlyNone && !this.isTable && rows.every((row) => row.none);
    return alone ? this.onlyNone(rows[0]) : null;
  }

  writeAside(row) {
    this.aside.hidden = row === undefined;
    if (!row) return;
    this.aside.replaceChildren(
      h(
        "button",
        {
          class: "button quiet small",
          type: "button",
          "aria-pressed": String(Boolean(row.chosen)),
          title: row.label,
          onclick: (event) => row.act(event),
        },
        `${NOT_KNOWN}: ${number(row.n)}`,
      ),
    );
  }

  writeTable(rows) {
    const focused = this.table.contains(document.activeElement)
      ? document.activeElement.dataset.row
      : null;
    const head = h(
      "tr",
      {},
      this.columns.map((one) => h("th", { scope: "col", class: one.numbers ? "n" : null }, one.name)),
    );
    const body = rows.map((row, index) => h("tr", {}, this.cellsOf(row, index)));
    this.table.replaceChildren(
      h("table", {}, [
        h("caption", { class: "unseen" }, this.title),
        h("thead", {}, head),
        h("tbody", {}, body),
      ]),
    );
    // A click loads new numbers; whoever uses the keyboard stays where they were, or in the table.
    if (focused !== null) {
      const same = this.table.querySelector(`[data-row="${CSS.escape(focused)}"]`);
      (same ?? this.table.querySelector("button.row"))?.focus();
    }
  }

  cellsOf(row, index) {
    const [first, ...rest] = row.cells;
    const name = value(first, { class: first === NOT_KNOWN ? "none" : null });
    const head = row.act
      ? h(
          "button",
          {
            class: "row",
            type: "button",
            "aria-pressed": String(Boolean(row.chosen)),
            dataset: { row: row.label ?? String(index) },
            onclick: (event) => row.act(event),
          },
          name,
        )
      : name;
    return [
      h("th", { scope: "row" }, head),
      ...rest.map((cell, place) =>
        h("td", { class: this.columns[place + 1].numbers ? "n" : null }, value(cell)),
      ),
    ];
  }
}

/** Draw all charts anew, for example in other colours. */
export function renderAll() {
  for (const card of cards) card.render();
}

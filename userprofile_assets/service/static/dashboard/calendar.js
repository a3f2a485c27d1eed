// A month of days of which only the published ones can be chosen. Arrow keys go from one published
// day to the next; Page Up and Page Down change the month.

import { h } from "../common/dom.js";
import { dayInFull } from "../common/text.js";

const WEEKDAYS = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
const MONTH = new Intl.DateTimeFormat("en-GB", { month: "long", year: "numeric", timeZone: "UTC" });

const iso = (date) => date.toISOString().slice(0, 10);

/** The weeks of a month as ISO dates; null where a week has a day of another month. */
export function weeksOf(month) {
  const [year, number] = month.split("-").map(Number);
  const length = new Date(Date.UTC(year, number, 0)).getUTCDate();
  const before = (new Date(Date.UTC(year, number - 1, 1)).getUTCDay() + 6) % 7;
  const cells = [
    ...Array(before).fill(null),
    ...Array.from({ length }, (_, index) => iso(new Date(Date.UTC(year, number - 1, index + 1)))),
  ];
  while (cells.length % 7) cells.push(null);
  return Array.from({ length: cells.length / 7 }, (_, week) => cells.slice(week * 7, week * 7 + 7));
}

export class Calendar {
  /** days: Map of ISO date -> state of its quality. choose: called with a date. */
  constructor(target, choose) {
    Object.assign(this, { target, choose, days: new Map(), month: "", chosen: "" });
    target.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** Show the month of a day and put the focus on it; chosen: the day that is looked at, if any. */
  open(days, date, chosen) {
    this.days = days;
    this.chosen = chosen;
    this.month = date.slice(0, 7);
    this.render();
    this.focus(date);
  }

  get months() {
    return [...new Set([...this.days.keys()].map((date) => date.slice(0, 7)))].sort();
  }

  render() {
    const months = this.months;
    const index = months.indexOf(this.month);
    const turn = (by, name, sign) =>
      h(
        "button",
        {
          class: "button quiet icon",
          type: "button",
          "aria-label": name,
          disabled: !months[index + by],
          onclick: () => this.turn(by),
        },
        sign,
      );
    const title = MONTH.format(new Date(`${this.month}-01T00:00:00Z`));
    this.target.replaceChildren(
      h("div", { class: "month" }, [
        turn(-1, "Month before", "‹"),
        h("strong", { "aria-live": "polite" }, title),
        turn(1, "Month after", "›"),
      ]),
      h("table", {}, [
        h("caption", { class: "unseen" }, `Published days of ${title}`),
        h("thead", {}, h("tr", {}, WEEKDAYS.map((day) => h("th", { scope: "col" }, day)))),
        h(
          "tbody",
          {},
          weeksOf(this.month).map((week) => h("tr", {}, week.map((date) => this.cell(date)))),
        ),
      ]),
    );
  }

  cell(date) {
    if (date === null) return h("td");
    const day = String(Number(date.slice(8)));
    const state = this.days.get(date);
    if (state === undefined) return h("td", {}, h("span", { class: "off" }, day));
    return h(
      "td",
      {},
      h(
        "button",
        {
          class: `day ${state}`,
          type: "button",
          dataset: { date },
          "aria-current": date === this.chosen ? "date" : null,
          "aria-label": `${dayInFull(date)}, quality ${state}`,
          onclick: () => this.choose(date),
        },
        day,
      ),
    );
  }

  turn(by) {
    const next = this.months[this.months.indexOf(this.month) + by];
    if (!next) return;
    this.month = next;
    this.render();
    const inside = [...this.days.keys()].filter((date) => date.startsWith(next)).sort();
    this.focus(by < 0 ? inside.at(-1) : inside[0]);
  }

  focus(date) {
    this.target.querySelector(`[data-date="${date}"]`)?.focus();
  }

  onKey(event) {
    const date = event.target.dataset?.date;
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 }[event.key];
    if (event.key === "PageUp" || event.key === "PageDown") {
      event.preventDefault();
      this.turn(event.key === "PageUp" ? -1 : 1);
    } else if (date && by) {
      event.preventDefault();
      this.move(date, by);
    }
  }

  /** Go to the published day that is nearest to `by` days away, in that direction. */
  move(date, by) {
    const target = iso(new Date(Date.parse(date) + by * 86_400_000));
    const sorted = [...this.days.keys()].sort();
    const next =
      by > 0 ? sorted.find((one) => one >= target) : sorted.findLast((one) => one <= target);
    if (!next) return;
    if (next.slice(0, 7) !== this.month) {
      this.month = next.slice(0, 7);
      this.render();
    }
    this.focus(next);
  }
}

// The dashboard: asks for the days, then for everything about the chosen one, and says what is in
// the way if there is something.

import { ask } from "../common/api.js";
import { h, the, value } from "../common/dom.js";
import { mountForget, Notice } from "../common/notice.js";
import { mountSkip } from "../common/skip.js";
import { clipped, count, dayInFull, isDay } from "../common/text.js";
import { mountTheme, onTheme } from "../common/theme.js";
import { renderAll, showTables, startsAsTables } from "./card.js";
import { makeCharts } from "./charts.js";
import { showChips } from "./chips.js";
import { chosenDay, loadChosenDay, loadDays, mountDays, showDay, showNoDay } from "./days.js";
import { showQuality } from "./quality.js";
import { clearFilters, current, filtersWithout, isFiltered, onChange, setDay, setMeasure } from "./state.js";
import { emptyTiles, mountTiles, showTiles, waitForTiles } from "./tiles.js";

const notice = new Notice(the("notice"));
const charts = makeCharts();
let underWay = new AbortController();
let hasDays = false;

function say(text) {
  the("status").textContent = text;
}

function button(text, action) {
  return h("button", { class: "button main", type: "button", onclick: action }, text);
}

/** Ask for everything anew. */
function reload() {
  hasDays = false;
  refresh();
}

/** What a refusal means; the first that concerns the whole page stops everything else. */
function refused(error, signal) {
  if (signal.aborted) return true;
  if (!notice.refuse(error, reload)) return false;
  underWay.abort();
  settle();
  return true;
}

/** Nothing more comes: what was to come is shown as absent. */
function settle() {
  showNoDay();
  emptyTiles();
  the("quality-body").replaceChildren(h("p", { class: "hint" }, "Not loaded."));
  for (const { card } of charts) card.settle();
  mountForget(the("forget"), reload);
}

function nothingPublished() {
  notice.show({
    title: "No day is published yet",
    text: [
      h("p", {}, "The dashboard shows days that the assets of the group serving have published:"),
      h("pre", {}, "userprofile demo"),
      h("p", {}, "makes some with the embedded sources; in Dagster, materialize the job's newest partition."),
    ],
    actions: [button("Look again", reload)],
  });
  settle();
}

function notThatDay() {
  const { dt } = current();
  const [title, ...text] = isDay(dt)
    ? ["This day is not published", "It was never published, or it is older than the database keeps days."]
    : ["There is no such day", value(clipped(dt, 24)), " is no day of the calendar; a day is written as 2024-08-07."];
  notice.show({
    title,
    text: [h("p", {}, text)],
    actions: [button("Show the newest day", () => setDay(null))],
  });
  settle();
}

function nothingMatches() {
  notice.show({
    title: "No profile of this day matches the filters",
    text: [h("p", {}, "Remove a filter above, or all of them.")],
    actions: [button("Clear the filters", clearFilters)],
  });
}

async function loadSummary(dt, signal) {
  waitForTiles();
  try {
    const summary = await ask("summary", { dt, ...filtersWithout() }, signal);
    showTiles(summary);
    if (summary.data.users === 0 && isFiltered()) nothingMatches();
    return summary;
  } catch (error) {
    if (!signal.aborted && !refused(error, signal)) {
      emptyTiles();
      notice.show({
        title: "The numbers of the day could not be loaded",
        text: [h("p", {}, error.message)],
        actions: [button("Try again", reload)],
        tone: "bad",
      });
    }
    return null;
  }
}

async function loadQuality(dt, signal) {
  try {
    showQuality(await ask("quality", { dt }, signal));
  } catch (error) {
    if (signal.aborted || refused(error, signal)) return;
    the("quality-body").replaceChildren(
      h("p", {}, [h("strong", {}, "This could not be loaded. "), error.message]),
    );
  }
}

function loadChart({ card, request }, dt, signal) {
  const again = () => {
    // What was stopped with the whole page comes back with it.
    if (signal.aborted) reload();
    else loadChart({ card, request }, dt, signal);
  };
  return card.load(() => request(dt, signal), (error) => refused(error, signal), again);
}

async function refresh() {
  underWay.abort();
  underWay = new AbortController();
  const { signal } = underWay;
  notice.clear();
  for (const { card } of charts) card.wait();
  showChips();
  for (const input of the("measure").querySelectorAll("input")) {
    input.checked = input.value === current().measure;
  }
  try {
    hasDays ||= await loadDays(signal);
    if (!hasDays) {
      nothingPublished();
      return;
    }
    await loadChosenDay(signal);
  } catch (error) {
    if (signal.aborted || refused(error, signal)) return;
    notice.show({
      title: "The days could not be loaded",
      text: [h("p", {}, error.message)],
      actions: [button("Try again", reload)],
      tone: "bad",
    });
    settle();
    return;
  }
  mountForget(the("forget"), reload);
  const day = chosenDay();
  if (!day) {
    notThatDay();
    return;
  }
  showDay(day);
  say(`Loading ${dayInFull(day.date)}`);
  const [summary] = await Promise.all([
    loadSummary(day.dt, signal),
    loadQuality(day.dt, signal),
    ...charts.map((chart) => loadChart(chart, day.dt, signal)),
  ]);
  if (summary && !signal.aborted) {
    say(`${dayInFull(day.date)}: ${count(summary.data.users, "person", "people")}`);
    the("main").dataset.ready = "yes";
  }
}

mountSkip();
mountTheme(the("theme"));
mountForget(the("forget"), reload);
mountDays((error) => notice.refuse(error, reload));
mountTiles();
onTheme(renderAll);
onChange(() => {
  delete the("main").dataset.ready;
  refresh();
});
for (const input of the("measure").querySelectorAll("input")) {
  input.addEventListener("change", () => setMeasure(input.value));
}
for (const input of the("views").querySelectorAll("input")) {
  input.checked = (input.value === "tables") === startsAsTables();
  input.addEventListener("change", () => showTables(input.value === "tables"));
}
refresh();

// The data map: asks for all datasets, then for what the address names.

import { ask } from "../common/api.js";
import { h, the } from "../common/dom.js";
import { mountForget, Notice } from "../common/notice.js";
import { mountSkip } from "../common/skip.js";
import { count } from "../common/text.js";
import { mountTheme } from "../common/theme.js";
import { showDetails, showNoDetails } from "./details.js";
import { columnGraph, describe, Graph, wholeGraph } from "./graph.js";
import { markChosen, mountListKeys, showAll, showHits } from "./list.js";
import { nameOf, placeInAddress } from "./place.js";

const TYPING_MS = 150;
const DAYS = 30;

const notice = new Notice(the("notice"));
const graph = new Graph(the("graph"));
let datasets = null;
let underWay = new AbortController();
let searching = new AbortController();
let typing = null;

function say(text) {
  the("status").textContent = text;
}

/** Ask for everything anew. */
function reload() {
  datasets = null;
  refresh();
}

function refuse(error) {
  if (notice.refuse(error, reload)) {
    mountForget(the("forget"), reload);
    return;
  }
  notice.show({
    title: "This could not be loaded",
    text: [h("p", {}, error.message)],
    actions: [h("button", { class: "button main", type: "button", onclick: reload }, "Try again")],
    tone: "bad",
  });
}

function showGraph(drawn) {
  if (!drawn.cut) {
    graph.show(drawn);
    return;
  }
  const words = `There are ${count(datasets.length, "dataset")}: choose one to see its lineage.`;
  the("graph").replaceChildren(h("p", { class: "hint" }, words));
}

async function refresh() {
  underWay.abort();
  underWay = new AbortController();
  const { signal } = underWay;
  notice.clear();
  delete the("main").dataset.ready;
  try {
    if (datasets === null) {
      datasets = (await ask("catalog/datasets", {}, signal)).data;
      mountForget(the("forget"), reload);
      search();
    }
    await showPlace(placeInAddress(), signal);
    if (!signal.aborted) the("main").dataset.ready = "yes";
  } catch (error) {
    if (!signal.aborted) refuse(error);
  }
}

async function showPlace(place, signal) {
  const known = place && datasets.find((one) => one.name.toLowerCase() === place.dataset.toLowerCase());
  markChosen(known?.name ?? null);
  describe(known ? place : null);
  if (!place) {
    showGraph(wholeGraph(datasets, null));
    showNoDetails("Choose a dataset to see its columns, where they come from, and its days.");
    document.title = "Data map · User profiles";
    return;
  }
  document.title = `${nameOf(place)} · Data map`;
  if (known && place.column === null) showGraph(wholeGraph(datasets, known.name));
  the("details").setAttribute("aria-busy", "true");
  try {
    const name = encodeURIComponent(known?.name ?? place.dataset);
    const lineage =
      place.column === null
        ? null
        : ask(`catalog/lineage/${encodeURIComponent(nameOf(place))}`, {}, signal);
    const [details, answer] = await Promise.all([
      ask(`catalog/datasets/${name}`, { partitions: DAYS }, signal),
      lineage,
    ]);
    if (answer) showGraph(columnGraph(answer));
    showDetails(details, place.column);
    say(`${nameOf(place)}: ${count(details.columns.length, "column")}`);
  } catch (error) {
    the("details").removeAttribute("aria-busy");
    // The API names the nearest names.
    if (error.status !== 404) throw error;
    showGraph(wholeGraph(datasets, known?.name ?? null));
    const words = error.message.replace(/\/api\S+ lists all\.$/, "Choose one in the list.");
    showNoDetails(words);
    say(words);
  }
}

async function search() {
  searching.abort();
  searching = new AbortController();
  const { signal } = searching;
  const words = the("search").value.trim();
  const chosen = placeInAddress()?.dataset ?? null;
  if (datasets === null) return;
  if (!words) {
    showAll(datasets, chosen);
    return;
  }
  try {
    const { data } = await ask("catalog/search", { q: words }, signal);
    showHits(data, chosen);
  } catch (error) {
    if (!signal.aborted) refuse(error);
  }
}

mountSkip();
mountTheme(the("theme"));
mountForget(the("forget"), reload);
mountListKeys();
the("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(search, TYPING_MS);
});
the("search").form.addEventListener("submit", (event) => {
  event.preventDefault();
  the("list").querySelector("a.dataset")?.click();
});
the("whole").addEventListener("click", () => {
  history.pushState(null, "", location.pathname);
  refresh();
});
addEventListener("hashchange", refresh);
addEventListener("popstate", (event) => {
  if (!location.hash && event.isTrusted) refresh();
});
refresh();

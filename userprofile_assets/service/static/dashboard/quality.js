// How good the day is: its state, and the rules that failed or warned.

import { badge } from "../common/badge.js";
import { h, the, value } from "../common/dom.js";
import { count, number, shown, time, webLink } from "../common/text.js";

const STATES = {
  passed: "All rules passed",
  warned: "Some rules warned",
  failed: "Some rules failed",
  unknown: "Not judged",
};
const WORST_FIRST = ["failed", "warned", "unknown", "passed"];

/** A link to a run of Dagster; only its identifier if it is not known where the UI is. */
export function runLink(url, id, text = "run") {
  const short = shown(id).slice(0, 8);
  const href = webLink(url);
  if (!href) return h("span", { class: "mono", title: shown(id) }, short);
  return h("a", { href, target: "_blank", rel: "noopener noreferrer" }, [
    `${text} `,
    h("span", { class: "mono" }, short),
    h("span", { class: "unseen" }, " in Dagster, in a new tab"),
  ]);
}

function ruleItem(rule) {
  return h("li", {}, [
    h("div", { class: "rule" }, [
      badge(rule.status),
      value(shown(rule.rule), { class: "mono name" }),
    ]),
    h("p", {}, value(shown(rule.message))),
    h("p", { class: "hint" }, [
      h("a", { href: `catalog#${encodeURIComponent(rule.table)}` }, value(shown(rule.table))),
      ` · ${rule.strength === "strong" ? "strong rule" : "weak rule"} · `,
      runLink(rule.run_url, rule.run_id),
      ` · ${time(rule.checked_at)}`,
    ]),
  ]);
}

/** Show an answer of /quality. */
export function showQuality(answer) {
  const rules = [...answer.data].sort(
    (one, other) => WORST_FIRST.indexOf(one.status) - WORST_FIRST.indexOf(other.status),
  );
  const told = rules.filter((rule) => rule.status !== "passed");
  const passed = rules.filter((rule) => rule.status === "passed");
  the("quality-body").replaceChildren(
    h("p", { class: "state" }, [badge(answer.state), h("span", {}, STATES[answer.state] ?? STATES.unknown)]),
    ...(rules.length === 0 ? [h("p", { class: "hint" }, "No rule was asked about this day.")] : []),
    h("ul", { class: "rules" }, told.map(ruleItem)),
    ...(passed.length
      ? [
          h("details", {}, [
            h("summary", {}, `${count(passed.length, "rule")} passed`),
            h("ul", { class: "rules" }, passed.map(ruleItem)),
          ]),
        ]
      : []),
  );
}

/** How many rules ended how, in words. */
export function countsText(counts) {
  return WORST_FIRST.filter((state) => counts[state])
    .map((state) => `${number(counts[state])} ${state}`)
    .join(", ");
}

// The switch between light and dark. theme-first.js applies what was chosen before.

import { h } from "./dom.js";

const NAMES = ["system", "light", "dark"];
const LABELS = { system: "Auto", light: "Light", dark: "Dark" };
const listeners = new Set();
const darkSystem = matchMedia("(prefers-color-scheme: dark)");

function chosen() {
  return document.documentElement.dataset.theme ?? "system";
}

/** Whether the page is dark now. */
export function isDark() {
  return chosen() === "system" ? darkSystem.matches : chosen() === "dark";
}

/** Call a function whenever the colours of the page change. */
export function onTheme(listener) {
  listeners.add(listener);
}

function choose(name) {
  if (name === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  try {
    if (name === "system") localStorage.removeItem("theme");
    else localStorage.setItem("theme", name);
  } catch {
    // Storage is switched off: the choice lasts as long as the page.
  }
  tell();
}

function tell() {
  for (const listener of listeners) listener();
}

/** Put the switch into an element. */
export function mountTheme(target) {
  const options = NAMES.map((name) =>
    h("label", {}, [
      h("input", {
        type: "radio",
        name: "theme",
        value: name,
        checked: chosen() === name,
        onchange: () => choose(name),
      }),
      h("span", {}, LABELS[name]),
    ]),
  );
  target.replaceChildren(
    h("fieldset", { class: "segments" }, [h("legend", { class: "unseen" }, "Colours"), ...options]),
  );
  darkSystem.addEventListener("change", tell);
}

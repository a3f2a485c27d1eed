// The switch between light and dark. theme-first.js applies what was chosen before.

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

/** Let the switch of the page work; it is there from the start, so that its coming moves nothing. */
export function mountTheme(target) {
  for (const input of target.querySelectorAll("input")) {
    input.checked = input.value === chosen();
    input.addEventListener("change", () => choose(input.value));
  }
  target.disabled = false;
  darkSystem.addEventListener("change", tell);
}

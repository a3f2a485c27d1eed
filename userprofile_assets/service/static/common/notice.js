// One notice for what concerns the whole page: a key is asked for, the server is gone, nothing is
// published. Says what to do, and is read out by screen readers.

import { h } from "./dom.js";
import { forgetKey, keepKey, readKey } from "./key.js";

const COMMANDS = "userprofile keys create";

function keyForm(again, wrong) {
  const input = h("input", {
    id: "key",
    type: "password",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    "aria-describedby": "key-hint",
  });
  const form = h("form", { class: "key-form" }, [
    h("label", { for: "key" }, "API key"),
    input,
    h("button", { class: "button main", type: "submit" }, "Show the data"),
    h("p", { id: "key-hint", class: "hint" }, [
      "It stays in this tab and is forgotten with it. ",
      h("code", {}, COMMANDS),
      " on the server makes one.",
    ]),
  ]);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keepKey(input.value.trim());
    again();
  });
  return { form, input, title: wrong ? "This key is not accepted" : "An API key is needed" };
}

function retryButton(again, text = "Try again") {
  return h("button", { class: "button main", type: "button", onclick: again }, text);
}

/** What each kind of refusal means to a person. */
function wording(error) {
  const details = error.detail || error.title;
  return {
    forbidden: ["This key may not see this", details],
    busy: ["Too many requests", "The limit of this key is reached for the moment."],
    unavailable: ["The database does not answer", `${details} The page can be tried again.`.trim()],
    network: [
      "The server does not answer",
      "Check that `userprofile serve` runs and that this machine reaches it.",
    ],
  }[error.kind];
}

export class Notice {
  /** target: a region of the page that is empty while all is well. */
  constructor(target) {
    this.target = target;
    this.timer = null;
    target.setAttribute("aria-live", "polite");
  }

  /** Take the notice away. */
  clear() {
    clearInterval(this.timer);
    if (this.target.childElementCount) this.target.replaceChildren();
  }

  /** Show a title, some text and what can be done. */
  show({ title, text = [], actions = [], tone = "calm" }) {
    this.clear();
    this.target.append(
      h("div", { class: `notice ${tone}` }, [
        h("h2", {}, title),
        h("div", {}, text),
        actions.length ? h("div", { class: "actions" }, actions) : null,
      ]),
    );
  }

  /** Say what a refusal means; return whether it concerns the whole page. */
  refuse(error, again) {
    if (error.kind === "key") {
      const { form, input, title } = keyForm(again, readKey() !== null);
      forgetKey();
      this.show({ title, text: [form] });
      input.focus();
      return true;
    }
    const words = wording(error);
    if (!words) return false;
    const text = h("p", {}, words[1]);
    const actions = [retryButton(again)];
    if (error.kind === "forbidden") {
      const other = () => {
        forgetKey();
        this.refuse({ kind: "key" }, again);
      };
      actions.splice(0, 1, retryButton(other, "Use another key"));
    }
    this.show({ title: words[0], text: [text], actions, tone: "bad" });
    if (error.kind === "busy") this.countDown(text, error.retryAfter ?? 10, again);
    return true;
  }

  /** Try again by itself when the server has said it may. */
  countDown(text, seconds, again) {
    const before = text.textContent;
    // Screen readers hear it once, not every second.
    const left = h("span", { "aria-hidden": "true" });
    let rest = seconds;
    const write = () => {
      left.textContent = ` Trying again in ${rest} s.`;
    };
    text.replaceChildren(before, left);
    write();
    this.timer = setInterval(() => {
      rest -= 1;
      write();
      if (rest > 0) return;
      clearInterval(this.timer);
      again();
    }, 1000);
  }
}

/** Let the button that forgets the key work; it is not seen while there is none. */
export function mountForget(button, again) {
  button.hidden = readKey() === null;
  button.onclick = () => {
    forgetKey();
    again();
  };
}

// The link that skips the head of a page. It only moves the focus: the fragment of the address names
// a dataset on the data map, and a new one makes the dashboard load anew.

import { the } from "./dom.js";

/** Make the link lead to the main element. */
export function mountSkip() {
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    the("main").focus();
  });
}

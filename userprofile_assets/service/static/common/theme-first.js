// Sets the theme that was chosen before anything is painted; a module would come too late.
// It is no module, so it loads in the head without waiting for others.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("theme");
  } catch {
    // Storage is switched off: the system's theme it is.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();

/* Runs before the page is drawn: on a first visit the theme chooses light or dark only when all its
   scripts have loaded, and the page would be drawn twice.  What works by script alone shows now. */
(() => {
  const page = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  if (!["light", "dark"].includes(page.dataset.theme)) {
    page.dataset.theme = dark ? "dark" : "light";
  }
  page.dataset.scripts = "";
})();

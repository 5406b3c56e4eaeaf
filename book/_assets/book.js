/* Small repairs and habits of every page.  No request, no storage. */
"use strict";

/* Names that the theme leaves out or contradicts, for readers who hear the page. */
function nameControls() {
  const sidebar = document.querySelector(".bd-sidebar-primary");
  sidebar?.setAttribute("role", "complementary");
  sidebar?.setAttribute("aria-label", "Book");
  for (const summary of document.querySelectorAll(".bd-sidebar-primary summary")) {
    const chapter = summary.closest("li")?.querySelector("a")?.textContent.trim();
    summary.setAttribute("aria-label", `Pages of ${chapter}`);
  }
  for (const summary of document.querySelectorAll("details.hide > summary")) {
    summary.removeAttribute("aria-label");
  }
  for (const button of document.querySelectorAll(".search-button-field")) {
    button.setAttribute("aria-label", `Search ${button.innerText.replace(/\s+/g, " ").trim()}`);
  }
}

/* A box that scrolls sideways must be reachable by keyboard. */
function reachScrollBoxes() {
  const boxes = document.querySelectorAll(
    ".bd-article pre, .bd-article div.math, .bd-article mjx-container, .figure-scroll, " +
      ".explorable-still, .pst-scrollable-table-container, .output.text_html, .widget-html-content"
  );
  for (const box of boxes) {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else if (box.getAttribute("tabindex") === "0") box.removeAttribute("tabindex");
  }
}

/* The widget's slider knows its position, not its name or the value shown beside it. */
function nameSliders() {
  for (const handle of document.querySelectorAll(".course-explorable [role=slider]")) {
    const slider = handle.closest(".widget-inline-hbox");
    const value = slider.querySelector(".widget-readout")?.textContent;
    handle.setAttribute("aria-label", slider.querySelector(".widget-label").textContent);
    if (value && handle.getAttribute("aria-valuetext") !== value) {
      handle.setAttribute("aria-valuetext", value);
    }
  }
}

/* Paper is white, and shows what is folded. */
function preparePrint() {
  const root = document.documentElement;
  const theme = root.dataset.theme;
  const folded = document.querySelectorAll(".bd-article details:not([open])");
  window.addEventListener("beforeprint", () => {
    root.dataset.theme = "light";
    folded.forEach((details) => (details.open = true));
  });
  window.addEventListener("afterprint", () => {
    root.dataset.theme = theme;
    folded.forEach((details) => (details.open = false));
  });
}

/* Search shows each page's text around the word; the theme's buttons are not part of it.  From a
   folder no page may read another, so there it shows titles alone. */
function searchArticles() {
  if (typeof Search === "undefined") return;
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  const wholePage = Search.htmlToText;
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const article = page.querySelector(".bd-article");
    return wholePage(article ? `<div role="main">${article.outerHTML}</div>` : html, anchor);
  };
}

function start() {
  searchArticles();
  nameControls();
  reachScrollBoxes();
  preparePrint();
  window.addEventListener("resize", reachScrollBoxes);
  // Widgets and equations arrive later, and sliders rewrite their values.
  let due = false;
  const refresh = () => {
    due = false;
    nameSliders();
    reachScrollBoxes();
  };
  const changed = () => {
    if (!due) due = requestAnimationFrame(refresh);
  };
  const article = document.querySelector(".bd-article");
  if (article) {
    const watched = { childList: true, subtree: true, characterData: true };
    new MutationObserver(changed).observe(article, watched);
  }
}

start();

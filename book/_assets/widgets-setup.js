/* Loaded after RequireJS and before the widget manager, which otherwise look for their files on a
   public server. */
(() => {
  const root = document.documentElement.dataset.content_root || "./";
  requirejs.config({ baseUrl: new URL(root + "_static/offline/amd", document.baseURI).href });

  // The widget manager calls MathJax 2; the page has MathJax 3.  Listeners run in order, so this
  // one comes before the widget manager's.
  window.addEventListener("load", () => {
    const page = window.MathJax;
    if (!page?.startup || page.Hub) return;
    page.Hub = {
      Config() {},
      Configured() {},
      Queue: ([, , element]) => page.startup.promise.then(() => page.typesetPromise([element])),
    };
  });
})();

/* Python in a thread of its own, so that a cell that never ends can be stopped and the page lives
   on.  It takes a cell as {number, source, later}, where `later` are the cells that it is to run for,
   and answers {kind, text}: "runs", what the cell shows, and "ended"; "unneeded"; or "died", when
   this worker is of no more use.  All files are the site's. */
"use strict";

const FILES = new URL("live/", self.location);
const QUIET = { messageCallback: () => {} };

async function start() {
  const indexURL = new URL("pyodide/", FILES).href;
  importScripts(indexURL + "pyodide.js");
  const wheel = fetch(new URL("course_utils.whl", FILES), { cache: "no-cache" });
  // Every chapter needs NumPy, which loads while Python itself does.  Figures are handed to the
  // page as files, so Matplotlib must not look for a window.
  const env = { HOME: "/home/pyodide", MPLBACKEND: "agg" };
  const python = await loadPyodide({ indexURL, env, packages: ["numpy"] });
  python.unpackArchive(await (await wheel).arrayBuffer(), "wheel");
  return { python, live: python.pyimport("course_utils._live") };
}

const started = start();
started.then(
  () => postMessage({ kind: "ready" }),
  ({ message }) => postMessage({ kind: "died", text: message })
);

async function run({ number, source, later }) {
  const { python, live } = await started;
  const tell = (kind, text = "") => postMessage({ kind, text });
  if (later.length > 0 && !live.is_needed(source, python.toPy(later))) return tell("unneeded");
  await python.loadPackagesFromImports(source, QUIET);
  tell("runs");
  let end = live.run(source, number, python.globals, tell);
  while (end !== "ok" && end !== "error") {
    // A module is missing: the book's own modules import more than the cell itself says.
    const loaded = await python.loadPackagesFromImports(`import ${end}`, QUIET);
    if (loaded.length === 0) tell("error", live.explain_missing(end));
    end = loaded.length === 0 ? "error" : live.run(source, number, python.globals, tell);
  }
  tell("ended", end);
}

addEventListener("message", ({ data }) => {
  run(data).catch(({ message }) => postMessage({ kind: "died", text: message }));
});

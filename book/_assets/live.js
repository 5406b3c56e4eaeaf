/* Runs a chapter's cells in the page: Python in a worker, editors in place of the listings.

   What readers write and what their code shows is put into the page as text, or as an image of an
   SVG: an image runs no script and loads nothing, whatever the SVG holds.  Their text is kept in
   this browser alone. */
"use strict";

(() => {
  const ASSETS = new URL(".", document.currentScript.src);
  const ROOT = new URL("..", ASSETS);
  const PAGE = location.pathname.slice(ROOT.pathname.length).replace(/\.html$/, "");
  const FOLDER_HINT =
    "A browser runs no code in a page opened from a folder. In the folder of the book, run " +
    "“course serve” and open the address it prints.";

  const bar = document.querySelector(".live-bar");
  const start = bar.querySelector(".live-start");
  const status = bar.querySelector("[role=status]");
  const cells = [];
  const figures = new Set(); // {image, svg} of each live figure
  let worker = null;
  let running = null; // the cell that Python works on
  let waiting = []; // of {cell, goal}

  function make(tag, className = "", text = "") {
    const element = document.createElement(tag);
    element.className = className;
    element.textContent = text;
    return element;
  }

  function makeButton(text, press) {
    const button = make("button", "live-button", text);
    button.type = "button";
    button.addEventListener("click", press);
    return button;
  }

  /* --- what readers wrote, kept by this browser --------------------------------------------- */

  /* A browser may be set to keep nothing, or be full. */
  function kept(id, text) {
    const key = `live:${location.pathname}:${id}`;
    try {
      if (text === undefined) return localStorage.getItem(key);
      if (text === null) localStorage.removeItem(key);
      else localStorage.setItem(key, text);
    } catch {
      status.textContent = "This browser does not let the page keep what you write.";
    }
    return null;
  }

  /* The chapter's notebook, with the reader's text in place of the cells' own. */
  async function download() {
    const notebook = await (await fetch(new URL(`_sources/${PAGE}.ipynb`, ROOT))).json();
    for (const cell of cells) {
      notebook.cells.find((one) => one.id === cell.id).source = cell.editor.text;
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(notebook, null, 1)]));
    link.download = `${PAGE.split("/").pop()}.ipynb`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  /* --- figures ------------------------------------------------------------------------------- */

  /* An image does not see the page's colors, so they are written into it. */
  function paint({ image, svg }) {
    const theme = getComputedStyle(document.documentElement);
    const colors = ["--figure-ink", "--figure-paper"]
      .map((name) => `${name}:${theme.getPropertyValue(name)}`)
      .join(";");
    URL.revokeObjectURL(image.src);
    const themed = svg.replace('style="', `style="${colors};`);
    image.src = URL.createObjectURL(new Blob([themed], { type: "image/svg+xml" }));
  }

  function makeFigure(svg, alt) {
    // The theme would filter an image's colors in the dark, but for those called dark-light.
    const figure = { image: make("img", "live-image dark-light"), svg };
    figure.image.alt = alt;
    figures.add(figure);
    paint(figure);
    return figure;
  }

  function boxed(image) {
    const box = make("div", "figure-scroll live-figure");
    box.append(image);
    return box;
  }

  /* The slider of explore.frames. */
  function makeFrames({ label, names, pictures, alts, start: first }) {
    const box = make("div", "live-frames");
    const name = make("label", "", label);
    const slider = make("input");
    const value = make("output");
    Object.assign(slider, { type: "range", min: 0, max: names.length - 1, value: first });
    name.append(slider);
    const figure = makeFigure(pictures[first], alts[first]);
    const show = () => {
      const i = slider.valueAsNumber;
      value.textContent = names[i];
      slider.setAttribute("aria-valuetext", names[i]);
      figure.svg = pictures[i];
      figure.image.alt = alts[i];
      paint(figure);
    };
    slider.addEventListener("input", show);
    show();
    box.append(name, value, boxed(figure.image));
    return box;
  }

  /* --- cells --------------------------------------------------------------------------------- */

  class Cell {
    constructor(box, number, makeEditor) {
      this.box = box;
      this.id = box.id.replace(/^cell-/, "");
      this.number = number;
      this.hasRun = false;
      this.stale = false; // shows what an earlier run left, until this one shows something
      const listing = box.querySelector(".cell_input .highlight");
      this.original = listing.querySelector("pre").textContent.replace(/\n$/, "");
      this.alt = box.querySelector(".cell_output [role=img]")?.getAttribute("aria-label");

      const parent = make("div", "live-editor");
      listing.parentElement.replaceWith(parent);
      this.editor = makeEditor({
        parent,
        text: kept(this.id) ?? this.original,
        label: `Code of cell ${number}`,
        run: () => run(this),
        changed: () => this.changed(),
      });
      this.runButton = makeButton("Run", () => (this.busy ? stop() : run(this)));
      this.resetButton = makeButton("Reset", () => {
        this.reset();
        this.runButton.focus();
      });
      this.resetButton.setAttribute("aria-label", `Reset cell ${number}`);
      this.state = make("span", "live-state");
      this.output = make("div", "live-output");
      const controls = make("div", "live-controls");
      controls.append(this.runButton, this.resetButton, `Cell ${number}`, this.state);
      const input = box.querySelector("details:has(.cell_input)");
      (input ?? box.querySelector(".cell_input")).after(controls, this.output);
      this.tell("");
      this.changed();
    }

    get busy() {
      return running === this || waiting.some(({ cell }) => cell === this);
    }

    changed() {
      const own = this.editor.text !== this.original;
      this.resetButton.hidden = !own;
      kept(this.id, own ? this.editor.text : null);
    }

    /* The cell as the book has it, with the output it was printed with. */
    reset() {
      if (this.busy) stop();
      this.hasRun = false;
      this.clear();
      this.box.classList.remove("live-ran");
      this.tell("");
      if (this.editor.text !== this.original) this.editor.text = this.original;
    }

    clear() {
      this.stale = false;
      this.box.querySelectorAll("img.live-image").forEach((image) => URL.revokeObjectURL(image.src));
      for (const figure of figures) {
        if (this.box.contains(figure.image)) figures.delete(figure);
      }
      this.box.querySelectorAll(".live-figure").forEach((one) => one.remove());
      this.output.replaceChildren();
    }

    tell(text) {
      const verb = this.busy ? "Stop" : "Run";
      this.state.textContent = text;
      this.runButton.textContent = verb;
      this.runButton.setAttribute("aria-label", `${verb} cell ${this.number}`);
    }

    show(kind, text) {
      if (this.stale) this.clear();
      if (kind === "figure") this.showFigure(text);
      else if (kind === "frames") this.output.append(makeFrames(JSON.parse(text)));
      else {
        const last = this.output.lastElementChild;
        if (kind === "text" && last?.matches("pre.live-text")) last.append(text);
        else this.output.append(make("pre", `live-${kind}`, text));
      }
    }

    /* The first figure takes the place of the printed one, above its caption. */
    showFigure(svg) {
      const untouched = cells.every((cell) => cell.editor.text === cell.original);
      const alt =
        untouched && this.alt ? this.alt : `A figure that your code drew in cell ${this.number}.`;
      const picture = boxed(makeFigure(svg, alt).image);
      const place = this.box.querySelector(".cell_output figure");
      if (place && !place.querySelector(".live-figure")) place.prepend(picture);
      else this.output.append(picture);
    }

    ended(end, seconds) {
      if (this.stale) this.clear();
      this.hasRun = true;
      this.box.classList.add("live-ran");
      this.tell(end === "ok" ? `ran in ${seconds.toFixed(1)} s` : "stopped with an error");
    }
  }

  /* --- running ------------------------------------------------------------------------------- */

  /* Run `cell` after those above it that have not run, as far as it needs them. */
  function run(cell) {
    if (cell.busy) return;
    const above = cells.slice(0, cells.indexOf(cell)).filter((one) => !one.hasRun && !one.busy);
    enqueue([...above, cell], cell);
  }

  /* Cells in page order, each for the sake of `goal`, or each for its own. */
  function enqueue(more, goal) {
    waiting.push(...more.map((cell) => ({ cell, goal: goal ?? cell })));
    more.forEach((cell) => cell.tell("waits"));
    next();
  }

  function next() {
    if (!running && waiting.length > 0) {
      const { cell, goal } = waiting.shift();
      const until = waiting.findIndex((one) => one.cell === goal);
      const later = waiting.slice(0, until + 1).map((one) => one.cell.editor.text);
      running = cell;
      running.stale = true;
      if (!worker) startWorker();
      worker.postMessage({ number: cell.number, source: cell.editor.text, later });
    }
    start.textContent = running ? "Stop" : "Run all cells";
  }

  function startWorker() {
    const fresh = new Worker(new URL("live-worker.js", ASSETS));
    const heard = (message) => fresh === worker && hear(message);
    fresh.addEventListener("message", ({ data }) => heard(data));
    fresh.addEventListener("error", ({ message }) => heard({ kind: "died", text: message }));
    worker = fresh;
    status.textContent = "Python is starting, which takes some seconds the first time.";
  }

  let began = 0;

  function hear({ kind, text }) {
    const cell = running;
    if (kind === "ready") {
      status.textContent = "Python is ready.";
    } else if (kind === "died") {
      cell?.show("error", text);
      stop("Python has ended. The next run starts it again.");
    } else if (kind === "runs") {
      began = performance.now();
      cell.tell("runs");
      status.textContent = `Cell ${cell.number} is running.`;
    } else if (kind === "unneeded") {
      running = null;
      cell.stale = false;
      cell.tell("");
      next();
    } else if (kind === "ended") {
      running = null;
      cell.ended(text, (performance.now() - began) / 1000);
      status.textContent = `Cell ${cell.number} ${cell.state.textContent}.`;
      if (text === "error") giveUp(`did not run, since cell ${cell.number} has an error`);
      next();
    } else {
      cell.show(kind, text);
    }
  }

  function giveUp(reason) {
    const left = waiting;
    waiting = [];
    left.forEach(({ cell }) => cell.tell(reason));
  }

  /* A worker cannot be interrupted, only ended: what its cells computed is gone.  The page is free at
     once; Chromium takes up to two seconds to end a busy thread. */
  function stop(reason = "Stopped. The next run starts Python again, from the first cell.") {
    worker?.terminate();
    worker = null;
    const stopped = running;
    running = null;
    stopped?.tell("stopped");
    giveUp("");
    for (const cell of cells) cell.hasRun = false;
    start.textContent = "Run all cells";
    status.textContent = reason;
  }

  /* --- the bar at the top of the chapter ----------------------------------------------------- */

  async function open() {
    start.disabled = true;
    startWorker();
    const { makeEditor } = await import(new URL("live/editor.js", ASSETS));
    const boxes = document.querySelectorAll(".bd-article .cell.tag_live");
    boxes.forEach((box, i) => cells.push(new Cell(box, i + 1, makeEditor)));
    explainTheOthers();
    status.before(
      makeButton("Reset all", () => {
        stop("All cells are as the book has them.");
        cells.forEach((cell) => cell.reset());
      }),
      makeButton("Download notebook", download),
      make("p", "live-help", "Shift+Enter runs a cell. In a cell, Tab indents; Escape, then Tab leaves.")
    );
    new MutationObserver(() => figures.forEach(paint)).observe(document.documentElement, {
      attributeFilter: ["data-theme"],
    });
    start.textContent = "Run all cells";
    start.disabled = false;
    start.focus();
  }

  /* Cells that stay as they are say why, and where they run. */
  function explainTheOthers() {
    const launches = document.querySelectorAll(".dropdown-launch-buttons a");
    for (const input of document.querySelectorAll(".bd-article .cell:not(.tag_live) .cell_input")) {
      const note = make("p", "live-note", "This cell needs more than the page has. To run it: ");
      for (const launch of launches) {
        const link = make("a", "", launch.textContent.trim());
        link.href = launch.href;
        note.append(link, ", ");
      }
      note.append("or the notebook on your own computer.");
      input.after(note);
    }
  }

  start.addEventListener("click", () => {
    if (location.protocol === "file:") status.textContent = FOLDER_HINT;
    else if (cells.length === 0) open().catch((error) => (status.textContent = error.message));
    else if (running) stop();
    else enqueue(cells);
  });
})();

/* The editor of a live cell: CodeMirror, bundled by `make` into one file of the site. */
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";

/* An editor in `parent`.  run() is called by Shift+Enter and Ctrl+Enter, changed() by each edit. */
export function makeEditor({ parent, text, label, run, changed }) {
  const runKey = { run: () => (run(), true) };
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        keymap.of([
          { key: "Shift-Enter", ...runKey },
          { key: "Mod-Enter", ...runKey },
          indentWithTab, // Escape, then Tab leaves the editor
          ...historyKeymap,
          ...defaultKeymap,
        ]),
        history(),
        python(),
        indentUnit.of("    "),
        indentOnInput(),
        bracketMatching(),
        syntaxHighlighting(classHighlighter),
        // Text that can be edited can be reached; tabindex says so to checkers as well.
        EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
        EditorView.updateListener.of((update) => update.docChanged && changed()),
      ],
    }),
  });
  return {
    get text() {
      return view.state.doc.toString();
    },
    set text(value) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: value } });
    },
  };
}

"""An IPython shell without a kernel: runs a cell and returns its outputs as plain dictionaries."""

import base64
import io
import sys
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from .outputs import BoundedStream, Output, described_error, joined


class _Publisher(DisplayPublisher):
    outputs: list[Output]

    def publish(self, data, metadata=None, *args, **kwargs):
        self.outputs.append({"output_type": "display_data", "data": _text_only(data)})

    def clear_output(self, wait=False):
        if not wait:
            self.outputs.clear()


class _Hook(DisplayHook):
    outputs: list[Output]

    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        data = _text_only(format_dict)
        self.outputs.append({"output_type": "execute_result", "data": data})

    def finish_displayhook(self):
        pass


class Shell(InteractiveShell):
    """IPython as students know it (magics, display, last expression), with outputs kept."""

    displayhook_class = _Hook
    display_pub_class = _Publisher

    def enable_gui(self, gui=None):
        pass

    def showtraceback(self, *args, **kwargs):
        pass  # the error is described once, below; IPython's own takes 0.2 s

    def showsyntaxerror(self, *args, **kwargs):
        pass

    def run(self, source: str, limit: int) -> list[Output]:
        """Run one cell; outputs as nbformat names them, an error as the last one."""
        outputs: list[Output] = []
        for part in (self.displayhook, self.display_pub):
            part.outputs = outputs  # type: ignore[union-attr]
        standard = sys.stdout, sys.stderr
        sys.stdout = BoundedStream(outputs, "stdout", limit)
        sys.stderr = BoundedStream(outputs, "stderr", limit)
        try:
            result = self.run_cell(source, store_history=False)
            _show_figures(outputs)
        finally:
            sys.stdout, sys.stderr = standard
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            outputs.append(described_error(error))
        return joined(outputs)


def make_shell() -> Shell:
    """A shell that keeps no history on disk, warmed so that a fork answers at once."""
    config = Config()
    config.HistoryManager.enabled = False
    shell = Shell.instance(config=config)
    shell.user_ns["__name__"] = "__main__"
    shell.run("1 + 1", 1000)
    return shell


def _text_only(data: dict[str, Any]) -> dict[str, str]:
    """Text and base64 images; what else a display would hold does not cross."""
    encoded = {k: base64.b64encode(v).decode() for k, v in data.items() if isinstance(v, bytes)}
    return {k: v for k, v in data.items() if isinstance(v, str)} | encoded


def _show_figures(outputs: list[Output]) -> None:
    """Figures left open become images, as Jupyter's inline backend shows them."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return
    for number in pyplot.get_fignums()[:20]:
        buffer = io.BytesIO()
        pyplot.figure(number).savefig(buffer, format="png", dpi=72, bbox_inches="tight")
        data = {"image/png": base64.b64encode(buffer.getvalue()).decode()}
        outputs.append({"output_type": "display_data", "data": data})
    pyplot.close("all")

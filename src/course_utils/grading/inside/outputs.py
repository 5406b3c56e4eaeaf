"""What a cell puts out, as nbformat names it, within bounds."""

import io
import traceback
from typing import Any

Output = dict[str, Any]


class BoundedStream(io.TextIOBase):
    """Text written to it joins the outputs up to `limit` characters; the rest is dropped."""

    def __init__(self, outputs: list[Output], name: str, limit: int) -> None:
        super().__init__()
        self._outputs, self._name, self._left = outputs, name, limit

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._left > 0:
            kept = str(text)[: self._left]
            self._left -= len(kept)
            if self._left <= 0:
                kept += "\n... output truncated ...\n"
            last = self._outputs[-1] if self._outputs else {}
            if last.get("name") == self._name:
                last["parts"].append(kept)
            else:
                stream = {"output_type": "stream", "name": self._name, "parts": [kept]}
                self._outputs.append(stream)
        return len(text)


def joined(outputs: list[Output]) -> list[Output]:
    """Outputs with the pieces of each stream put together."""
    return [
        {k: v for k, v in output.items() if k != "parts"} | {"text": "".join(output["parts"])}
        if "parts" in output
        else output
        for output in outputs
    ]


def error_output(name: str, message: str, lines: list[str]) -> Output:
    """An error output; `lines`: its traceback."""
    return {"output_type": "error", "ename": name, "evalue": message, "traceback": lines}


def described_error(error: BaseException) -> Output:
    """The error output of an exception, with its traceback."""
    lines = traceback.format_exception(error)[-20:]
    return error_output(type(error).__name__, str(error)[:2000], lines)

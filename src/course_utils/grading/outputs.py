"""Outputs of cells, rebuilt field by field from what a sandbox says they were."""

import base64
import binascii
import re
from typing import Any

from nbformat import NotebookNode, from_dict

MAX_OUTPUTS = 200
MAX_TEXT = 200_000
MAX_IMAGE = 3 << 20
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_IMAGES = {"image/png": _PNG, "image/jpeg": _JPEG}
# All of C0 and C1 but tab, newline and escape; escape only where it colors text.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]|\x1b(?!\[[0-9;]{0,20}m)")


def clean_outputs(outputs: list[Any], count: int) -> list[NotebookNode]:
    """Plain text, PNG and JPEG; no HTML, SVG, LaTeX, script or widget crosses.

    outputs: whatever the student's process claims.  count: the cell's execution count.
    """
    cleaned = [_clean(o, count) for o in outputs[:MAX_OUTPUTS] if isinstance(o, dict)]
    return [output for output in cleaned if output is not None]


def error_output(name: str, message: str) -> dict[str, Any]:
    """An error output that the grader itself reports."""
    return {"output_type": "error", "ename": name, "evalue": message, "traceback": [message]}


def _clean(output: dict[str, Any], count: int) -> NotebookNode | None:
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return _output("stream", name=name, text=_text(output.get("text")))
    if kind == "error":
        lines = output.get("traceback")
        traceback = [_text(line) for line in lines[:100]] if isinstance(lines, list) else []
        evalue, ename = _text(output.get("evalue")), _text(output.get("ename"))[:200]
        return _output("error", ename=ename, evalue=evalue, traceback=traceback)
    data = output.get("data")
    bundle = _bundle(data) if isinstance(data, dict) else {}
    if not bundle:
        return None
    if kind == "execute_result":
        return _output("execute_result", data=bundle, metadata={}, execution_count=count)
    return _output("display_data", data=bundle, metadata={})


def _output(kind: str, **fields: Any) -> NotebookNode:
    return from_dict({"output_type": kind, **fields})


def _bundle(data: dict[Any, Any]) -> dict[str, str]:
    bundle = {}
    if isinstance(data.get("text/plain"), str):
        bundle["text/plain"] = _text(data["text/plain"])
    for kind, signature in _IMAGES.items():
        image = _image(data.get(kind), signature)
        if image:
            bundle[kind] = image
    return bundle


def _image(value: Any, signature: bytes) -> str:
    """Base64 of an image that begins as its kind does, encoded anew; "" when it is none."""
    if not isinstance(value, str) or len(value) > MAX_IMAGE:
        return ""
    try:
        content = base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return ""
    return base64.b64encode(content).decode() if content.startswith(signature) else ""


def _text(value: Any) -> str:
    text = (value if isinstance(value, str) else "")[:MAX_TEXT]
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.encode("utf-8", "replace").decode())

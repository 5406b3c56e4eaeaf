"""A submission made sound: the instructor's notebook with the student's answers put in.

Nothing of a submission's metadata, tags, cell types, ids, attachments or order of graded cells is
used; what the student wrote enters as text of two kinds, code and Markdown, and nothing else.
"""

import json
import os
import re
import stat
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from .plan import Plan

MAX_NOTEBOOK_BYTES = 20 << 20
MAX_FILES_BYTES = 64 << 20
MAX_FILES = 500
MAX_CELLS = 500
MAX_SOURCE = 200_000

_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_TEX_THAT_ACTS = re.compile(r"\\(href|style|class|cssId|data|require|unicode|includegraphics)\b")
# Possessive, so that no text makes it slow.
_LINK = re.compile(r"(\]\s*+\(\s*+|\]:\s*+)<?+(?!https?://|mailto:|#)", re.IGNORECASE)
_IMAGE = re.compile(r"!(?=\[)")


class UnreadableError(ValueError):
    """A submission that cannot be graded, with the reason that the student is told."""


def rebuild(submitted: Any, plan: Plan) -> NotebookNode:
    """The instructor's notebook of `plan` with the answers found in `submitted`."""
    answers, extra = _answers(submitted, plan)
    cells = list(extra.get(None, []))
    for cell in plan.notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        kept = plan.cells.get(grade_id)
        if kept is None:
            continue  # an instructor's free cell; the student's version of it is among `extra`
        metadata = dict(cell.metadata["nbgrader"]) | {"checksum": kept.checksum}
        metadata["cell_type"] = kept.cell_type
        source = kept.source
        if metadata.get("solution"):
            answer = answers.get(grade_id)
            source = source if answer is None else _as_text(answer, kept.cell_type, source)
        cells += [_cell(kept.cell_type, source, nbgrader=metadata), *extra.get(grade_id, [])]
    kernel = {k: v for k, v in plan.notebook.metadata.items() if k == "kernelspec"}
    cells = [cell | {"id": f"cell-{number}"} for number, cell in enumerate(cells)]
    notebook = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    return nbformat.from_dict(notebook)


def _cell(kind: str, source: str, **metadata: Any) -> dict[str, Any]:
    """A valid cell; nbformat's own makers validate each time, which is slow."""
    cell = {"cell_type": kind, "metadata": metadata, "source": source}
    return cell | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def read_notebook(path: Path) -> Any:
    """The submission as JSON, of nbformat 4; raises UnreadableError with a reason."""
    content = read_file(path, MAX_NOTEBOOK_BYTES)
    try:
        notebook = json.loads(content)
    except (ValueError, RecursionError):
        raise UnreadableError(f"{path.name} is not a notebook: it is not valid JSON") from None
    if not isinstance(notebook, dict):
        raise UnreadableError(f"{path.name} is not a notebook")
    if notebook.get("nbformat") == 3:
        return {"nbformat": 4, "cells": _cells_of_format_3(notebook)}
    if not isinstance(notebook.get("cells"), list):
        raise UnreadableError(f"{path.name} is not a notebook: it has no list of cells")
    return notebook


def read_file(path: Path, limit: int) -> bytes:
    """A regular file's bytes, never through a link; raises UnreadableError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reason = "is a link" if path.is_symlink() else (error.strerror or "unreadable").lower()
        raise UnreadableError(f"{path.name}: {reason}") from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise UnreadableError(f"{path.name} is not a file")
    with os.fdopen(descriptor, "rb") as file:
        if status.st_size > limit:
            raise UnreadableError(f"{path.name} is larger than {limit >> 20} MB")
        return file.read(limit)


def read_files(folder: Path) -> dict[str, bytes]:
    """The data files beside a notebook, by path below `folder`; links and devices are left out.

    Raises UnreadableError when they are too many or too large.
    """
    files: dict[str, bytes] = {}
    left = MAX_FILES_BYTES
    for base, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(f for f in folders if f not in _IGNORED)
        for name in sorted(names):
            path = Path(base, name)
            if path.suffix == ".ipynb" or name == "timestamp.txt" or not _is_plain(path):
                continue
            content = read_file(path, left)
            left -= len(content)
            files[str(path.relative_to(folder))] = content
            if len(files) > MAX_FILES:
                raise UnreadableError(f"more than {MAX_FILES} files")
    return files


def safe_markdown(text: str) -> str:
    """Markdown that renders as text: no tag, no acting TeX, no image, only links to the web."""
    text = _TAG.sub("< ", text)
    text = _TEX_THAT_ACTS.sub(r"\\text{\1}", text)
    text = _LINK.sub(r"\1#", text)
    return _IMAGE.sub("", text)


_IGNORED = frozenset((".ipynb_checkpoints", "__pycache__", ".git"))


def _is_plain(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def _answers(submitted: Any, plan: Plan) -> tuple[dict[str, str], dict[str | None, list[Any]]]:
    """Text by grade id, the last one counting as in nbgrader, and free cells by what precedes."""
    known = {
        c.metadata.get("nbgrader", {}).get("grade_id") for c in plan.notebook.cells
    } & plan.cells.keys()
    answers: dict[str, str] = {}
    extra: dict[str | None, list[Any]] = {}
    after: str | None = None
    for cell in submitted["cells"][:MAX_CELLS]:
        if not isinstance(cell, dict):
            continue
        metadata = cell.get("metadata")
        marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        grade_id = marks.get("grade_id") if isinstance(marks, dict) else None
        text = _source_of(cell)
        if isinstance(grade_id, str) and grade_id in known:
            answers[grade_id] = text
            after = grade_id
        elif cell.get("cell_type") == "code":
            extra.setdefault(after, []).append(_cell("code", text))
        else:
            extra.setdefault(after, []).append(_cell("markdown", safe_markdown(text)))
    return answers, extra


def _source_of(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    return text[:MAX_SOURCE].encode("utf-8", "replace").decode("utf-8")


def _as_text(answer: str, cell_type: str, original: str) -> str:
    """An answer as its cell shows it; an untouched one stays as it was, checksum and all."""
    return answer if cell_type == "code" or answer == original else safe_markdown(answer)


def _cells_of_format_3(notebook: dict[str, Any]) -> list[Any]:
    sheets = notebook.get("worksheets")
    sheet = sheets[0] if isinstance(sheets, list) and sheets else {}
    cells = sheet.get("cells") if isinstance(sheet, dict) else None
    if not isinstance(cells, list):
        raise UnreadableError("a notebook of an old format without cells")
    plain = [c for c in cells if isinstance(c, dict)]
    return [c | {"source": c.get("input", c.get("source", ""))} for c in plain]

"""Notebooks as they are committed: no outputs, stable ids, figures that say what they show."""

import json
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = [
    path.relative_to(ROOT).as_posix()
    for folder in ("book", "solutions", "exercises")
    for path in sorted(ROOT.glob(f"{folder}/**/*.ipynb"))
    if ".ipynb_checkpoints" not in path.parts
]
CHAPTERS = [name for name in NOTEBOOKS if name.startswith("book/")]


def read(name: str) -> dict:
    return json.loads((ROOT / name).read_text(encoding="utf-8"))


def test_there_are_notebooks() -> None:
    assert CHAPTERS


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_valid_and_its_cells_have_unique_ids(name: str) -> None:
    notebook = read(name)
    nbformat.validate(notebook)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_committed_without_outputs(name: str) -> None:
    notebook = read(name)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert "widgets" not in notebook["metadata"]
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [], cell["id"]
            assert cell["execution_count"] is None, cell["id"]


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_figure_of_a_chapter_has_caption_and_alternative_text(name: str) -> None:
    drawing = 0
    for cell in read(name)["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] != "code" or "plt.subplots" not in source:
            continue
        if "explore.frames(" in source:  # each frame brings its own alternative text
            drawing += 1
            continue
        metadata = cell["metadata"].get("mystnb", {})
        assert len(metadata.get("figure", {}).get("caption", "")) > 60, cell["id"]
        assert metadata["figure"]["name"].startswith("fig-"), cell["id"]
        assert len(metadata.get("image", {}).get("alt", "")) > 60, cell["id"]
        drawing += 1
    assert 6 <= drawing <= 14

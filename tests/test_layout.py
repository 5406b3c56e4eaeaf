"""The house: every topic of the book has its rooms, and no room holds a stray topic."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]

# Modules of the package that are not a topic's kernels.
SHARED_MODULES = {"cli", "data", "explore", "plotting", "prose", "checks", "grading"}
ROOMS = {
    "chapter": "book/{}.ipynb",
    "kernel": "src/course_utils/{}.py",
    "checks": "src/course_utils/checks/{}.py",
    "solution": "solutions/{0}/{0}.ipynb",
    "exercise": "exercises/{0}/{0}.ipynb",
    "test": "tests/test_{}.py",
    "benchmark": "benchmarks/{}.py",
}


def toc() -> dict:
    return yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))


def files_in_toc(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node[key] for key in ("root", "file") if key in node]
        return own + [f for value in node.values() for f in files_in_toc(value)]
    if isinstance(node, list):
        return [f for item in node for f in files_in_toc(item)]
    return []


def topics() -> list[str]:
    return [
        f.split("/")[1]
        for f in files_in_toc(toc())
        if (ROOT / f"{f}.ipynb").is_file() and f.startswith("book/")
    ]


def stems(pattern: str) -> set[str]:
    """Names of the files and packages that match, private ones left out."""
    return {path.stem for path in ROOT.glob(pattern) if not path.stem.startswith("_")}


def kernels() -> list[str]:
    packages = {path.parent.name for path in ROOT.glob("src/course_utils/*/__init__.py")}
    public = {name for name in packages if not name.startswith("_")}
    return sorted((stems("src/course_utils/*.py") | public) - SHARED_MODULES)


def test_the_table_of_contents_names_chapters() -> None:
    assert "lif" in topics()


@pytest.mark.parametrize("topic", topics())
@pytest.mark.parametrize("room", ROOMS)
def test_every_topic_has_every_room(topic: str, room: str) -> None:
    path = ROOT / ROOMS[room].format(topic)
    package = path.with_suffix("")  # a kernel too large for one file is a package of its name
    assert path.is_file() or (package / "__init__.py").is_file(), f"{topic} has no {room}: {path}"


@pytest.mark.parametrize(
    ("room", "found"),
    [
        ("chapter", stems("book/*.ipynb")),
        ("checks", stems("src/course_utils/checks/*.py") - {"notebook"}),
        ("solution", stems("solutions/*/*.ipynb")),
        ("exercise", stems("exercises/*/*.ipynb")),
    ],
)
def test_no_room_holds_a_topic_the_book_does_not_have(room: str, found: set[str]) -> None:
    assert found <= set(topics()), f"{room}: not in _toc.yml: {sorted(found - set(topics()))}"


@pytest.mark.parametrize("kernel", kernels())
def test_every_kernel_has_its_test_and_benchmark(kernel: str) -> None:
    # Kernels may be ahead of their chapter, but not of what holds them to their contracts.
    for room in ("test", "benchmark"):
        assert (ROOT / ROOMS[room].format(kernel)).is_file(), f"{kernel} has no {room}"


def test_every_file_of_the_table_of_contents_exists() -> None:
    for file in files_in_toc(toc()):
        assert any((ROOT / f"{file}{suffix}").is_file() for suffix in (".md", ".ipynb")), file


def test_every_page_is_in_the_table_of_contents() -> None:
    pages = {f"book/{p.stem}" for p in [*ROOT.glob("book/*.md"), *ROOT.glob("book/*.ipynb")]}
    assert pages <= set(files_in_toc(toc()))


def test_every_claim_of_a_chapter_has_a_test() -> None:
    for topic in topics():
        chapter = (ROOT / f"book/{topic}.ipynb").read_text(encoding="utf-8")
        made = set(re.findall(r"```\{claim\} ([a-z_]+-\d+)", chapter))
        test = (ROOT / f"tests/test_{topic}.py").read_text(encoding="utf-8")
        tested = set(re.findall(r'@claim\("([a-z_]+-\d+)"\)', test))
        assert made, f"{topic} makes no claim"
        assert made == tested, f"{topic}: claimed {sorted(made)}, tested {sorted(tested)}"

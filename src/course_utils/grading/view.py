"""The package as a sandbox sees it: a folder of copies, bound read-only, and nothing else of ours.

The trusted side gets the package without what runs outside. The student's side also lacks the
checks, which know the answers, and the functions of the assignment's own topics, which are them;
types and data stay, so that a submission imports what it imports in class.
"""

import ast
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from .inside.records import NO_TOPICS, PACKAGE

_ROOT = Path(__file__).resolve().parents[1]
_OUTSIDE = shutil.ignore_patterns("__pycache__", "*.pyc", "*.nbi", "*.nbc")

_CHECKS_STUB = '''"""While grading, checks run elsewhere: here `check` does nothing."""

from typing import Any, NamedTuple


class CheckResult(NamedTuple):
    """No result."""

    name: str
    points: float = 0.0
    max_points: float = 0.0
    feedback: str = ""


def check(name: str, answer: Any = None, **options: Any) -> CheckResult:
    """Nothing: the points come from the same check, run where the student's code is not."""
    return CheckResult(str(name))
'''


def write_view(folder: Path, *, role: str, topics: Iterable[str] = ()) -> None:
    """Write the package into `folder` for `role`, "student" or "trusted"."""
    package = folder / PACKAGE
    inside = Path(__file__).parent / "inside"
    shutil.copytree(_ROOT, package, ignore=_view_filter(role))
    grading = package / "grading"
    shutil.copytree(inside, grading / "inside", ignore=_OUTSIDE)
    shutil.copy(Path(__file__).with_name("__init__.py"), grading)
    if role == "student":
        checks = package / "checks"
        checks.mkdir()
        (checks / "__init__.py").write_text(_CHECKS_STUB, encoding="utf-8")
        for topic in topics:
            _blind(package, topic)


def is_topic(name: str) -> bool:
    """Whether the package has a public module of that name beside its checks and tools."""
    if not name.isidentifier() or name.startswith("_") or name in NO_TOPICS:
        return False
    return (_ROOT / f"{name}.py").is_file() or (_ROOT / name / "__init__.py").is_file()


def _view_filter(role: str) -> Callable[[str, list[str]], set[str]]:
    left_out = {"grading"} | ({"checks"} if role == "student" else set())

    def ignore(folder: str, names: list[str]) -> set[str]:
        top = left_out if Path(folder) == _ROOT else set()
        return set(_OUTSIDE(folder, names)) | (top & set(names))

    return ignore


def _blind(package: Path, topic: str) -> None:
    """Take the topic's functions out of the copy; classes, constants and what these need stay."""
    paths = [package / f"{topic}.py", *sorted((package / topic).glob("*.py"))]
    trees = {p: ast.parse(p.read_text(encoding="utf-8")) for p in paths if p.is_file()}
    body = [node for tree in trees.values() for node in tree.body]
    functions = {node.name: node for node in body if isinstance(node, ast.FunctionDef)}
    needed = _needed([n for n in body if not isinstance(n, ast.FunctionDef)], functions)
    for path, tree in trees.items():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name not in needed:
                _empty(node)
        path.write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding="utf-8")
    (package / "_compiled" / f"{topic}.py").unlink(missing_ok=True)


def _needed(nodes: list[ast.stmt], functions: dict[str, ast.FunctionDef]) -> set[str]:
    """Functions that the given statements use, directly or through one another."""
    needed: set[str] = set()
    waiting: list[ast.AST] = list(nodes)
    while waiting:
        for node in ast.walk(waiting.pop()):
            name = node.id if isinstance(node, ast.Name) else ""
            if name in functions and name not in needed:
                needed.add(name)
                waiting.append(functions[name])
    return needed


def _empty(function: ast.FunctionDef) -> None:
    message = f"{function.name} is not here while an assignment on it is graded: use your own"
    function.body = ast.parse(f"raise NotImplementedError({message!r})").body
    function.decorator_list = []

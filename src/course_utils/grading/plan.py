"""What an assignment's notebook asks for: its cells in order, and which side runs what.

The instructor's notebook is the authority. Test cells run on the trusted side alone; the
instructor's other cells run on the student's side as submitted, and on the trusted side as far as
they depend on nothing of the student's: imports, definitions and data that tests use.
"""

import ast
import builtins
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from nbformat import NotebookNode

from . import view

_BEGIN, _END = "BEGIN HIDDEN TESTS", "END HIDDEN TESTS"
_CHECK_NAME = re.compile(r"[\"']([a-z][a-z0-9_]*)\.[a-z0-9_]+[\"']")


@dataclass(frozen=True)
class SourceCell:
    """What the gradebook keeps of a cell with an nbgrader id."""

    source: str
    cell_type: str
    locked: bool
    checksum: str | None


@dataclass(frozen=True)
class Test:
    """A test cell: its source, the names in it that are the student's, its points."""

    source: str
    names: list[str]
    hidden: bool
    points: float


class Definition(NamedTuple):
    """A statement of the instructor's for the trusted side, and the student's names in it."""

    source: str
    names: list[str]


@dataclass(frozen=True)
class Plan:
    """One notebook of an assignment, ready to grade submissions of."""

    notebook: NotebookNode
    cells: dict[str, SourceCell]
    tests: dict[str, Test]
    definitions: dict[str, list[Definition]]  # by grade id of the test cell before which they run
    modules: list[str]
    topics: list[str]
    digest: str


def make_plan(notebook: NotebookNode, cells: dict[str, SourceCell], assignment: str) -> Plan:
    """The plan of the instructor's `notebook`, with the sources the gradebook keeps in `cells`."""
    code = [c for c in notebook.cells if c.cell_type == "code"]
    trees = {id(c): _parse(_source(c, cells)) for c in code}
    students = {n for c in code if _is(c, "solution") for n in _bound(trees[id(c)], imports=False)}
    imports = [s for c in code for s in trees[id(c)].body if isinstance(s, _IMPORTS)]
    owned = {n for s in imports for n in _bound_by(s)} - students
    helpers_use: set[str] = set()
    tests: dict[str, Test] = {}
    steps: list[ast.stmt | str] = [s for s in imports if not _bound_by(s) & students]
    for cell in code:
        tree, marks = trees[id(cell)], cell.metadata.get("nbgrader", {})
        if _is_test(cell):
            source, grade_id = cells[marks["grade_id"]].source, marks["grade_id"]
            test = ast.parse(_plain(source))
            used = (_loaded(test) - (_stored(test) - students)) | helpers_use
            names = sorted(used - owned - (_BUILTINS - students))
            hidden, points = _BEGIN in source, float(marks["points"])
            tests[grade_id] = Test(_plain(source), names, hidden, points)
            steps.append(grade_id)
            owned |= _bound(tree) - students
        elif not _is(cell, "solution"):
            for statement in tree.body:
                if _is_ours(statement, owned, students, locked=bool(marks.get("locked"))):
                    steps.append(statement)
                    owned |= _bound_by(statement)
                    helpers_use |= _loaded(statement) - _stored(statement)
    modules = sorted({m for s in imports for m in _modules_of(s)})
    sources = " ".join(test.source for test in tests.values())
    topics = sorted({t for t in (*_CHECK_NAME.findall(sources), assignment) if view.is_topic(t)})
    definitions = _definitions(steps, tests, _BUILTINS - students | owned)
    digest = _digest(tests, cells, definitions)
    return Plan(notebook, cells, tests, definitions, modules, topics, digest)


def _definitions(
    steps: list[ast.stmt | str], tests: dict[str, Test], ours: set[str] | frozenset[str]
) -> dict[str, list[Definition]]:
    """What runs before each test: of the instructor's own statements, those that tests need."""
    needed: set[str] = set()
    kept: list[ast.stmt | str] = []
    for step in reversed(steps):
        if isinstance(step, str):
            needed |= _loaded(ast.parse(tests[step].source))
        elif isinstance(step, ast.Expr):
            if _loaded(step) - ours:
                continue  # a demonstration of the student's function
            needed |= _loaded(step)
        elif not _bound_by(step) & needed:
            continue
        else:
            needed |= _loaded(step)
        kept.append(step)
    definitions: dict[str, list[Definition]] = {}
    waiting: list[Definition] = []
    for step in reversed(kept):
        if isinstance(step, str):
            definitions[step], waiting = waiting, []
        else:
            theirs = set() if isinstance(step, _DEFINITIONS) else _loaded(step) - _stored(step)
            waiting.append(Definition(ast.unparse(step), sorted(theirs - ours)))
    return definitions


def without_hidden_tests(source: str) -> str:
    """The cell as released: what stands between the marks of hidden tests is left out."""
    kept, hidden = [], False
    for line in source.split("\n"):
        if _BEGIN in line:
            hidden = True
        if not hidden:
            kept.append(line)
        if _END in line:
            hidden = False
    return "\n".join(kept)


_IMPORTS = (ast.Import, ast.ImportFrom)
_DEFINITIONS = (ast.FunctionDef, ast.ClassDef)
_BUILTINS = frozenset(dir(builtins))


def _source(cell: NotebookNode, cells: dict[str, SourceCell]) -> str:
    kept = cells.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
    return kept.source if kept is not None and not _is(cell, "solution") else cell.source


def _is(cell: NotebookNode, role: str) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get(role, False))


def _is_test(cell: NotebookNode) -> bool:
    return _is(cell, "grade") and not _is(cell, "solution")


def _plain(source: str) -> str:
    """Without IPython's line magics, which the trusted side does not have."""
    lines = source.split("\n")
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines)


def _parse(source: str) -> ast.Module:
    """The cell as Python; one that is no Python is empty."""
    try:
        return ast.parse(_plain(source))
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])


def _is_ours(statement: ast.stmt, owned: set[str], students: set[str], *, locked: bool) -> bool:
    """Whether the trusted side can run a statement itself, without anything of the student's."""
    if isinstance(statement, _IMPORTS) or _bound_by(statement) & students:
        return False  # imports ran first
    if isinstance(statement, _DEFINITIONS):
        return True  # a helper may call the student's functions; it does so when it is called
    if locked:
        return True  # what it takes from the student is asked for, not taken from a variable
    if not isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return False
    return not (_loaded(statement) - owned - _BUILTINS - _bound_by(statement))


def _loaded(tree: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _stored(tree: ast.AST) -> set[str]:
    names = (n for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return {n.id for n in names} | {a.arg for a in ast.walk(tree) if isinstance(a, ast.arg)}


def _bound(tree: ast.Module, *, imports: bool = True) -> set[str]:
    statements = [s for s in tree.body if imports or not isinstance(s, _IMPORTS)]
    return {name for statement in statements for name in _bound_by(statement)}


def _bound_by(statement: ast.stmt) -> set[str]:
    """Names that a statement of a cell binds in the notebook."""
    if isinstance(statement, _IMPORTS):
        return {(a.asname or a.name).split(".")[0] for a in statement.names}
    if isinstance(statement, _DEFINITIONS):
        return {statement.name}
    return _stored(statement)


def _modules_of(statement: Any) -> list[str]:
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    return [statement.module] if statement.module and not statement.level else []


def _digest(
    tests: dict[str, Test], cells: dict[str, SourceCell], definitions: dict[str, list[Definition]]
) -> str:
    """Changes whenever the assignment does, so that a resumed run regrades what it must."""
    parts = [
        {name: [test.source, test.points] for name, test in tests.items()},
        {name: [cell.source, cell.cell_type] for name, cell in cells.items()},
        definitions,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

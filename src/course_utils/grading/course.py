"""A course folder as nbgrader knows it: its configuration, its gradebook, its assignments."""

import contextlib
import functools
import glob
import logging
import os
import secrets
import tempfile
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps.baseapp import NbGrader
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from .plan import Plan, SourceCell, make_plan

SECRET_FILE = ".grading_secret"


class Course:
    """The course in `root`, read through nbgrader's own configuration files.

    Raises ValueError when `root` is no folder.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise ValueError(f"{root} is not a folder")
        app = NbGrader(log_level=logging.ERROR)
        app.load_cwd_config = False  # the folder we stand in may be another course
        app.initialize([], root=str(root.resolve()))
        self.config: Config = app.config
        self.directory: CourseDirectory = app.coursedir
        self.root = Path(self.directory.root)

    def folder(self, step: str, student: str, assignment: str) -> Path:
        """Where nbgrader keeps a step ("submitted", "autograded", …) of a student's assignment."""
        name = getattr(self.directory, f"{step}_directory")
        return Path(self.directory.format_path(name, student, assignment))

    def gradebook(self) -> Gradebook:
        """A connection to the gradebook, to be closed."""
        return Gradebook(self.directory.db_url, self.directory.course_id)

    def assignments(self) -> list[str]:
        """Assignments that somebody has submitted."""
        at = self.directory.directory_structure.split("/").index("{assignment_id}")
        found = self._submissions("*")
        return sorted({path.relative_to(self.root).parts[at] for path in found})

    def students(self, assignment: str) -> list[str]:
        """Students who submitted `assignment`."""
        at = self.directory.directory_structure.split("/").index("{student_id}")
        found = self._submissions(glob.escape(assignment))
        return sorted({path.relative_to(self.root).parts[at] for path in found})

    def _submissions(self, assignment: str, student: str = "*") -> list[Path]:
        pattern = self.folder("submitted", student, assignment).relative_to(self.root)
        return list(self.root.glob(str(pattern)))

    def plans(self, assignment: str) -> dict[str, Plan]:
        """The plan of each notebook of an assignment; raises ValueError when there is none."""
        try:
            with self.gradebook() as gradebook:
                names = [n.name for n in gradebook.find_assignment(assignment).notebooks]
        except MissingEntry:
            names = []
        if not names:
            raise ValueError(
                f"assignment: {assignment!r} is not in the gradebook; "
                f"run: nbgrader generate_assignment {assignment}"
            )
        return {name: self.plan(assignment, name) for name in names}

    def plan(self, assignment: str, notebook: str) -> Plan:
        """The plan of one notebook, from the instructor's file and the gradebook's sources."""
        path = self.folder("source", ".", assignment) / f"{notebook}.ipynb"
        with self.gradebook() as gradebook:
            cells = {
                cell.name: SourceCell(cell.source, str(cell.cell_type), cell.locked, cell.checksum)
                for cell in gradebook.find_notebook(notebook, assignment).source_cells
            }
        return make_plan(nbformat.read(path, as_version=4), cells, assignment)

    def secret(self) -> str:
        """What checks draw their cases from, so that no student can know them; made once."""
        path = self.root / SECRET_FILE
        if not path.exists():
            with tempfile.NamedTemporaryFile("w", dir=self.root) as file:  # mode 0600
                file.write(secrets.token_hex(32))
                file.flush()
                with contextlib.suppress(FileExistsError):
                    os.link(file.name, path)  # whole or not at all, and never over another
        return path.read_text(encoding="ascii")


@functools.cache
def open_course(root: Path) -> Course:
    """The course in `root`, read once in this process."""
    return Course(root)

"""nbgrader: the instructor's notebooks are in solutions/, the students' are made in exercises/.

`nbgrader autograde` runs submissions as `course grade` does: sandboxed, apart from the tests.
"""

from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    LimitOutput,
    OverwriteKernelspec,
    SaveAutoGrades,
)

from course_utils.grading import preprocessors as split

c = get_config()  # noqa: F821  (nbgrader provides it)

c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.Application.log_level = "WARN"
c.NbGrader.logfile = ""

c.Autograde.sanitize_preprocessors = [split.Rebuild, OverwriteKernelspec, CheckCellMetadata]
c.Autograde.autograde_preprocessors = [
    split.SplitExecute,
    LimitOutput,
    SaveAutoGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]
c.Autograde.pre_convert_hook = split.remove_links

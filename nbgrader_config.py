"""nbgrader: the instructor's notebooks are in solutions/, the students' are made in exercises/."""

c = get_config()  # noqa: F821  (nbgrader provides it)

c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.Application.log_level = "WARN"
c.NbGrader.logfile = ""

"""Settings that every test shares."""

import os
import sysconfig

# nbgrader starts alembic by its name: find the one beside this interpreter, activated or not.
os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])

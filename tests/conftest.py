"""Settings and fixtures that tests of several topics share."""

import os
import sysconfig

import pytest

from course_utils import _compiled

# nbgrader starts alembic by its name: find the one beside this interpreter, activated or not.
os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])


@pytest.fixture(params=["compiled", "plain"])
def path(request, monkeypatch):
    """Runs a test on the kernels' Numba loops and on their NumPy expressions."""
    if request.param == "plain":
        monkeypatch.setattr(_compiled, "load", lambda topic: None)
    else:
        pytest.importorskip("numba")
    return request.param

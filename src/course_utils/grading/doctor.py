"""What this machine can enforce, tried rather than guessed, as data for `course doctor`."""

import importlib.util
import time
from collections.abc import Callable
from typing import NamedTuple

from . import sandbox
from .cgroup import Cgroup
from .inside import wire
from .inside.limits import Limits
from .process import Template

_SECONDS = 20.0


class Finding(NamedTuple):
    """One thing that grading relies on.  required: nothing is graded without it."""

    what: str
    ok: bool
    required: bool
    detail: str


def examine() -> list[Finding]:
    """All findings, in the order in which one would mend them."""
    findings = [_nbgrader(), *_platform()]
    if all(finding.ok for finding in findings if finding.required):
        findings += [_wall(), _caps()]
    return findings


def _nbgrader() -> Finding:
    ok = importlib.util.find_spec("nbgrader") is not None
    detail = "installed" if ok else "missing: pip install 'course-utils[grade]'"
    return Finding("nbgrader", ok, True, detail)


def _platform() -> list[Finding]:
    return [
        _tried("platform", _platform_name),
        _tried("bubblewrap", sandbox.find_bubblewrap),
    ]


def _platform_name() -> str:
    sandbox.require_platform()
    return "Linux, with a system call filter"


def _tried(what: str, attempt: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, True, attempt())
    except sandbox.NoWallError as error:
        return Finding(what, False, True, str(error))


def _wall() -> Finding:
    """Start a template, fork a process behind both walls and let it answer."""
    try:
        template = Template("student")
    except (sandbox.NoWallError, RuntimeError) as error:
        return Finding("sandbox", False, True, f"{error}. {_hint()}")
    try:
        process = template.fork({})
        deadline = time.monotonic() + _SECONDS
        request = {"op": "run", "source": "6 * 7", "limit": 100}
        process.send(wire.frame(request), deadline)
        ok = process.receive(deadline).json()["outputs"][0]["data"]["text/plain"] == "42"
        process.kill()
    except (RuntimeError, OSError, EOFError, LookupError):
        return Finding("sandbox", False, True, f"{template.why_lost()}. {_hint()}")
    finally:
        template.close()
    who = "root, each sandbox as a user of its own" if sandbox.runs_as_root() else "you"
    return Finding(
        "sandbox", ok, True, f"own processes, files and no network for each submission, as {who}"
    )


def _hint() -> str:
    return (
        "Unprivileged user namespaces may be switched off here (sysctl user.max_user_namespaces, "
        "kernel.apparmor_restrict_unprivileged_userns), or a container may forbid them"
    )


def _caps() -> Finding:
    group = Cgroup.create(Limits())
    bound = group.controllers if group is not None else []
    if group is not None:
        group.remove()
    missing = [name for name in ("memory", "pids") if name not in bound]
    if not missing:
        return Finding("caps", True, False, "memory and processes of a submission, by cgroup")
    return Finding(
        "caps",
        False,
        False,
        f"no cgroup for {' and '.join(missing)}: each process is limited by itself, and their "
        "sum by a watch that ends a submission within half a second",
    )

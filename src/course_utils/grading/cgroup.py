"""A control group for a template, where one can be made: caps on the memory and processes of all
that a submission starts together, which rlimits, being per process, cannot give.
"""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .inside.limits import Limits

_ROOT = Path("/sys/fs/cgroup")
_TEMPLATE_BYTES = 2 << 30  # room for the template itself, whose pages its forks share
_TEMPLATE_TASKS = 16


class Cgroup:
    """One group in each hierarchy (v1), or one for all (v2), with its limits written."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self._folders = folders

    @classmethod
    def create(cls, limits: Limits) -> "Cgroup | None":
        """A new group with the caps that this machine lets us set; None when it is none."""
        folders: dict[str, Path] = {}
        for controller, settings in _settings(limits).items():
            for parent in _parents(controller):
                folder = _make(parent, settings)
                if folder is not None:
                    folders[controller] = folder
                    break
        return cls(folders) if folders else None

    @property
    def controllers(self) -> list[str]:
        """Which of "memory" and "pids" bind."""
        return sorted(self._folders)

    def join(self) -> None:
        """Move the calling process into the group."""
        for folder in self._folders.values():
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self) -> None:
        """Delete the group once its processes are gone."""
        for folder in self._folders.values():
            for _ in range(50):
                try:
                    folder.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:  # the kernel is still burying its processes
                    time.sleep(0.02)


def _settings(limits: Limits) -> dict[str, dict[str, int]]:
    """File names and values, v1's and v2's together; those that exist are written."""
    memory = _TEMPLATE_BYTES + limits.memory + limits.folder_bytes
    return {
        "memory": {"memory.max": memory, "memory.limit_in_bytes": memory, "memory.swap.max": 0},
        "pids": {"pids.max": limits.processes + _TEMPLATE_TASKS},
    }


def _parents(controller: str) -> Iterator[Path]:
    """Where a group with this controller might be made: below our own group, then at the top."""
    own: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, names, path = line.split(":", 2)
            own |= dict.fromkeys(names.split(","), path)
    if controller in own:
        yield _ROOT / controller / own[controller].lstrip("/")
        yield _ROOT / controller
    if "" in own:
        yield _ROOT / own[""].lstrip("/")


def _make(parent: Path, settings: dict[str, int]) -> Path | None:
    """A new group below `parent` with the settings written; None where that is not possible."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="course-grade-", dir=parent))
    except OSError:
        return None
    written = False
    for name, value in settings.items():
        if (folder / name).exists():
            with contextlib.suppress(OSError):
                (folder / name).write_text(str(value))
                written = True
    if written and os.access(folder / "cgroup.procs", os.W_OK):
        return folder
    folder.rmdir()
    return None

"""Several machines: the workers of an existing Dask scheduler in place of a pool of processes.

Every machine sees the course's folder at the same path, as on a shared file system, and has this
package installed. What travels is the name of a student one way and the graded notebook the other.
"""

import contextlib
import hashlib
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

from distributed import Client, WorkerPlugin
from distributed.scheduler import KilledWorker

from .sandbox import NoWallError
from .worker import Settings, close_executors, require_wall, use_settings

LOST = (CancelledError, KilledWorker)
_FIRST_SECONDS = 10.0


class NoClusterError(RuntimeError):
    """The scheduler or its workers cannot be used; what was written before stays."""


class Cluster:
    """The scheduler at `address`; `seen` are the submissions that every machine must see.

    patience: seconds to wait for a scheduler that was there and is gone.
    """

    def __init__(
        self, address: str, settings: Settings, seen: list[Path], *, patience: float
    ) -> None:
        self._address, self._patience = address, patience
        self._plugin = GradingWorker(settings, seen)
        self._timeout = _FIRST_SECONDS

    @contextlib.contextmanager
    def connected(self) -> Iterator[tuple[Any, int]]:
        """An executor whose workers are ready to grade, and how many they are.

        Raises NoClusterError when there is no scheduler, no worker or no shared folder,
        NoWallError when a worker's machine cannot keep student code apart.
        """
        try:
            client = Client(self._address, timeout=self._timeout, set_as_default=False)
        except (OSError, ValueError) as error:
            raise NoClusterError(f"no scheduler answers at {self._address}: {error}") from None
        with client:
            try:
                client.wait_for_workers(1, timeout=self._timeout)
                client.register_plugin(self._plugin)
            except TimeoutError:
                raise NoClusterError(f"the scheduler at {self._address} has no worker") from None
            self._timeout = self._patience
            workers = client.scheduler_info()["workers"]
            yield client.get_executor(pure=False), len(workers)


class GradingWorker(WorkerPlugin):
    """What makes a Dask worker a grader: it is told the assignment, and refuses where it cannot."""

    name = "course-grading"

    def __init__(self, settings: Settings, seen: list[Path]) -> None:
        self._settings, self._seen = settings, seen
        self._digest = _digest(seen)

    def setup(self, worker: Any) -> None:
        if _digest(self._seen) != self._digest:
            raise NoClusterError(
                f"the worker {worker.address} does not see the submissions as the driver does: "
                f"is {self._seen[0]} on a file system that both share?"
            )
        if not self._settings.unsafe:
            try:
                require_wall(list(self._settings.hidden))
            except NoWallError as error:
                raise NoWallError(f"the worker {worker.address}: {error}") from None
        use_settings(self._settings)

    def teardown(self, worker: Any) -> None:
        close_executors()


def _digest(folders: list[Path]) -> str:
    """Of the names of the files that were submitted."""
    names = [sorted(path.name for path in folder.glob("*")) for folder in folders]
    return hashlib.sha256(repr(names).encode()).hexdigest()

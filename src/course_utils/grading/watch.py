"""A watch over the memory of a submission's processes together, where no cgroup does it.

rlimits bind each process by itself. This thread adds up, a few times a second, what all processes
below a submission's first one hold, and kills them when it is too much.
"""

import contextlib
import os
import signal
import threading
from collections import defaultdict
from pathlib import Path

_INTERVAL = 0.2


class MemoryWatch:
    """Kills the process behind `handle`, and so its namespace, when its tree holds too much."""

    def __init__(self, handle: int, limit_bytes: int) -> None:
        self._handle = os.dup(handle)
        self._limit = limit_bytes
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the watch."""
        self._end.set()
        self._thread.join()
        os.close(self._handle)

    def _run(self) -> None:
        while not self._end.wait(_INTERVAL):
            pid = _pid_of(self._handle)
            if pid > 0 and tree_bytes(pid) > self._limit:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._handle, signal.SIGKILL)
                return


def tree_bytes(root: int) -> int:
    """Bytes of memory of their own that a process and all below it hold.

    Pages that a fork still shares with its template are counted once, for the first process.
    """
    children: dict[int, list[int]] = defaultdict(list)
    own: dict[int, tuple[int, int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, KeyError):
                fields = _status(entry)
                children[fields["PPid"]].append(int(entry.name))
                own[int(entry.name)] = fields.get("RssAnon", 0), fields.get("RssShmem", 0)
    shared = own.get(root, (0, 0))[0]
    total, waiting = shared, list(children[root])
    while waiting:
        pid = waiting.pop()
        anonymous, shmem = own[pid]
        total += max(anonymous - min(shared, _TEMPLATE_SHARE), 0) + shmem
        waiting += children[pid]
    return total


_TEMPLATE_SHARE = 300 << 20


def _status(entry: Path) -> dict[str, int]:
    """Numbers of /proc/PID/status; sizes, which it gives in kB, in bytes."""
    fields = {}
    for line in (entry / "status").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name == "PPid":
            fields[name] = int(rest)
        elif name in ("RssAnon", "RssShmem"):
            fields[name] = int(rest.split()[0]) * 1024
    return fields


def _pid_of(handle: int) -> int:
    for line in Path(f"/proc/self/fdinfo/{handle}").read_text().splitlines():
        if line.startswith("Pid:"):
            return int(line.split()[1])
    return -1

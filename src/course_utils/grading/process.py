"""Templates and the processes they fork, seen from outside the wall."""

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from . import sandbox, view
from .cgroup import Cgroup
from .inside import wire
from .inside.limits import Limits
from .watch import MemoryWatch

_START_SECONDS = 120.0
_FORK_SECONDS = 30.0


class Template:
    """A warm sandboxed interpreter that forks one isolated process for each submission.

    role: "student" or "trusted".  modules: what to import once.  topics: whose functions the
    student's side must not have.  hidden: folders that must stay out of sight.  unsafe: no wall.
    Raises NoWallError when the sandbox cannot be built, RuntimeError when an import fails.
    """

    def __init__(
        self,
        role: str,
        modules: Iterable[str] = (),
        *,
        topics: Iterable[str] = (),
        hidden: Iterable[Path] = (),
        limits: Limits | None = None,
        unsafe: bool = False,
    ) -> None:
        if not unsafe:
            sandbox.require_platform()
        self._role, self._unsafe = role, unsafe
        self._folder = Path(tempfile.mkdtemp(prefix="course-grade-"))
        self._folder.chmod(0o755)
        self._cgroup = Cgroup.create(limits or Limits()) if not unsafe else None
        capped = self._cgroup is not None and "memory" in self._cgroup.controllers
        total = (limits or Limits()).memory + (limits or Limits()).folder_bytes
        self._watch_bytes = None if capped or unsafe else total
        try:
            view.write_view(self._folder / "view", role=role, topics=topics)
            self._start(hidden)
            self.threads = self._warm(list(modules), limits or Limits())
        except BaseException:
            self.close()
            raise

    def _start(self, hidden: Iterable[Path]) -> None:
        program = [sys.executable, "-m", "course_utils.grading.inside.template"]
        environment = sandbox.environment()
        if self._unsafe:
            self._folder.joinpath("work").mkdir()
            environment |= {"PYTHONPATH": str(self._folder / "view")}
            prefix, folder = [], self._folder / "work"
        else:
            prefix, folder = sandbox.command(self._folder / "view", hidden), None
        join = self._cgroup.join if self._cgroup else None
        self._control, theirs = socket.socketpair()
        with theirs, self._folder.joinpath("log").open("wb") as log:
            self._process = subprocess.Popen(
                [*prefix, *program, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=environment,
                cwd=folder,
                preexec_fn=join,
            )

    def _warm(self, modules: list[str], limits: Limits) -> int:
        """Send the settings, wait for the imports; the number of threads the template runs."""
        settings = {
            "role": self._role,
            "modules": modules,
            "isolate": not self._unsafe,
            "uid": None if self._unsafe else sandbox.template_uid(),
            "limits": limits._asdict(),
        }
        self._control.settimeout(_START_SECONDS)
        try:
            self._control.sendall(json.dumps(settings).encode() + b"\n")
            with self._control.makefile("rb") as lines:
                line = lines.readline(1 << 16)
        except OSError:
            line = b""
        if not line:
            log = self._folder.joinpath("log").read_text(errors="replace").strip()
            raise sandbox.NoWallError(f"the sandbox did not start: {log[-500:] or 'no reason'}")
        reply = json.loads(line)
        if "error" in reply:
            raise RuntimeError(f"the sandbox could not import {modules}: {reply['error']}")
        return int(reply["threads"])

    def fork(self, files: Mapping[str, bytes]) -> "Process":
        """A process of its own for one submission, with `files` in its working folder."""
        ours, theirs = socket.socketpair()
        try:
            self._control.settimeout(_FORK_SECONDS)
            socket.send_fds(self._control, [b"+"], [theirs.fileno()])
        except OSError:
            ours.close()
            raise TemplateLost(self.why_lost()) from None
        finally:
            theirs.close()
        process = Process(ours, files)
        if self._watch_bytes is not None:
            process.watch(self._watch_bytes)
        return process

    def why_lost(self) -> str:
        """The last words of a template that is gone."""
        log = self._folder.joinpath("log").read_text(errors="replace").strip()
        return log[-500:] or f"the template ended ({self._process.poll()})"

    def alive(self) -> bool:
        """Whether the template still runs.

        Its end of the socket closes before what it forked is ended, bubblewrap's own end comes
        before or after: with both asked, no fork can be seen to be gone before its template is.
        """
        readable, _, _ = select.select([self._control], [], [], 0)
        return self._process.poll() is None and not readable  # it says nothing more but its end

    def close(self) -> None:
        """End the template and every process it forked, and remove its files."""
        if hasattr(self, "_process"):
            self._control.close()
            self._process.kill()
            self._process.wait()
        if self._cgroup is not None:
            self._cgroup.remove()
        shutil.rmtree(self._folder, ignore_errors=True)


class TemplateLost(RuntimeError):  # noqa: N818
    """The template died; a new one is needed."""


class Process:
    """One forked process: asked over a socket, interrupted and killed by its handle."""

    def __init__(self, sock: socket.socket, files: Mapping[str, bytes]) -> None:
        self._sock = sock
        self._handle: int | None = None
        self._memory: MemoryWatch | None = None
        deadline = time.monotonic() + _FORK_SECONDS
        request = wire.frame({"files": list(files)}, files.values())
        try:
            wire.send(sock, request, deadline)
            sock.settimeout(_FORK_SECONDS)
            byte, handles, _, _ = socket.recv_fds(sock, 1, 1)
        except OSError:
            byte, handles = b"", []
        if byte != b"!" or len(handles) != 1:
            sock.close()
            raise TemplateLost("a process could not be isolated")
        self._handle = handles[0]

    def watch(self, limit_bytes: int) -> None:
        """Kill it when all its processes together hold more memory than this."""
        if self._handle is not None:
            self._memory = MemoryWatch(self._handle, limit_bytes)

    def send(self, message: wire.Frame, deadline: float) -> None:
        wire.send(self._sock, message, deadline)

    def receive(self, deadline: float, **limits: Any) -> wire.Frame:
        return wire.receive(self._sock, deadline, **limits)

    def interrupt(self) -> None:
        """What Ctrl-C would do."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """End it, and with it everything in its namespaces."""
        self._signal(signal.SIGKILL)
        if self._memory is not None:
            self._memory.stop()
            self._memory = None
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        self._sock.close()

    def _signal(self, number: signal.Signals) -> None:
        if self._handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

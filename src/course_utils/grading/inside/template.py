"""The warm template: imports once, then forks an isolated process for each request.

Run within bubblewrap as `python -m course_utils.grading.inside.template CONTROL_FD`. The control
socket brings one JSON line of settings, then, for each process wanted, a socket to serve.
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import isolation, limits, wire


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    settings = json.loads(_read_line(control))
    if settings["uid"] is not None:
        isolation.become(settings["uid"])
    try:
        serve = _prepare(settings)
    except BaseException as error:  # whatever an import raises, the driver must hear it
        report = {"error": f"{type(error).__name__}: {error}"}
        control.sendall(json.dumps(report).encode() + b"\n")
        return
    threads = len(list(Path("/proc/self/task").iterdir()))
    control.sendall(json.dumps({"ready": True, "threads": threads}).encode() + b"\n")
    while True:
        byte, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not byte:
            return
        if os.fork() == 0:
            control.close()
            _child(socket.socket(fileno=descriptors[0]), settings, serve)
        os.close(descriptors[0])


def _prepare(settings: dict[str, Any]) -> Callable[[socket.socket], None]:
    """Import what the assignment imports, and give the function that serves one submission."""
    sys.modules["numba"] = None  # type: ignore[assignment]  # no compiler: kernels run on NumPy
    for name in settings["modules"]:
        importlib.import_module(name)
    role = importlib.import_module(f"{__package__}.{settings['role']}")
    serve = role.prepare()
    sys.path.insert(0, limits.WORK)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    return serve


def _child(sock: socket.socket, settings: dict[str, Any], serve: Callable[..., None]) -> None:
    """One submission's process, from the fork to its end; never returns."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.setsid()
        request = wire.receive(sock)
        if settings["isolate"]:
            _isolate(limits.Limits(**settings["limits"]))
        _write_files(request.json()["files"], request.blobs)
        os.environ.update(HOME=str(Path.cwd()), TMPDIR=str(Path.cwd() / ".tmp"))
        handle = os.pidfd_open(os.getpid())
        socket.send_fds(sock, [b"!"], [handle])
        os.close(handle)
        if settings["isolate"]:
            isolation.close_doors(sock.fileno())
        serve(sock)
    except (EOFError, OSError):
        pass
    finally:
        os._exit(1)


def _isolate(caps: limits.Limits) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    template_bytes = pages * os.sysconf("SC_PAGE_SIZE")
    isolation.enter_namespaces()
    isolation.private_folders(caps.folder_bytes)
    isolation.drop_capabilities()
    isolation.set_limits(caps, template_bytes)


def _write_files(names: list[str], contents: list[bytes]) -> None:
    """The submission's or the assignment's data files, below the working folder."""
    for name, content in zip(names, contents, strict=True):
        path = Path(os.path.normpath("/" + name).lstrip("/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _read_line(control: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        part = control.recv(1)
        if not part:
            sys.exit(0)
        line += part
    return line


if __name__ == "__main__":
    main()

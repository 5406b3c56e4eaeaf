"""What a sandboxed process may take, and where it works; importable on every platform."""

from typing import NamedTuple

WORK = "/submission"


class Limits(NamedTuple):
    """What one process tree may take."""

    memory: int = 2 << 30  # bytes of address space beyond the template's own, per process
    processes: int = 64
    files: int = 256
    file_bytes: int = 64 << 20
    folder_bytes: int = 256 << 20
    cpu_seconds: int = 600

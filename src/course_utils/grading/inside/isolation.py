"""The second wall: each submission's process is alone in namespaces of its own.

The template around it already sees no network, no home and no course; here one forked child also
loses sight of the template and of every other child, gets empty private folders, limits, no
capability and the seccomp filter. When its first process ends, the kernel ends all its others.
"""

import ctypes
import os
import resource
import signal
import struct
from pathlib import Path

from . import seccomp
from .limits import WORK, Limits

_NEW_NAMESPACES = 0x10000000 | 0x20000 | 0x20000000 | 0x08000000 | 0x04000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 1, 2, 4, 8
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP = 1, 4, 24
_CAPABILITY_VERSION = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def become(uid: int) -> None:
    """Root only: give up root for a user id that nothing else uses, so that limits bind."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def enter_namespaces() -> None:
    """Return in a new process, the first of its own user, PID, mount and IPC namespaces.

    The process that called waits for it, holding nothing, and then exits.
    """
    uid, gid = os.getuid(), os.getgid()
    _libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)  # else /proc/self/uid_map belongs to root
    _call("unshare", _NEW_NAMESPACES)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        descriptor = os.open(f"/proc/self/{name}", os.O_WRONLY)
        os.write(descriptor, text.encode())
        os.close(descriptor)
    child = os.fork()
    if child:
        os.closerange(0, 4096)
        os.waitpid(child, 0)
        os._exit(0)
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # Where memory runs out, the kernel is to end this process and not its template.
    Path("/proc/self/oom_score_adj").write_text("1000")


def private_folders(folder_bytes: int) -> None:
    """Empty folders of this process's own for work and shared memory; /proc goes dark."""
    flags = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    _mount("/dev/shm", flags, f"size={folder_bytes // 4}")
    _mount(WORK, flags, f"size={folder_bytes},nr_inodes=16k,mode=755")
    _mount("/proc", flags | _MS_RDONLY, "size=4k,mode=555")
    Path(WORK, ".tmp").mkdir()
    os.chdir(WORK)


def drop_capabilities() -> None:
    """Give up every capability over the new namespaces, now and after any exec."""
    for capability in range(64):
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
    _call("capset", header, struct.pack("6I", *[0] * 6))


def set_limits(limits: Limits, template_bytes: int) -> None:
    """rlimits of this process and its children; `template_bytes`: address space already in use."""
    for name, value in (
        ("AS", template_bytes + limits.memory),
        ("NPROC", limits.processes),
        ("NOFILE", limits.files),
        ("FSIZE", limits.file_bytes),
        ("CPU", limits.cpu_seconds),
        ("CORE", 0),
        ("MEMLOCK", 1 << 20),
        ("MSGQUEUE", 0),
    ):
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))


def close_doors(keep: int) -> None:
    """The last step before foreign code: no descriptor but `keep`, no dump, the filter loaded."""
    null = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.closerange(3, keep)
    os.closerange(keep + 1, 4096)
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    seccomp.load()


def _mount(target: str, flags: int, options: str) -> None:
    _call("mount", b"tmpfs", target.encode(), b"tmpfs", flags, options.encode())


def _call(function: str, *arguments: int | bytes) -> None:
    converted = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments]
    if getattr(_libc, function)(*converted) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")

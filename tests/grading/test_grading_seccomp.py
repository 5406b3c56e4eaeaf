"""The system call filter is the one meant, on both architectures."""

import ctypes
import ctypes.util
import errno
import os
import socket
import struct
import sys

import pytest

from course_utils.grading.inside import seccomp

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
FORBIDDEN = [
    "execve",
    "execveat",
    "ptrace",
    "mount",
    "umount2",
    "pivot_root",
    "unshare",
    "setns",
    "bpf",
    "io_uring_setup",
    "keyctl",
    "add_key",
    "userfaultfd",
    "perf_event_open",
    "process_vm_readv",
    "process_vm_writev",
    "pidfd_open",
    "pidfd_getfd",
    "init_module",
    "kexec_load",
    "memfd_create",
    "chroot",
    "mknodat",
    "shmget",
    "msgget",
    "fchownat",
    "setuid",
    "reboot",
    "swapon",
    "open_by_handle_at",
    "name_to_handle_at",
    "fsopen",
    "move_mount",
    "personality",
    "quotactl",
    "acct",
]


def run(program: bytes, number: int, arguments=(0,) * 6, machine="x86_64") -> int:
    """What the filter says of one call: a small interpreter of classic BPF."""
    data = struct.pack("<IIQ6Q", number, ARCHITECTURES[machine], 0, *arguments)
    code = list(struct.iter_unpack("<HBBI", program))
    at, accumulator = 0, 0
    while True:
        operation, if_true, if_false, value = code[at]
        at += 1
        if operation == 0x20:
            accumulator = struct.unpack_from("<I", data, value)[0]
        elif operation == 0x06:
            return value
        else:
            holds = {
                0x15: accumulator == value,
                0x35: accumulator >= value,
                0x45: bool(accumulator & value),
            }[operation]
            at += if_true if holds else if_false


ALLOW, KILL = 0x7FFF0000, 0x80000000


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_numbers_are_those_of_libseccomp(machine):
    found = ctypes.util.find_library("seccomp")
    if found is None:
        pytest.skip("libseccomp, which knows the numbers, is not installed here")
    library = ctypes.CDLL(found)
    resolve = library.seccomp_syscall_resolve_name_arch
    resolve.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    for name, number in seccomp.numbers(machine).items():
        assert resolve(ARCHITECTURES[machine], name.encode()) == number, name
    for name in FORBIDDEN:
        number = resolve(ARCHITECTURES[machine], name.encode())
        assert run(seccomp.program(machine), number, machine=machine) != ALLOW, name


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_listed_calls_pass_and_others_do_not(machine):
    program, numbers = seccomp.program(machine), seccomp.numbers(machine)
    special = {"clone", "clone3", "socket", "socketpair", "ioctl", "prctl"}
    for number in range(600):
        listed = number in {numbers[name] for name in numbers.keys() - special}
        assert (run(program, number, machine=machine) == ALLOW) == listed or number in {
            numbers[name] for name in special
        }


def test_other_architectures_and_x32_are_killed():
    program = seccomp.program("x86_64")
    assert run(program, 0, machine="aarch64") == KILL
    assert run(program, 0x40000000) == KILL


def test_arguments_decide_where_they_must():
    program, number = seccomp.program("x86_64"), seccomp.numbers("x86_64")
    for family in range(64):
        verdict = run(program, number["socket"], (family, 1, 0, 0, 0, 0))
        assert (verdict == ALLOW) == (family == socket.AF_UNIX)
    for flag in (0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert run(program, number["clone"], (flag | 17, 0, 0, 0, 0, 0)) != ALLOW
    assert run(program, number["clone"], (0x003D0F00, 0, 0, 0, 0, 0)) == ALLOW  # a thread
    assert run(program, number["clone3"]) & 0xFFFF == errno.ENOSYS
    assert run(program, number["ioctl"], (0, 0x5412, 0, 0, 0, 0)) != ALLOW  # TIOCSTI
    assert run(program, number["prctl"], (22, 0, 0, 0, 0, 0)) != ALLOW  # seccomp itself


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux's")
def test_the_kernel_enforces_it():
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        seccomp.load()
        refused = 0
        for attempt in (
            lambda: os.execv("/bin/true", ["true"]),
            lambda: socket.socket(socket.AF_INET),
            lambda: os.chroot("/"),
        ):
            try:
                attempt()
            except OSError:
                refused += 1
        os.write(writer, bytes([refused]))
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(reader, 1) == b"\x03"
    os.close(reader)
    os.close(writer)

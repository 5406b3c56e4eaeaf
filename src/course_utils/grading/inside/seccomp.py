"""A seccomp allow-list: the system calls that numerical Python needs, and no other.

The filter is a classic BPF program, written by hand here because it is forty instructions of
logic: nothing needs to be installed, and the numbers below can be read beside the kernel's.
"""

import ctypes
import errno
import platform
import struct

# name, number on x86_64, number on aarch64 ("-": not there); the most frequent ones first.
# Absent on purpose: execve, ptrace, mount, unshare, setns, bpf, io_uring, keyctl, userfaultfd,
# perf_event_open, process_vm_*, pidfd_*, memfd_create, chown, mknod, chroot, shmget and msgget.
SYSTEM_CALLS = """
    read 0 63; write 1 64; futex 202 98; mmap 9 222; munmap 11 215; mprotect 10 226; madvise 28
    233; brk 12 214; mremap 25 216; clock_gettime 228 113; rt_sigaction 13 134; rt_sigprocmask 14
    135; rt_sigreturn 15 139; recvfrom 45 207; sendto 44 206; recvmsg 47 212; sendmsg 46 211; poll
    7 -; ppoll 271 73; open 2 -; openat 257 56; close 3 57; close_range 436 436; stat 4 -; fstat 5
    80; lstat 6 -; newfstatat 262 79; statx 332 291; lseek 8 62; pread64 17 67; pwrite64 18 68;
    readv 19 65; writev 20 66; preadv 295 69; pwritev 296 70; access 21 -; faccessat 269 48;
    faccessat2 439 439; pipe 22 -; pipe2 293 59; select 23 -; pselect6 270 72; sched_yield 24 124;
    msync 26 227; mincore 27 232; dup 32 23; dup2 33 -; dup3 292 24; pause 34 -; nanosleep 35 101;
    clock_nanosleep 230 115; getitimer 36 102; setitimer 38 103; alarm 37 -; getpid 39 172; gettid
    186 178; getppid 110 173; getpgid 121 155; getpgrp 111 -; getsid 124 156; setsid 112 157;
    setpgid 109 154; getuid 102 174; geteuid 107 175; getgid 104 176; getegid 108 177; getgroups
    115 158; getresuid 118 148; getresgid 120 150; connect 42 203; accept 43 202; accept4 288 242;
    shutdown 48 210; bind 49 200; listen 50 201; getsockname 51 204; getpeername 52 205;
    setsockopt 54 208; getsockopt 55 209; fork 57 -; vfork 58 -; exit 60 93; exit_group 231 94;
    wait4 61 260; waitid 247 95; kill 62 129; tgkill 234 131; tkill 200 130; uname 63 160; fcntl
    72 25; flock 73 32; fsync 74 82; fdatasync 75 83; sync_file_range 277 84; truncate 76 45;
    ftruncate 77 46; fallocate 285 47; getdents 78 -; getdents64 217 61; getcwd 79 17; chdir 80
    49; fchdir 81 50; rename 82 -; renameat 264 38; renameat2 316 276; mkdir 83 -; mkdirat 258 34;
    rmdir 84 -; creat 85 -; unlink 87 -; unlinkat 263 35; link 86 -; linkat 265 37; symlink 88 -;
    symlinkat 266 36; readlink 89 -; readlinkat 267 78; chmod 90 -; fchmod 91 52; fchmodat 268 53;
    utimensat 280 88; utimes 235 -; umask 95 166; listxattr 194 11; gettimeofday 96 169; time 201
    -; getrlimit 97 163; prlimit64 302 261; getrusage 98 165; sysinfo 99 179; times 100 153;
    rt_sigpending 127 136; rt_sigtimedwait 128 137; rt_sigsuspend 130 133; sigaltstack 131 132;
    statfs 137 43; fstatfs 138 44; sched_getparam 143 121; sched_getscheduler 145 120;
    sched_get_priority_max 146 125; sched_get_priority_min 147 126; sched_setaffinity 203 122;
    sched_getaffinity 204 123; getcpu 309 168; get_mempolicy 239 236; arch_prctl 158 -;
    set_tid_address 218 96; set_robust_list 273 99; get_robust_list 274 100; rseq 334 293;
    membarrier 324 283; getrandom 318 278; fadvise64 221 223; copy_file_range 326 285; sendfile 40
    71; clock_getres 229 114; timer_create 222 107; timer_settime 223 110; timer_gettime 224 108;
    timer_getoverrun 225 109; timer_delete 226 111; timerfd_create 283 85; timerfd_settime 286 86;
    timerfd_gettime 287 87; eventfd 284 -; eventfd2 290 19; epoll_create 213 -; epoll_create1 291
    20; epoll_ctl 233 21; epoll_wait 232 -; epoll_pwait 281 22; restart_syscall 219 128; mlock 149
    228; munlock 150 229; clone 56 220; clone3 435 435; socket 41 198; socketpair 53 199; ioctl 16
    29; prctl 157 167
"""

AF_UNIX = 1
NEW_NAMESPACES = 0x7E020000  # CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}
# Terminal size and attributes, close-on-exec, blocking mode, bytes waiting.
IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
# Death signal, dumpable, name, capability and seccomp queries, names of memory areas.
PRCTLS = (1, 2, 3, 15, 16, 21, 23, 39, 0x53564D41)

_ARCHITECTURES = {"x86_64": (0xC000003E, 1), "aarch64": (0xC00000B7, 2)}
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_X32_BIT = 0x40000000
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2


def numbers(machine: str) -> dict[str, int]:
    """System call numbers of `machine` ("x86_64" or "aarch64") by name, in the filter's order."""
    column = _ARCHITECTURES[machine][1]
    rows = [row.split() for row in SYSTEM_CALLS.replace("\n", " ").split(";")]
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}


def supported(machine: str | None = None) -> bool:
    """Whether the filter is written for this machine's architecture."""
    return (machine or platform.machine()) in _ARCHITECTURES


def program(machine: str) -> bytes:
    """The filter as a classic BPF program (8 bytes an instruction)."""
    call = numbers(machine)
    code = [
        _load(_ARCHITECTURE_AT),
        _jump(_JUMP_EQUAL, _ARCHITECTURES[machine][0], 1, 0),
        _return(_KILL),
        _load(_NUMBER_AT),
        _jump(_JUMP_AT_LEAST, _X32_BIT, 0, 1),
        _return(_KILL),
    ]
    special = {
        "clone": _refuse_bits(NEW_NAMESPACES),
        "clone3": [_return(_ERRNO | errno.ENOSYS)],  # its flags lie in memory; libc falls back
        "socket": _allow_argument(0, (AF_UNIX,), errno.EAFNOSUPPORT),
        "socketpair": _allow_argument(0, (AF_UNIX,), errno.EAFNOSUPPORT),
        "ioctl": _allow_argument(1, IOCTLS, errno.ENOTTY),
        "prctl": _allow_argument(0, PRCTLS, errno.EPERM),
    }
    for name, number in call.items():
        block = special.get(name, [_return(_ALLOW)])
        code += [_jump(_JUMP_EQUAL, number, 0, len(block)), *block]
    return b"".join([*code, _return(_ERRNO | errno.EPERM)])


def load() -> None:
    """Put the filter on this process, its threads to come and its children, for good.

    Raises OSError where the kernel refuses it and KeyError on an architecture without a table.
    """
    code = program(platform.machine())
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("@HxxxxxxQ", len(code) // 8, ctypes.addressof(buffer))
    for arguments in (
        (_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0),
    ):
        if libc.prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "the kernel refused the seccomp filter")


def _load(offset: int) -> bytes:
    return struct.pack("<HBBI", _LOAD, 0, 0, offset)


def _jump(test: int, value: int, if_true: int, if_false: int) -> bytes:
    return struct.pack("<HBBI", test, if_true, if_false, value)


def _return(action: int) -> bytes:
    return struct.pack("<HBBI", _RETURN, 0, 0, action)


def _allow_argument(index: int, values: tuple[int, ...], refusal: int) -> list[bytes]:
    """Allow when the low half of argument `index`, an int to the kernel, is one of `values`."""
    n = len(values)
    tests = [_jump(_JUMP_EQUAL, value, n - k, 0) for k, value in enumerate(values)]
    return [
        _load(_ARGUMENTS_AT + 8 * index),
        *tests,
        _return(_ERRNO | refusal),
        _return(_ALLOW),
    ]


def _refuse_bits(mask: int) -> list[bytes]:
    return [
        _load(_ARGUMENTS_AT),
        _jump(_JUMP_ANY_BIT, mask, 0, 1),
        _return(_ERRNO | errno.EPERM),
        _return(_ALLOW),
    ]

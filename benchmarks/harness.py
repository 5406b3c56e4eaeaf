"""Times a kernel beside its peers in interleaved rounds, once their results agree.

What a benchmark prints is Markdown, kept in `results/` for the book; progress goes to stderr.
"""

import importlib.metadata
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Run = Callable[[], Any]


@dataclass
class Row:
    """One contestant's times on one workload: wall and CPU seconds, one entry a round."""

    name: str
    run: Run
    agreement: str
    setup: float  # s: importing, compiling, building, and the first run, which is not timed
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.wall)


def compare(
    workload: str,
    ours: Run,
    peers: Mapping[str, Callable[[], Run]],
    *,
    agree: Callable[[Any, Any], str],
    rounds: int = 7,
    patience: float = 30.0,
) -> list[Row]:
    """Rows of times for `ours`, then for each peer that is installed; prints progress.

    ours: the call to time.  peers: for each name, a function that imports and builds what the peer
    needs and returns the call to time; one that raises ImportError is left out with one line.
    agree(ours, theirs): says in a few words how the two results agree, raises AssertionError when
    they do not.  Every round times each contestant once, so that a busy moment hits them all; one
    that has used up `patience` seconds sits out the rounds that remain.
    """
    print(f"\n### {workload}\n", flush=True)
    rows = [_enter("course_utils", lambda: ours, lambda result: "")]
    expected = ours()
    for name, setup in peers.items():
        try:
            rows.append(_enter(name, setup, lambda result: agree(expected, result)))
        except ImportError as error:
            print(f"{name}: left out ({error})", file=sys.stderr, flush=True)
    for _ in range(rounds):
        for row in rows:
            if sum(row.wall) < patience:
                _time_once(row)
    return rows


def print_table(rows: list[Row]) -> None:
    """The rows as one Markdown table; a ratio is the contestant's time over ours (rows[0])."""
    ours = rows[0]
    print(
        "| implementation | ratio of medians | of minima | of CPU | median (s) | rounds "
        "| set-up (s) | agreement |"
        "\n|---|---|---|---|---|---|---|---|"
    )
    for row in rows:
        cpu, our_cpu = statistics.median(row.cpu), statistics.median(ours.cpu)
        ratios = (
            row.median / ours.median,
            min(row.wall) / min(ours.wall),
            cpu / our_cpu if our_cpu else float("nan"),
        )
        cells = (
            row.name,
            *(f"{ratio:.2f}" for ratio in ratios),
            f"{row.median:.3g}",
            len(row.wall),
            f"{row.setup:.1f}",
            row.agreement,
        )
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def print_environment(*packages: str) -> None:
    """One line on the machine, its threads and the versions of NumPy, Numba and `packages`."""
    names = dict.fromkeys(("course-utils", "numpy", "scipy", "numba", *packages))
    versions = [f"{name} {version}" for name in names if (version := _version(name))]
    limits = {
        key: os.environ[key]
        for key in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        if key in os.environ
    }
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}", end="")
    print(f"; {cores} cores; thread limits set: {limits or 'none'}.", end=" ")
    print(", ".join(versions) + ".", flush=True)


def _enter(name: str, setup: Callable[[], Run], check: Callable[[Any], str]) -> Row:
    """The contestant built, warmed up by one run and checked."""
    start = time.perf_counter()
    run = setup()
    result = run()
    seconds = time.perf_counter() - start
    agreement = check(result)
    progress = f"{name}: ready in {seconds:.1f} s{agreement and ', ' + agreement}"
    print(progress, file=sys.stderr, flush=True)
    return Row(name, run, agreement, seconds)


def _time_once(row: Row) -> None:
    cpu_before, start = _cpu_seconds(), time.perf_counter()
    row.run()
    row.wall.append(time.perf_counter() - start)
    row.cpu.append(_cpu_seconds() - cpu_before)


def _cpu_seconds() -> float:
    """CPU seconds of this process, all its threads and the child processes it has waited for."""
    times = os.times()
    children = times.children_user + times.children_system
    return time.process_time() + children


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None

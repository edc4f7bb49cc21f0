"""Speed of several ways to do one thing, measured in turns in one process.

Other load on a machine comes and goes: taking turns lets it strike all alike.  Only the ratios of
such times mean anything elsewhere.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

#: Seconds after which a task gets no further turn.
PATIENCE = 20.0


@dataclass(frozen=True)
class Times:
    """Seconds of one task over its turns.

    Attributes
    ----------
    fastest, middle : float
        Least and median wall time.
    cpu : float
        Least processor time of all threads.
    turns : int
    """

    fastest: float
    middle: float
    cpu: float
    turns: int


def take_turns(
    tasks: Mapping[str, Callable[[], Any]], repeats: int, patience: float = PATIENCE
) -> dict[str, Times]:
    """Time every task `repeats` times, one after the other, round by round.

    Parameters
    ----------
    tasks : mapping of name to callable
        Called once beforehand by whoever needs them warm.
    repeats : int
        At least 1.
    patience : float
        Seconds a task may have used before it gets no further turn.
    """
    wall: dict[str, list[float]] = {name: [] for name in tasks}
    cpu: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(max(repeats, 1)):
        for name, task in tasks.items():
            if sum(wall[name]) > patience:
                continue
            started, used = time.perf_counter(), time.process_time()
            task()
            cpu[name].append(time.process_time() - used)
            wall[name].append(time.perf_counter() - started)
    return {
        name: Times(min(wall[name]), median(wall[name]), min(cpu[name]), len(wall[name]))
        for name in tasks
    }


def version(distribution: str) -> str | None:
    """Version of an installed distribution, None where it is absent."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def machine(distributions: tuple[str, ...]) -> str:
    """Where and with what a table was measured, and a sentence for each peer that is absent."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = {name: version(name) for name in ("numpy", "scipy", "numba", *distributions)}
    have = ", ".join(f"{name} {number}" for name, number in found.items() if number)
    lines = [
        f"{usable} processor cores, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}, {have}"
    ]
    if hasattr(os, "getloadavg"):
        lines.append(f"Load when this began: {os.getloadavg()[0]:.1f} running processes")
    lines += [
        f"{name} is not installed and so not measured: pip install {name}"
        for name, number in found.items()
        if number is None
    ]
    return "\n".join(lines)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold linear algebra libraries to one thread, where threadpoolctl is installed to do so."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        yield
        return
    with threadpool_limits(limits=1):
        yield


def table(times: Mapping[str, Times], own: str, notes: Mapping[str, str] | None = None) -> str:
    """Times in milliseconds, and how many times slower than `own` each is."""
    width = max(len(name) for name in times)
    lines = [f"{'':<{width}} {'least ms':>10} {'median ms':>10} {'cpu ms':>10} {'ratio':>8}"]
    for name, t in times.items():
        ratio = t.fastest / times[own].fastest
        note = f"  {notes[name]}" if notes and name in notes else ""
        lines.append(
            f"{name:<{width}} {1e3 * t.fastest:>10.2f} {1e3 * t.middle:>10.2f}"
            f" {1e3 * t.cpu:>10.2f} {ratio:>8.1f}{note}"
        )
    return "\n".join(lines)

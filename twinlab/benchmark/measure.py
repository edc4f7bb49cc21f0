"""One method on one cell: make the data, let the method answer, judge the answer."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import math
import platform
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

from twinlab import __version__

from .adapters import Method, find_method
from .cells import BenchmarkCase, Cell, make_case
from .metrics import judge
from .peer_data import NotApplicable
from .scoring import Answer

PACKAGE = Path(__file__).resolve().parents[1]
#: What decides an answer of the project's own method, and what decides data and scores.
OWN_FLOORS = ("expressions", "study", "kernels", "library", "knowledge", "discovery")
#: Modules of the benchmark that neither make data nor answer nor judge.
PRESENTATION = (
    "calibration", "calibration_page", "command", "compare", "elastic_net", "elastic_net_peers",
    "hand_written", "latency", "levels", "page", "places", "published", "recovery", "results",
    "runner", "side_by_side", "sparse_regression", "statistics", "stlsq", "suites", "tables",
    "trajectories", "uniformity", "worker", "workers",
)  # fmt: skip
Event = Callable[[Mapping[str, Any]], None]


@cache
def _fingerprint(folders: tuple[str, ...]) -> str:
    """First digits of the hash of the source that decides a row."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted((PACKAGE / folder).rglob("*.py")):
            if folder != "benchmark" or path.stem not in PRESENTATION:
                digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:10]


@cache
def versions(method: str) -> dict[str, str]:
    """Versions that a row belongs to: rows of others are kept apart.

    Peers do not depend on the engine's source, so that their rows outlive a change of it.
    """
    chosen = find_method(method)
    floors = (*OWN_FLOORS, "benchmark") if method == "twinlab" else ("benchmark",)
    out = {
        "twinlab": __version__,
        "source": _fingerprint(floors),
        "python": platform.python_version(),
    }
    for package in ("numpy", "scipy", "numba", *chosen.requires):
        distribution = {"sklearn": "scikit-learn"}.get(package, package)
        try:
            out[distribution] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            out[distribution] = "absent"
    return out


def settings(budget: float) -> dict[str, Any]:
    """Settings a row belongs to, besides the cell and the method."""
    return {"budget": budget}


def new_row(cell: Cell, method: str, budget: float) -> dict[str, Any]:
    """The part of a row that is known before anything ran."""
    return {
        "schema": 1,
        "key": cell.key,
        "method": method,
        "seed": cell.seed,
        "cell": asdict(cell),
        "settings": settings(budget),
        "versions": versions(method),
    }


def measure(request: Mapping[str, Any], tell: Event = lambda _event: None) -> dict[str, Any]:
    """Run one request ``{"cell", "method", "budget"}`` in this process.

    Parameters
    ----------
    request : mapping
    tell : callable
        Gets ``{"event": "started"}`` when the clock starts and ``{"event": "answered"}`` when it
        stops, so that a parent can end what overruns.

    Returns
    -------
    dict
        The row; a crash of the method is its outcome.
    """
    cell, budget = Cell.from_json(json.dumps(request["cell"])), float(request["budget"])
    method = find_method(request["method"])
    row = new_row(cell, method.name, budget)
    case = make_case(cell)
    absent = method.missing()
    if absent:
        failure = f"{', '.join(absent)} not installed"
        return finished(row, case, Answer({}, failure=failure), "absent", math.nan)
    method.prepare()
    before = _reset_peak()
    tell({"event": "started"})
    answer, outcome = _answer(method, case, budget)
    # what the answer needed on top of what the process held before
    peak = math.nan if before is None else round(_peak_megabytes() - before, 1)
    tell({"event": "answered"})
    if outcome == "answered" and answer.seconds > budget:
        answer = Answer({}, seconds=answer.seconds, failure=f"took more than {budget:g} s")
        outcome = "overran"
    return finished(row, case, answer, outcome, peak)


def _answer(method: Method, case: BenchmarkCase, budget: float) -> tuple[Answer, str]:
    started = time.perf_counter()
    try:
        answer = method(case, budget)
    except NotApplicable as reason:
        return Answer({}, failure=str(reason)), "skipped"
    except Exception as error:  # a crash is an outcome of a benchmark, not its end
        seconds = time.perf_counter() - started
        words = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        return Answer({}, seconds=seconds, failure=words), "failed"
    answer = replace(answer, seconds=time.perf_counter() - started)
    return answer, "failed" if answer.failure else "answered"


def finished(
    row: dict[str, Any], case: BenchmarkCase, answer: Answer, outcome: str, peak: float
) -> dict[str, Any]:
    """Complete a row with what came out."""
    return {
        **row,
        "outcome": outcome,
        "failure": answer.failure,
        "seconds": round(answer.seconds, 4),
        "memory_mb": _number(peak),
        "truth_in_library": case.truth_in_library,
        "metrics": {k: _number(v) for k, v in judge(answer, case).items()},
        "remarks": {k: _number(v) for k, v in answer.remarks.items()},
    }


def _number(value: Any) -> Any:
    """JSON has no NaN: None instead."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _reset_peak() -> float | None:
    """Start a new measurement of the peak memory; resident MB now, None where it cannot be told.

    Linux alone lets a process reset its own high-water mark.
    """
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return None
    return _peak_megabytes() if sys.platform == "linux" else None


def _peak_megabytes() -> float:
    """Largest resident size of this process since the reset, in MB (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0

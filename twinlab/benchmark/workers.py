"""Child processes that can be killed, one for each thread or process that runs requests.

A budget cannot be enforced inside a process: a peer may sit in compiled code for minutes.  So
every answer is given in a child, which is killed when it overruns and replaced by a new one.
"""

from __future__ import annotations

import atexit
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from .cells import Cell, make_case
from .measure import finished, new_row
from .scoring import Answer

GRACE = 2.0  #: seconds over the budget before a child is killed: a method may stop by itself
PATIENCE = 600.0  #: seconds for what is not the method's: imports, compilation
JUDGING = 120.0  #: seconds for simulating and scoring an answer
_SINGLE = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class Child:
    """A worker process and the line to it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "twinlab.benchmark.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={**os.environ, **dict.fromkeys(_SINGLE, "1")},
        )
        self.lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def ask(self, request: Mapping[str, Any]) -> None:
        """Send a request."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def event(self, seconds: float) -> dict[str, Any]:
        """Wait for the next event; 'late' after `seconds`, 'gone' where the process has ended."""
        try:
            line = self.lines.get(timeout=seconds)
        except queue.Empty:
            return {"event": "late"}
        return {"event": "gone"} if line is None else dict(json.loads(line))

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self.process.poll() is None

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()


_mine = threading.local()
_all: list[Child] = []


def close_children() -> None:
    """End every child of this process."""
    while _all:
        _all.pop().close()


atexit.register(close_children)


def _child() -> Child:
    """The child of this thread, started where there is none."""
    child: Child | None = getattr(_mine, "child", None)
    if child is None or not child.alive:
        child = Child()
        _mine.child = child
        _all.append(child)
    return child


def run_request(request: dict[str, Any]) -> dict[str, Any]:
    """Run ``{"cell", "method", "budget"}`` in a child and return its row.

    An answer that overruns its budget, or takes its process down, is an outcome of its own.
    """
    child = _child()
    child.ask(request)
    limit = PATIENCE
    seconds = 0.0
    while True:
        asked = time.perf_counter()
        event = child.event(limit)
        kind = event["event"]
        if kind == "row":
            return dict(event["row"])
        if kind == "started":
            limit = float(request["budget"]) + GRACE
        elif kind == "answered":
            limit = JUDGING
        else:
            seconds = time.perf_counter() - asked
            child.close()
            return _lost(request, event, child.process.returncode, seconds, limit)


def _lost(
    request: Mapping[str, Any], event: Mapping[str, Any], code: int, seconds: float, limit: float
) -> dict[str, Any]:
    """Row of a request that came to no answer."""
    budget = float(request["budget"])
    if event["event"] == "fault":
        outcome, failure = "fault", str(event["failure"])
    elif event["event"] == "late":
        outcome = "overran"
        failure = f"killed after {min(limit, budget):g} s"
    else:
        outcome, failure = "crashed", f"its process ended with code {code}"
    cell = Cell.from_json(json.dumps(request["cell"]))
    row = new_row(cell, str(request["method"]), budget)
    answer = Answer({}, seconds=seconds, failure=failure)
    if outcome == "fault":  # the case itself may be what fails
        return {
            **row,
            "outcome": outcome,
            "failure": failure,
            "seconds": round(seconds, 4),
            "memory_mb": None,
            "truth_in_library": None,
            "metrics": {},
            "remarks": {},
        }
    return finished(row, make_case(cell), answer, outcome, float("nan"))

"""Runs what is missing of a suite, on an executor, and keeps every row as it comes."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from dataclasses import asdict
from multiprocessing import get_context
from typing import Any

from twinlab.errors import UserError

from .cells import Cell
from .measure import versions
from .results import Results
from .suites import Suite
from .workers import close_children, run_request

Request = dict[str, Any]
Say = Callable[[str], None]


def make_executor(name: str, workers: int) -> Executor:
    """Executor by name: threads, processes or dask://HOST:PORT.

    Each thread or process drives a child process of its own, which can be killed.

    Raises
    ------
    UserError
        An unknown name, or dask without ``distributed``.
    """
    if name == "threads":
        return ThreadPoolExecutor(workers)
    if name == "processes":
        return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    if name.startswith("dask://"):
        try:
            from distributed import Client
        except ImportError:
            raise UserError(
                "--executor dask:// needs the package 'distributed'.",
                mend="pip install distributed, or use --executor processes.",
            ) from None
        client = Client("tcp://" + name.removeprefix("dask://"))
        executor: Executor = client.get_executor()
        return executor
    raise UserError(
        f"There is no executor '{name}'.", mend="Use threads, processes or dask://HOST:PORT."
    )


def missing(suite: Suite, methods: Sequence[str], results: Results) -> list[tuple[Cell, str]]:
    """(cell, method) pairs without a row: the first seed of every cell, then the second, ...

    A long suite that is stopped half-way has then said something about every system.
    """
    return [
        (cell, method)
        for cell in sorted(suite.cells(), key=lambda cell: cell.seed)
        for method in methods
        if results.find(cell.key, method, suite.budget) is None
    ]


def run(
    suite: Suite,
    methods: Sequence[str],
    results: Results,
    executor: Executor,
    *,
    workers: int = 2,
    say: Say | None = None,
    task: Callable[[Request], dict[str, Any]] = run_request,
) -> None:
    """Run every missing pair; each row is kept before the next is waited for.

    Parameters
    ----------
    suite : Suite
    methods : sequence of str
    results : Results
    executor : Executor
    workers : int
        How many run at once, for the estimate of the time left.
    say : callable, optional
        Gets a line for every row.
    task : callable
        What the executor runs; a module's function.
    """
    todo = missing(suite, methods, results)
    total = len(suite.cells()) * len(methods)
    clock = _Clock(todo, total, workers)
    futures: dict[Future[dict[str, Any]], tuple[Cell, str]] = {}
    strangers = 0
    waiting = iter(todo)
    try:
        while True:
            # a short queue: an interrupt leaves little to wait for
            while len(futures) < 2 * workers and (pair := next(waiting, None)) is not None:
                cell, method = pair
                request = {"cell": asdict(cell), "method": method, "budget": suite.budget}
                futures[executor.submit(task, request)] = pair
            if not futures:
                break
            done, _ = wait(futures, return_when=FIRST_COMPLETED)
            for future in done:
                cell, method = futures.pop(future)
                row = future.result()
                results.add(row)
                strangers += row["versions"] != versions(method)
                if say is not None:
                    say(clock.line(cell, method, row))
    except BaseException:
        for future in futures:
            future.cancel()
        close_children()
        raise
    if strangers and say is not None:
        say(
            f"{strangers} rows are of another version: the source changed during the run. "
            "Start again to fill the tables."
        )


class _Clock:
    """How far the run is, and how long it will take."""

    def __init__(self, todo: Sequence[tuple[Cell, str]], total: int, workers: int) -> None:
        self.left: dict[str, int] = defaultdict(int)
        for _, method in todo:
            self.left[method] += 1
        self.total, self.done, self.workers = total, total - len(todo), max(1, workers)
        self.spent: dict[str, list[float]] = defaultdict(list)
        self.started = time.perf_counter()
        self.answers = 0.0

    def line(self, cell: Cell, method: str, row: dict[str, Any]) -> str:
        self.done += 1
        self.left[method] -= 1
        self.spent[method].append(float(row["seconds"]))
        self.answers += float(row["seconds"])
        return f"[{self.done}/{self.total}] {self._remaining()}  {_words(cell, method, row)}"

    def _remaining(self) -> str:
        """Mean seconds of each method so far, times what is left, and the overhead seen."""
        every = [s for spent in self.spent.values() for s in spent]
        usual = sum(every) / len(every)
        answers = sum(
            n * (sum(self.spent[m]) / len(self.spent[m]) if self.spent[m] else usual)
            for m, n in self.left.items()
        )
        n_left = sum(self.left.values())
        wall = (time.perf_counter() - self.started) * self.workers
        overhead = max(0.0, wall - self.answers) / len(every)
        seconds = (answers + n_left * overhead) / self.workers
        if seconds >= 5400:
            return f"{seconds / 3600:.1f} h left"
        return f"{seconds / 60:.0f} min left" if seconds >= 90 else f"{seconds:.0f} s left"


def _words(cell: Cell, method: str, row: dict[str, Any]) -> str:
    name = f"{cell.system} seed {cell.seed}: {method}"
    if row["outcome"] != "answered":
        return f"{name}: {row['outcome']}: {row['failure'][:80]}"
    metrics = row["metrics"]
    exact = ", exact" if metrics["exact"] else ""
    return f"{name}: F1 {metrics['f1']:.2f}{exact}, {row['seconds']:.1f} s"


def say_to_terminal(line: str) -> None:
    """Progress goes to standard error: tables alone are the output."""
    print(line, file=sys.stderr, flush=True)

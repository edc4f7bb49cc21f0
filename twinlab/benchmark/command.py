"""The command ``twinlab bench``."""

from __future__ import annotations

import argparse
import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

from twinlab.errors import UserError
from twinlab.twin import write_atomically

from .adapters import find_method
from .page import bench_html
from .results import Results
from .runner import make_executor, missing, run, say_to_terminal
from .suites import Suite, make_suite, restricted
from .tables import text
from .workers import close_children


def bench(options: argparse.Namespace) -> int:
    """Run a suite and print its tables.

    Parameters
    ----------
    options : Namespace
        ``suite, axis, peers, seeds, budget, json, html, executor, workers`` of the command line.

    Returns
    -------
    int
        0.

    Raises
    ------
    UserError
        An unknown suite, axis, method or executor, or a file that cannot be used.
    """
    suite = make_suite(options.suite, options.seeds)
    if options.axis:
        suite = restricted(suite, options.axis)
    if options.budget:
        suite = with_budget(suite, options.budget)
    methods = chosen_methods(suite, options.peers)
    if options.html and Path(options.html).suffix.lower() not in (".html", ".htm"):
        raise UserError(
            f"--html: the page is HTML, not '{Path(options.html).suffix}'.",
            mend="Give a name that ends in .html.",
        )
    path = Path(options.json or f"bench-{suite.name.replace(':', '-')}.jsonl")
    results = Results(path)
    total = len(suite.cells()) * len(methods)
    left = len(missing(suite, methods, results))
    say_to_terminal(f"{suite.title}: {left} of {total} answers to get; kept in {path}")
    started = time.perf_counter()
    if left:
        with _executor(options.executor, options.workers) as executor:
            run(suite, methods, results, executor, workers=options.workers, say=say_to_terminal)
    print(text(suite, methods, results))
    say_to_terminal(f"{time.perf_counter() - started:.0f} s in this run")
    if options.html:
        page = bench_html(suite, methods, results)
        print(f"Wrote {write_atomically(options.html, page.encode())}")
    return 0


def chosen_methods(suite: Suite, peers: str | None) -> tuple[str, ...]:
    """TwinLab and the peers asked for, or all of the suite's.

    ``--peers none`` leaves TwinLab alone.

    Raises
    ------
    UserError
        A method that does not exist.
    """
    if peers is None:
        return suite.methods
    asked = [name.strip() for name in peers.split(",") if name.strip() not in ("", "none")]
    for name in asked:
        find_method(name).load()
    return tuple(dict.fromkeys(("twinlab", *asked)))


def with_budget(suite: Suite, budget: float) -> Suite:
    """The suite with another time budget."""
    return replace(suite, budget=float(budget))


@contextlib.contextmanager
def _executor(name: str, workers: int) -> Iterator[Executor]:
    """An executor whose children end with it; a polite kill counts as an interrupt."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, interrupt) if main else None
    executor = make_executor(name, workers)
    try:
        yield executor
        executor.shutdown()
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    finally:
        close_children()
        if main:
            signal.signal(signal.SIGTERM, before)

"""Work off the event loop: one process-wide pool, and jobs that supersede one another.

Nothing here knows Panel.  A session hands in `schedule`, which runs a callable on its own event
loop; results and progress come back through it and nowhere else.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, TypeVar

from twinlab.discovery import CancelToken, Progress
from twinlab.errors import Cancelled

Schedule = Callable[[Callable[[], None]], None]
Result = TypeVar("Result")


@cache
def fit_pool() -> ThreadPoolExecutor:
    """The pool of the fits, shared by every session; kernels release the GIL."""
    return ThreadPoolExecutor(max(2, os.cpu_count() or 2), thread_name_prefix="twinlab-fit")


@cache
def quick_pool() -> ThreadPoolExecutor:
    """The pool of the short recomputations, so that a slider never waits for a fit."""
    return ThreadPoolExecutor(2, thread_name_prefix="twinlab-quick")


@dataclass(eq=False)
class Job:
    """One fit with its own cancel token and generation; dropped once it is superseded."""

    generation: int
    token: CancelToken = field(default_factory=CancelToken)
    future: Future[None] | None = None
    _latest: Progress | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class JobEvents(Generic[Result]):
    """What a session does when a job reports; all are called on the session's event loop."""

    progress: Callable[[Progress], None]
    done: Callable[[Result], None]
    failed: Callable[[Exception], None]


class JobRunner(Generic[Result]):
    """Runs one job at a time for one session; a new one supersedes the one before.

    Parameters
    ----------
    schedule : callable
        Runs a callable on the session's event loop; must be safe to call from any thread.
    events : JobEvents
    """

    def __init__(self, schedule: Schedule, events: JobEvents[Result]) -> None:
        self._schedule, self._events = schedule, events
        self._generation = 0
        self.job: Job | None = None

    @property
    def running(self) -> bool:
        """Whether a job is under way whose answer is still wanted."""
        return self.job is not None

    def start(self, work: Callable[[Callable[[Progress], None], CancelToken], Result]) -> Job:
        """Start `work(progress, cancel)` in the pool; the job before it is cancelled."""
        self.stop()
        self._generation += 1
        job = self.job = Job(self._generation)
        job.future = fit_pool().submit(self._run, job, work)
        return job

    def stop(self) -> bool:
        """Cancel the job under way; its late results are dropped.  False when there was none."""
        job, self.job = self.job, None
        if job is None:
            return False
        job.token.cancel()
        return True

    def _current(self, job: Job) -> bool:
        return self.job is job

    def _run(self, job: Job, work: Callable[..., Result]) -> None:
        def progress(event: Progress) -> None:
            # Only the newest event waits for the event loop: a slow page never lags behind.
            with job._lock:
                waiting, job._latest = job._latest is not None, event
            if not waiting:
                self._schedule(deliver)

        def deliver() -> None:
            with job._lock:
                event, job._latest = job._latest, None
            if event is not None and self._current(job):
                self._events.progress(event)

        try:
            result = work(progress, job.token)
        except Cancelled:
            return
        except Exception as error:  # every failure of a fit is shown to the user, none is lost
            self._finish(job, self._events.failed, error)
        else:
            self._finish(job, self._events.done, result)

    def _finish(self, job: Job, report: Callable[[Any], None], outcome: Any) -> None:
        def deliver() -> None:
            if self._current(job):
                self.job = None
                report(outcome)

        self._schedule(deliver)


class Latest:
    """Computes the newest request only: while one runs, the next waits, and older ones are dropped.

    Parameters
    ----------
    schedule : callable
        Runs a callable on the session's event loop.
    failed : callable
        Receives the exception of a computation, on the event loop.
    """

    def __init__(self, schedule: Schedule, failed: Callable[[Exception], None]) -> None:
        self._schedule, self._failed = schedule, failed
        self._pending: tuple[Callable[[], Any], Callable[[Any], None]] | None = None
        self._busy = False
        self._epoch = 0

    @property
    def busy(self) -> bool:
        """Whether a computation runs or waits."""
        return self._busy

    def submit(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Ask for `done(work())`; call on the event loop."""
        if self._busy:
            self._pending = (work, done)
            return
        self._start(work, done)

    def drop(self) -> None:
        """Forget what runs and waits: its results are dropped."""
        self._epoch += 1
        self._pending = None

    def _start(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        self._busy = True
        epoch = self._epoch

        def run() -> None:
            try:
                outcome, error = work(), None
            except Exception as problem:  # shown to the user by `failed`
                outcome, error = None, problem
            self._schedule(lambda: self._arrive(epoch, outcome, error, done))

        quick_pool().submit(run)

    def _arrive(
        self, epoch: int, outcome: Any, error: Exception | None, done: Callable[[Any], None]
    ) -> None:
        self._busy = False
        pending, self._pending = self._pending, None
        if epoch == self._epoch:
            if error is not None:
                self._failed(error)
            else:
                done(outcome)
        if pending is not None:
            self._start(*pending)

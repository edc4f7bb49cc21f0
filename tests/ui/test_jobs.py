"""Jobs supersede one another, and late results are dropped."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from twinlab.discovery import Progress
from twinlab.errors import Cancelled, UserError
from twinlab.ui.jobs import JobEvents, JobRunner, Latest

from .conftest import Loop


class Recorder:
    """Remembers what a runner reported."""

    def __init__(self, loop: Loop) -> None:
        self.progress: list[str] = []
        self.done: list[Any] = []
        self.failed: list[Exception] = []
        self.runner: JobRunner[Any] = JobRunner(
            loop.schedule,
            JobEvents(lambda e: self.progress.append(e.text), self.done.append, self.failed.append),
        )


@pytest.fixture
def recorder(loop: Loop) -> Recorder:
    return Recorder(loop)


def test_a_result_arrives_on_the_loop_only(recorder: Recorder, loop: Loop) -> None:
    job = recorder.runner.start(lambda progress, cancel: 7)
    assert job.future is not None
    job.future.result(10)
    assert recorder.done == [] and recorder.runner.running
    loop.run_until(lambda: bool(recorder.done))
    assert recorder.done == [7] and not recorder.runner.running


def test_a_new_job_cancels_the_old_one_and_its_result_is_dropped(
    recorder: Recorder, loop: Loop
) -> None:
    release = threading.Event()

    def stubborn(progress: Any, cancel: Any) -> str:
        release.wait(10)
        return "late"

    first = recorder.runner.start(stubborn)
    second = recorder.runner.start(lambda progress, cancel: "new")
    assert first.token.cancelled and not second.token.cancelled
    assert second.generation == first.generation + 1
    release.set()
    assert first.future is not None
    first.future.result(10)
    loop.run_until(lambda: not recorder.runner.running)
    loop.run_until(lambda: not loop.work)
    assert recorder.done == ["new"]


def test_stop_ends_a_job_that_asks_and_reports_nothing(recorder: Recorder, loop: Loop) -> None:
    def patient(progress: Any, cancel: Any) -> None:
        while not cancel.cancelled:
            time.sleep(0.005)
        raise Cancelled

    job = recorder.runner.start(patient)
    assert recorder.runner.stop() and not recorder.runner.stop()
    assert job.future is not None
    job.future.result(1.0)
    loop.run_until(lambda: not loop.work)
    assert recorder.done == [] and recorder.failed == []


def test_progress_that_piles_up_is_told_once(recorder: Recorder, loop: Loop) -> None:
    def chatty(progress: Any, cancel: Any) -> None:
        for i in range(500):
            progress(Progress("stage", str(i), i / 500))

    job = recorder.runner.start(chatty)
    assert job.future is not None
    job.future.result(10)
    assert len(loop.work) == 2, "one delivery of progress and one of the result"
    loop.run_until(lambda: not recorder.runner.running)
    assert recorder.progress == ["499"]


def test_a_failure_is_reported(recorder: Recorder, loop: Loop) -> None:
    def bad(progress: Any, cancel: Any) -> None:
        raise UserError("no data")

    recorder.runner.start(bad)
    loop.run_until(lambda: bool(recorder.failed))
    assert str(recorder.failed[0]) == "no data" and not recorder.runner.running


def test_only_the_newest_move_waits(loop: Loop) -> None:
    computed: list[int] = []
    shown: list[int] = []
    gate = threading.Event()
    latest = Latest(loop.schedule, lambda e: pytest.fail(str(e)))

    def work(i: int) -> int:
        if i == 0:
            gate.wait(10)
        computed.append(i)
        return i

    for i in range(20):
        latest.submit(lambda i=i: work(i), shown.append)
    gate.set()
    loop.run_until(lambda: not latest.busy)
    assert computed == [0, 19] and shown == [0, 19]


def test_dropped_moves_show_nothing(loop: Loop) -> None:
    shown: list[int] = []
    latest = Latest(loop.schedule, lambda e: pytest.fail(str(e)))
    latest.submit(lambda: 1, shown.append)
    latest.submit(lambda: 2, shown.append)
    latest.drop()
    loop.run_until(lambda: not latest.busy)
    assert shown == []


def test_a_failing_move_does_not_block_the_next(loop: Loop) -> None:
    shown: list[int] = []
    errors: list[Exception] = []
    latest = Latest(loop.schedule, errors.append)
    latest.submit(lambda: 1 // 0, shown.append)
    latest.submit(lambda: 2, shown.append)
    loop.run_until(lambda: not latest.busy)
    assert shown == [2] and isinstance(errors[0], ZeroDivisionError)

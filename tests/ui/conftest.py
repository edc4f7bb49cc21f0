"""What the interface's tests share: one small real fit, and sessions without a server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from twinlab.discovery import Discovery, Settings, discover
from twinlab.library import Library
from twinlab.study import Study
from twinlab.ui.state import WorkbenchState

QUICK = Settings(starts=1, draws=40, mcmc_steps=2000)


def predator_prey(subjects: int = 2) -> Study:
    """Lotka-Volterra with 4 % noise, by small Euler-Heun steps."""
    rng = np.random.default_rng(3)
    time = np.linspace(0.0, 8.0, 30)
    times, values = [], []
    for i in range(subjects):
        x, rows, at = np.array([2.0 - 0.5 * i, 0.7 + 0.5 * i]), [], 0.0

        def rate(x: np.ndarray) -> np.ndarray:
            return np.array([x[0] - 0.5 * x[0] * x[1], -x[1] + 0.5 * x[0] * x[1]])

        for t in time:
            while at < t - 1e-12:
                k = rate(x)
                x = x + 0.0025 * (k + rate(x + 0.005 * k))
                at += 0.005
            rows.append(x * (1 + 0.04 * rng.standard_normal(2)))
        times.append(time)
        values.append(np.array(rows))
    names = [f"<b>{n}</b>" for n in ("anna", "bert")][:subjects]
    return Study.from_arrays(
        "predator and prey", ("prey", "predator"), times, values, subjects=names, time_unit="week",
        units={"prey": "heads"},
    )  # fmt: skip


@pytest.fixture(scope="session")
def study() -> Study:
    """Two subjects, two variables, 30 times each; the subjects' names need escaping."""
    return predator_prey()


@pytest.fixture(scope="session")
def discovery(study: Study) -> Discovery:
    """A small but real fit of it."""
    return discover(study, Library.polynomial(study, degree=2), settings=QUICK, seed=1)


@pytest.fixture
def csv(study: Study) -> bytes:
    """The first subject as a wide CSV file."""
    t = study.trajectories[0]
    rows = [f"{a:.4f},{b:.5f},{c:.5f}" for a, (b, c) in zip(t.time, t.value, strict=True)]
    return ("time,prey,predator\n" + "\n".join(rows) + "\n").encode()


class Loop:
    """An event loop that runs what is scheduled only when the test says so."""

    def __init__(self) -> None:
        self.work: list[Callable[[], None]] = []
        self._new = threading.Condition()

    def schedule(self, work: Callable[[], None]) -> None:
        """Keep the work for later; any thread may call this."""
        with self._new:
            self.work.append(work)
            self._new.notify_all()

    def run_until(self, done: Callable[[], bool], seconds: float = 60.0) -> None:
        """Run what has been scheduled, until `done`."""
        import time

        end = time.monotonic() + seconds
        while not done():
            with self._new:
                if not self.work:
                    self._new.wait(0.05)
                ready, self.work = self.work, []
            for work in ready:
                work()
            assert time.monotonic() < end, "nothing more happened"


@pytest.fixture
def loop() -> Loop:
    """A loop under the test's control."""
    return Loop()


@pytest.fixture
def state(loop: Loop, csv: bytes) -> Iterator[WorkbenchState]:
    """A session with data loaded."""
    session = WorkbenchState(loop.schedule)
    assert session.load_bytes(csv, "predator_prey.csv")
    yield session
    session.close()

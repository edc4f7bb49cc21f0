"""What a running discovery tells of itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import Cancelled

from .bands import DISPLAY_POINTS, make_lots, simulate
from .continuation import Tick
from .frame import Frame
from .search import Start
from .steps import Point

Array = NDArray[np.float64]

#: Trajectories drawn while the fit runs.
MAX_SNAPSHOT = 12
#: Shares of the time that the search and the weighing take.
SEARCH_SHARE, RESCORE_SHARE = 0.6, 0.3


@dataclass(frozen=True)
class Snapshot:
    """A stage of the continuation, for drawing while the fit runs."""

    label: str
    kappa: float
    chi2_per_point: float
    columns: NDArray[np.int64]
    coefficients: Array
    times: tuple[Array, ...]
    trajectories: tuple[Array, ...]


@dataclass(frozen=True)
class Progress:
    """One progress event: stage id, words for the user, fraction done (0 to 1), maybe a picture."""

    stage: str
    text: str
    fraction: float
    snapshot: Snapshot | None = None


ProgressCallback = Callable[[Progress], None]


class CancelToken:
    """Tells a running discovery to stop; safe to call from any thread."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask for the stop; the discovery raises ``Cancelled`` before its next kernel call."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether the stop was asked for."""
        return self._event.is_set()


class Teller:
    """Progress events and the check for a stop."""

    def __init__(self, progress: ProgressCallback | None, cancel: CancelToken | None) -> None:
        self.progress, self.cancel = progress, cancel
        self.done: list[float] = []
        self.lock = threading.Lock()

    def check(self) -> None:
        """Raise ``Cancelled`` if a stop was asked for."""
        if self.cancel is not None and self.cancel.cancelled:
            raise Cancelled("stopped")

    def tell(
        self, stage: str, text: str, fraction: float, snapshot: Snapshot | None = None
    ) -> None:
        """Send one event."""
        self.check()
        if self.progress is not None:
            self.progress(Progress(stage, text, min(fraction, 1.0), snapshot))

    def rescoring(self, text: str, fraction: float) -> None:
        """Send an event of the re-scoring."""
        self.tell("rescore", text, SEARCH_SHARE + RESCORE_SHARE * fraction)

    def starts(self, starts: list[Start]) -> Callable[[int], Tick]:
        """Make the ticks of all starts; the first start is drawn as it goes."""
        self.done = [0.0] * len(starts)

        def make(i: int) -> Tick:
            frame = starts[i].frame
            n_stages = len(starts[i].kappas) + 3

            def tick(words: str, kappa: float, chi2: float | None, point: Point | None) -> None:
                self.check()
                if point is None or chi2 is None:
                    return
                with self.lock:
                    self.done[i] = min(self.done[i] + 1.0 / n_stages, 1.0)
                    fraction = SEARCH_SHARE * sum(self.done) / len(self.done)
                snapshot = None
                if i == 0 and self.progress is not None:
                    snapshot = _snapshot(frame, words, kappa, chi2, point)
                self.tell("continue", f"Start {i + 1}: {words}", fraction, snapshot)

            return tick

        return make


def _snapshot(frame: Frame, words: str, kappa: float, chi2: float, point: Point) -> Snapshot:
    """Picture of an accepted stage: the nudged trajectories it simulates."""
    problem, d = frame.problem, frame.problem.n_state
    initial, effects = frame.start(point)
    factor = frame.varying.factor(point.columns, initial[:, d:], effects)
    drive = problem.drive(kappa, frame.smooth.target)
    full = np.zeros(problem.n_column)
    full[point.columns] = point.coefficients
    own, times, lines = full.copy(), [], []
    for r in range(min(problem.n_trajectory, MAX_SNAPSHOT)):
        t = problem.times(r)
        time_ = np.linspace(t[0], t[-1], DISPLAY_POINTS)
        own[point.columns] = point.coefficients * factor[r]
        x, _ = simulate(
            problem, r, time_, make_lots(problem, own[None]), initial[r, :d][None],
            relative=1e-4, drive=drive,
        )  # fmt: skip
        times.append(time_)
        lines.append(x[0])
    return Snapshot(words, kappa, chi2, point.columns, full, tuple(times), tuple(lines))

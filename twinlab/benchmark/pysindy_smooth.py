"""PySINDy with smoothed differentiation: Savitzky-Golay derivatives, STLSQ, its own threshold.

Trajectories may have their own time grids; missing values are interpolated linearly.
"""

from __future__ import annotations

import time
import warnings

import numpy as np
from numpy.typing import NDArray

from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study

from .peer_data import PeerError, by_equation, candidates, coefficient_table, filled
from .pysindy_peer import DEFAULT_RIDGE, DEFAULT_THRESHOLD
from .pysindy_peer import prepare as prepare
from .scoring import Answer

Array = NDArray[np.float64]
WINDOW = 11  #: points of the smoother, SciPy's customary choice; fewer where there are fewer
ORDER = 3  #: of its polynomial


def answer(
    study: Study, library: Library, knowledge: Knowledge, seed: int, budget: float
) -> Answer:
    """Fit every equation to smoothed derivatives; no intervals come with it."""
    import pysindy as ps

    start = time.perf_counter()
    allowed = candidates(library)
    times, values = complete_series(study, library)
    window = min(WINDOW, *(len(t) - 1 + len(t) % 2 for t in times), WINDOW)
    if window <= ORDER:
        raise PeerError(f"the smoother needs more than {ORDER + 1} points a trajectory")

    def fit(part: Array, response: Array) -> Array:
        optimizer = ps.STLSQ(threshold=DEFAULT_THRESHOLD, alpha=DEFAULT_RIDGE)
        return np.asarray(optimizer.fit(part, response).coef_, float)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x, slopes = _smoothed(times, values, window)
        states = dict(zip(library.names, x.T, strict=True))
        features = np.stack([term.evaluate(states) for term in library.terms], axis=1)
        found = by_equation(allowed, features, slopes[:, : len(library.states)], fit)
    return Answer(coefficient_table(library, found), seconds=time.perf_counter() - start)


def _smoothed(times: list[Array], values: list[Array], window: int) -> tuple[Array, Array]:
    """Smoothed variables and their derivatives, both (n, n_variable), trajectories stacked."""
    import pysindy as ps

    x, slopes = [], []
    for grid, value in zip(times, values, strict=True):
        method = ps.SmoothedFiniteDifference(
            smoother_kws={"window_length": window, "polyorder": ORDER}
        )
        slopes.append(np.asarray(method(value, grid), float))
        x.append(np.asarray(method.smoothed_x_, float))
    return np.concatenate(x), np.concatenate(slopes)


def complete_series(study: Study, library: Library) -> tuple[list[Array], list[Array]]:
    """Times and (n_time, n_variable) values of every trajectory, gaps interpolated linearly.

    Raises
    ------
    PeerError
        A variable that is never measured in one of the trajectories.
    """
    index = [study.variables.index(name) for name in library.names]
    times = [np.asarray(t.time, float) for t in study.trajectories]
    values = [
        filled(grid, t.value[:, index]) for grid, t in zip(times, study.trajectories, strict=True)
    ]
    return times, values

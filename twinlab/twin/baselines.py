"""What a forecaster without a model would say: each prediction is held against it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twinlab.discovery import Discovery
from twinlab.discovery.problem import Problem
from twinlab.discovery.smoothing import continued

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

LAST = "last value carried forward"
OTHERS = "mean of the other subjects"
OWN = "mean of the first part"
SMOOTH = "smooth continued"


def baselines_of(
    whole: Problem, discovery: Discovery, known: Rows, scored: Rows, seen: bool
) -> dict[str, Array]:
    """Predictions (n, n_variable) of the scored rows by name; NaN where one says nothing.

    Parameters
    ----------
    whole : Problem
    discovery : Discovery
        Of the training part.
    known, scored : int arrays
        Rows of `whole` that the forecaster knew, and those to be predicted.
    seen : bool
        Whether the first part of the trajectory was in the training part.
    """
    value = np.where(whole.censored, np.nan, whole.value)
    out = {LAST: _last(value[known], scored.size)}
    if seen:
        with np.errstate(invalid="ignore"):
            n = np.isfinite(value[known]).sum(axis=0)
            mean = np.where(n > 0, np.nansum(value[known], axis=0) / np.maximum(n, 1), np.nan)
        out[OWN] = np.tile(mean, (scored.size, 1))
        out[SMOOTH] = continued(whole, known, whole.time[scored])
    else:
        out[OTHERS] = _others(discovery.problem, whole.time[scored])
    return out


def _last(value: Array, n: int) -> Array:
    """Last value (n, n_variable) of each variable; NaN where none is known."""
    last = np.full(value.shape[1], np.nan)
    for v in range(value.shape[1]):
        seen = value[np.isfinite(value[:, v]), v]
        if seen.size:
            last[v] = seen[-1]
    return np.tile(last, (n, 1))


def _others(fitted: Problem, time: Array) -> Array:
    """Mean (n, n_variable) over the subjects of the fit, each linear between its own times."""
    measured = fitted.measured
    lines = np.full((fitted.n_trajectory, time.size, measured.shape[1]), np.nan)
    for r in range(fitted.n_trajectory):
        t, y = fitted.times(r), measured[fitted.rows(r)]
        for v in range(y.shape[1]):
            seen = np.isfinite(y[:, v])
            if seen.any():
                inside = (time >= t[seen][0]) & (time <= t[seen][-1])
                lines[r, inside, v] = np.interp(time[inside], t[seen], y[seen, v])
    n = np.isfinite(lines).sum(axis=0)
    return np.where(n > 0, np.nansum(lines, axis=0) / np.maximum(n, 1), np.nan)

"""Gaussian-process smooths of the data: they start a fit and never decide it.

Radial basis function kernel, hyperparameters shared over the trajectories of a state, chosen on
a grid by marginal likelihood with the amplitude profiled out (Rasmussen and Williams 2006,
Gaussian Processes for Machine Learning, eq. 5.8), one eigendecomposition a length scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.linalg import cho_factor, cho_solve

from .problem import Problem

Array = NDArray[np.float64]

N_LENGTHS, N_RATIOS = 16, 25
LONGEST_LENGTH = 1.5
#: Times of one trajectory used to choose hyperparameters; more are thinned evenly.
MAX_POINTS = 150
#: Censored values are smoothed as this share of a positive limit.
BELOW_LIMIT = 0.5
#: Variance of a trajectory's level over that of its wiggles: broad, so the mean is free.
LEVEL_VARIANCE = 4.0


@dataclass(frozen=True)
class Smooth:
    """Smooths of all trajectories.

    Attributes
    ----------
    target : (n_trajectory, n_cell, 4, n_state) array
        Cubic pieces of `continuous`, for the kernels' nudging term.
    mean, continuous : (n_trajectory, n_cell + 1, n_state) arrays
        Values on the grid, and what is left of them without all that doses have given.
    at_data : (n_row, n_observable) array
        Values at the measured times.
    sd : (n_observable,) array
        Noise standard deviation the smooth implies.
    length : (n_observable,) array
        Length scale of each observable; infinite where it was never measured.
    """

    target: Array
    mean: Array
    continuous: Array
    at_data: Array
    sd: Array
    length: Array


@dataclass(frozen=True)
class _Hyper:
    length: float
    ratio: float
    variance: float


def _kernel(a: Array, b: Array, length: float) -> Array:
    return np.exp(-0.5 * ((a[:, None] - b[None, :]) / length) ** 2) + LEVEL_VARIANCE


def _thin(t: Array, y: Array) -> tuple[Array, Array]:
    if t.size <= MAX_POINTS:
        return t, y
    keep = np.unique(np.linspace(0, t.size - 1, MAX_POINTS).astype(int))
    return t[keep], y[keep]


@lru_cache(maxsize=256)
def _eigen(times: bytes, length: float) -> tuple[Array, Array]:
    """Eigendecomposition of the kernel on one grid: states and starts share their grids."""
    t = np.frombuffer(times)
    values, vectors = np.linalg.eigh(_kernel(t, t, length))
    return values, vectors


def _choose(series: list[tuple[Array, Array]], lengths: Array, noise_floor: float) -> _Hyper:
    """Hyperparameters of highest marginal likelihood with at least the noise `noise_floor`."""
    ratios = np.geomspace(1e-6, 4.0, N_RATIOS)
    best, best_value = _Hyper(float(lengths[-1]), 1.0, max(noise_floor, 1e-12) ** 2), -np.inf
    grids: dict[bytes, list[Array]] = {}
    for t, y in series:
        grids.setdefault(t.tobytes(), []).append(y - y.mean())
    for length in lengths:
        square, log_det, n = np.zeros(N_RATIOS), np.zeros(N_RATIOS), 0
        for key, members in grids.items():
            values, vectors = _eigen(key, float(length))
            spread = np.maximum(values, 1e-12)[None, :] + ratios[:, None]
            projected = vectors.T @ np.stack(members, axis=1)
            square += ((projected**2).sum(axis=1)[None, :] / spread).sum(axis=1)
            log_det += len(members) * np.log(spread).sum(axis=1)
            n += len(members) * len(values)
        variance = np.maximum(square / n, 1e-300)
        log_likelihood = -0.5 * n * np.log(variance) - 0.5 * log_det
        log_likelihood[np.sqrt(ratios * variance) < noise_floor] = -np.inf
        i = int(np.argmax(log_likelihood))
        if log_likelihood[i] > best_value:
            best_value = log_likelihood[i]
            best = _Hyper(float(length), float(ratios[i]), float(variance[i]))
    return best


def _posterior_mean(t: Array, y: Array, at: Array, hyper: _Hyper) -> Array:
    level = y.mean()
    matrix = _kernel(t, t, hyper.length) + (hyper.ratio + 1e-9) * np.eye(t.size)
    return level + _kernel(at, t, hyper.length) @ cho_solve(cho_factor(matrix), y - level)


def _lengths(problem: Problem, state: int) -> Array:
    """Candidate length scales: from the sampling step to beyond the whole trajectory."""
    steps = np.concatenate(
        [
            np.diff(problem.times(r)[np.isfinite(problem.value[problem.rows(r), state])])
            for r in range(problem.n_trajectory)
        ]
    )
    median = float(np.median(steps)) if steps.size else problem.duration
    shortest = min(0.04 * problem.duration, 1.5 * median)
    return np.geomspace(shortest, LONGEST_LENGTH * problem.duration, N_LENGTHS)


def stand_in(value: Array, censored: NDArray[np.bool_]) -> Array:
    """Values to be smoothed: half the limit for those below it (Beal 2001, method M5)."""
    return np.where(censored & (value > 0), BELOW_LIMIT * value, value)


def smooth_data(
    problem: Problem,
    *,
    noise_floor: float = 0.0,
    logarithmic: bool = False,
    hidden: Array | None = None,
) -> Smooth:
    """Smooth every observable of every trajectory.

    Of a state that is dosed, what is left without the doses is smoothed: unlike the state itself
    it does not jump.

    Parameters
    ----------
    problem : Problem
    noise_floor : float
        Smallest noise allowed, as a fraction of each state's standard deviation.  Few points and
        sharp peaks otherwise drive the noise to nothing (METHODS section 2, noise collapse).
    logarithmic : bool
        Smooth the logarithm of observables whose data are all positive, but of dosed states.
    hidden : (n_trajectory, n_cell + 1, n_state) array, optional
        Courses of states that were never measured (the other columns are not read); without it
        they stand at their scale.

    Returns
    -------
    Smooth
    """
    n_grid = problem.n_cell + 1
    mean = np.zeros((problem.n_trajectory, n_grid, problem.n_observable))
    schedule = problem.schedule
    events = np.concatenate([schedule.given, schedule.rate])
    dosed = np.any(problem.observation.linear_part(events), axis=0)
    at_data = np.zeros_like(problem.value)
    sd, length = problem.data_scale, np.full(problem.n_observable, np.inf)
    for e in np.nonzero(problem.seen)[0].tolist():
        column = stand_in(problem.value[:, e], problem.censored[:, e])
        lowest = float(np.nanmin(column))
        in_log = bool(logarithmic or problem.in_log[e]) and lowest > 0 and not dosed[e]
        change = np.log if in_log else np.asarray
        series: dict[int, tuple[Array, Array]] = {}
        for r in range(problem.n_trajectory):
            y = column[problem.rows(r)]
            seen = np.isfinite(y)
            if seen.any():
                t = problem.times(r)[seen]
                given = _given(problem, r, t)[:, e]
                series[r] = (t, np.asarray(change(y[seen]), float) - given)
        everything = np.asarray(change(column[np.isfinite(column)]), float)
        hyper = _choose(
            [_thin(*s) for s in series.values()],
            _lengths(problem, e),
            noise_floor * float(everything.std()),
        )
        length[e] = hyper.length
        # A trajectory where this state was never measured starts from the level of the others.
        level = float(everything.mean())
        for r in range(problem.n_trajectory):
            at = np.concatenate([problem.grid(r), problem.times(r)])
            both = (
                _posterior_mean(*series[r], at, hyper) if r in series else np.full(at.size, level)
            )
            given = _given(problem, r, at)[:, e]
            both = np.exp(both) if in_log else both + given
            if lowest >= 0:
                # Concentrations and counts stay in the range where every term is defined.
                both = np.maximum(both, 0.5 * lowest if lowest > 0 else 0.0)
            mean[r, :, e], at_data[problem.rows(r), e] = both[:n_grid], both[n_grid:]
        own, scale = np.sqrt(hyper.ratio * hyper.variance), problem.data_scale[e]
        if problem.in_log[e]:
            own, scale = own * np.exp(level), everything.std() * np.exp(level)
        elif in_log:
            own = np.sqrt(np.nanmean((column - at_data[:, e]) ** 2))
        sd[e] = max(own, max(noise_floor, 1e-4) * scale)
    for e in problem.known_totals:
        mean[:, :, e] = at_data[:, e] = np.nanmax(problem.value[:, e])
    mean = _with_unseen(problem, mean, hidden)
    continuous = mean.copy()
    for r in range(problem.n_trajectory):
        continuous[r] -= schedule.given_at(r, problem.grid(r))
        for e in problem.unseen_states:
            at_data[problem.rows(r), e] = np.interp(
                problem.times(r), problem.grid(r), mean[r, :, e]
            )
    target = np.stack(
        [CubicSpline(problem.grid(r), continuous[r]).c.transpose(1, 0, 2) for r in range(len(mean))]
    )
    return Smooth(np.ascontiguousarray(target), mean, continuous, at_data, sd, length)


def continued(problem: Problem, known: NDArray[np.int64], at: Array) -> Array:
    """Smooth of some rows of a trajectory at other times, also beyond the last of them.

    Parameters
    ----------
    problem : Problem
    known : (n_known,) int array
        Rows of one trajectory, which are smoothed.
    at : (n,) array

    Returns
    -------
    (n, n_variable) array
        NaN for a variable with fewer than three known values.
    """
    out = np.full((at.size, problem.value.shape[1]), np.nan)
    for e in range(out.shape[1]):
        column = stand_in(problem.value[known, e], problem.censored[known, e])
        seen = np.isfinite(column)
        if seen.sum() >= 3:
            t, y = problem.time[known][seen], column[seen]
            lengths = np.geomspace(0.5 * np.median(np.diff(t)), 1.5 * (t[-1] - t[0]), N_LENGTHS)
            hyper = _choose([_thin(t, y)], lengths, 1e-3 * float(y.std()))
            out[:, e] = _posterior_mean(t, y, at, hyper)
    return out


def _given(problem: Problem, r: int, time: Array) -> Array:
    """What doses have given to each observable (n_time, n_observable)."""
    return problem.observation.linear_part(problem.schedule.given_at(r, time))


def _with_unseen(problem: Problem, mean: Array, hidden: Array | None) -> Array:
    """Means (n_trajectory, n_grid, n_state) of the states, those never measured filled in.

    What the measured states and derived observables determine by themselves follows from them;
    the rest is `hidden`, or stands at its scale.
    """
    states = mean[:, :, : problem.n_state].copy()
    unseen = problem.unseen_states
    if unseen.size:
        states[:, :, unseen] = problem.scale[unseen] if hidden is None else hidden[:, :, unseen]
        found, solved = problem.observation.solve(mean, unseen)
        states[:, :, unseen[found]] = solved[:, :, unseen[found]]
    return states

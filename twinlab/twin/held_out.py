"""Prediction of what a model never saw, and how far from it the truth was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinlab.discovery import QUANTILES, Discovery
from twinlab.discovery.bands import (
    DRAW_TOLERANCE,
    Lot,
    make_lots,
    pointwise_quantiles,
    predictive,
    simulate,
)
from twinlab.discovery.problem import Problem
from twinlab.errors import UserError
from twinlab.kernels import OK

from .baselines import baselines_of
from .folds import Fold
from .newcomers import population_draws
from .predictive import predictive_of
from .start import Start, population_of, start_of

Array = NDArray[np.float64]

#: Points a predicted trajectory is drawn with, besides the measured times.
GRID_POINTS = 60


@dataclass(frozen=True)
class HeldOut:
    """One trajectory as it was predicted, beside what was measured.

    Attributes
    ----------
    label, subject, condition : str
    fold : int
    given_time : (n_given,) array
        Times the forecaster knew; they are not scored.
    given_value : (n_given, n_variable) array
    start : str
        Where the initial state came from, in words.
    time : (n,) array
        Scored times.
    value : (n, n_variable) array
        Measurements (means of replicates; limits where `censored`); NaN where there is none.
    censored : (n, n_variable) bool array
    quantiles : (5, n, n_variable) array
        Of the measurement predicted, at ``twinlab.discovery.QUANTILES``, noise included.
    transform : (n, n_variable) array
        Probability integral transform of each value; of a censored one, drawn below its limit's.
    log_score : (n, n_variable) array
        Log density of each value in its unit; log probability below the limit where censored.
    baselines : mapping of str to (n, n_variable) array
        What a forecaster without a model would say; NaN where it would say nothing.
    grid : (m,) array
    bands : (5, m, n_variable) array
        Quantiles between the measured times, for drawing.
    simulated : (n_draw, n, n_variable) array
        Measurements drawn from the prediction, single precision.
    n_failed, n_draw : int
        Draws that could not be simulated to the end and were left out, of how many.
    """

    label: str
    subject: str
    condition: str
    fold: int
    given_time: Array
    given_value: Array
    start: str
    time: Array
    value: Array
    censored: NDArray[np.bool_]
    quantiles: Array
    transform: Array
    log_score: Array
    baselines: Mapping[str, Array]
    grid: Array
    bands: Array
    simulated: NDArray[np.float32]
    n_failed: int
    n_draw: int

    @property
    def median(self) -> Array:
        """What was predicted (n, n_variable)."""
        return np.asarray(self.quantiles[QUANTILES.index(0.5)])


def predict(
    whole: Problem, discovery: Discovery, fold: Fold, number: int, place: int, given: int, seed: int
) -> HeldOut | None:
    """Predict one held-out trajectory; None where no time is left to predict.

    Parameters
    ----------
    whole : Problem
        All trajectories of the study that was split, under the discovery's library.
    discovery : Discovery
        Of the fold's training part.
    fold : Fold
    number, place : int
        Of the fold, and which of its held trajectories.
    given : int
        Times known of a trajectory that was left out whole.
    seed : int

    Raises
    ------
    UserError
        No draw could be simulated.
    """
    trajectory = fold.held[place]
    rows = np.arange(*whole.rows(trajectory).indices(whole.time.size))
    time = whole.time[rows]
    measured = np.isfinite(whole.value[rows]).any(axis=1)  # a first dose may precede all values
    known = time <= fold.cut[place] if fold.cut else np.cumsum(measured) <= given
    scored = rows[~known & measured]
    if scored.size == 0:
        return None
    rng = np.random.default_rng([seed, number, place])
    posterior = discovery.posterior
    lots = make_lots(
        whole, _coefficients(whole, discovery, fold, trajectory, rng), posterior.constants
    )
    start = _start(whole, discovery, fold, trajectory, int(known.sum()), lots, rng)
    if start is None:
        return None
    own = whole.study.trajectories[trajectory]
    to_draw = np.linspace(time[0], time[-1], GRID_POINTS)
    grid = np.unique(np.concatenate([to_draw[~_near(to_draw, time)], time]))
    x, status = simulate(
        whole, trajectory, grid, lots, start.initial, relative=DRAW_TOLERANCE,
    )  # fmt: skip
    good = x[(status == OK) & np.isfinite(x).all(axis=(1, 2))]
    if len(good) == 0:
        raise UserError("no draw could be simulated to its last time")
    at = np.searchsorted(grid, whole.time[scored])
    value, censored = whole.value[scored], whole.censored[scored]
    forecast = predictive_of(discovery.noise, good[:, at], whole.sd[scored], whole.count[scored])
    below = forecast.cdf(value)
    drawn = below * rng.uniform(size=below.shape)
    with np.errstate(divide="ignore"):
        log_score = np.where(censored, np.log(below), forecast.log_density(value))
    return HeldOut(
        label=own.label,
        subject=own.subject,
        condition=own.condition,
        fold=number,
        given_time=time[known & measured],
        given_value=whole.value[rows[known & measured]],
        start=_words(start, fold, int((known & measured).sum())),
        time=whole.time[scored],
        value=value,
        censored=censored,
        quantiles=np.stack([forecast.quantile(q) for q in QUANTILES]),
        transform=np.where(censored, drawn, below),
        log_score=np.where(np.isfinite(value), log_score, np.nan),
        baselines=baselines_of(whole, discovery, rows[known], scored, bool(fold.cut)),
        grid=grid,
        bands=predictive(pointwise_quantiles(good), discovery.noise),
        simulated=forecast.sample(rng).astype(np.float32),
        n_failed=int(len(x) - len(good)),
        n_draw=len(x),
    )


def _coefficients(
    whole: Problem, discovery: Discovery, fold: Fold, trajectory: int, rng: np.random.Generator
) -> Array:
    """Draws of the trajectory's own coefficients where the fit saw it; else the population's."""
    place = place_in(discovery.problem, whole, trajectory) if fold.cut else None
    if place is not None:
        return discovery.posterior.of(place)
    return population_draws(discovery, whole.study.trajectories[trajectory], rng)


def _start(
    whole: Problem,
    discovery: Discovery,
    fold: Fold,
    trajectory: int,
    n_known: int,
    lots: Sequence[Lot],
    rng: np.random.Generator,
) -> Start | None:
    """Initial states: the fit's own where it saw the beginning; else from the first times."""
    if not fold.cut:
        return start_of(
            whole, trajectory, n_known, discovery.noise, population_of(discovery),
            lots, rng,
        )  # fmt: skip
    place = place_in(discovery.problem, whole, trajectory)
    if place is None:
        return None
    return Start(discovery.posterior.initial[:, place], whole.library.states, ())


def place_in(fitted: Problem, whole: Problem, trajectory: int) -> int | None:
    """Where a fit has a trajectory of the whole study; None where it had too few times for it."""
    own = whole.study.trajectories[trajectory]
    for r, other in enumerate(fitted.study.trajectories):
        if (other.subject, other.condition) == (own.subject, own.condition):
            return r
    return None


def _near(grid: Array, time: Array) -> NDArray[np.bool_]:
    """Grid times within rounding of a measured one: they would make a step of no length."""
    gap = np.abs(grid[:, None] - time[None, :]).min(axis=1)
    return np.asarray(gap < 1e-9 * (time[-1] - time[0]))


def _words(start: Start, fold: Fold, n_known: int) -> str:
    """Say where the initial state came from."""
    if fold.cut:
        return f"fitted to the first {n_known} times"
    times = "time" if n_known == 1 else f"{n_known} times"
    parts = []
    if start.measured:
        parts.append(f"{', '.join(start.measured)} estimated from the first {times}")
    if start.assumed:
        parts.append(f"{', '.join(start.assumed)} as in the subjects of the fit")
    return "; ".join(parts)

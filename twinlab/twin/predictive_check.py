"""Visual predictive check: percentiles of the data against those of simulated data.

Holford 2005 (The visual predictive check, PAGE 14, abstract 738); not prediction-corrected: times
are put into bins, doses are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinlab.discovery import QUANTILES, Discovery
from twinlab.discovery.bands import DRAW_TOLERANCE, make_lots, simulate
from twinlab.discovery.draws import QUANTILE_METHOD
from twinlab.kernels import OK

from .predictive import predictive_of
from .validation_result import Validation

Array = NDArray[np.float64]

#: Percentiles compared, and the range of each over simulated data sets.
PERCENTILES, RANGE = (0.1, 0.5, 0.9), (0.05, 0.5, 0.95)
#: Values a bin must hold (in the median) for percentiles to be compared.
ENOUGH = 8
MOST_BINS = 12
#: Draws simulated for the check of a fit, and their seed.
DRAWS, SEED = 100, 738


@dataclass(frozen=True)
class Simulated:
    """Measurements of one trajectory beside simulated ones.

    Attributes
    ----------
    condition : str
    time : (n,) array
    value : (n, n_variable) array
        NaN where there is none; the limit where `censored`.
    censored : (n, n_variable) bool array
    simulated : (n_draw, n, n_variable) array
    """

    condition: str
    time: Array
    value: Array
    censored: NDArray[np.bool_]
    simulated: NDArray[np.floating]


@dataclass(frozen=True)
class Check:
    """One variable under one condition.

    Attributes
    ----------
    condition : str
    variable : int
    n_trajectory : int
    time : (n_bin,) array
        Median time of each bin.
    observed : (3, n_bin) array or None
        Percentiles of the data at ``PERCENTILES``; None with too few values for them.
    bands : (3, 3, n_bin) or (5, n_bin) array
        For each percentile its 5 %, 50 % and 95 % quantiles over simulated data sets; without
        percentiles the quantiles of single measurements at ``twinlab.discovery.QUANTILES``.
    point_time, point_value : (n,) arrays
        The measurements themselves.
    """

    condition: str
    variable: int
    n_trajectory: int
    time: Array
    observed: Array | None
    bands: Array
    point_time: Array
    point_value: Array


def checks(parts: Sequence[Simulated]) -> tuple[Check, ...]:
    """Compare every variable under every condition.

    Parameters
    ----------
    parts : sequence of Simulated
    """
    found = []
    for condition in dict.fromkeys(p.condition for p in parts):
        own = [p for p in parts if p.condition == condition]
        for variable in range(own[0].value.shape[1]):
            check = _check(condition, variable, own)
            if check is not None:
                found.append(check)
    return tuple(found)


def _check(condition: str, variable: int, parts: Sequence[Simulated]) -> Check | None:
    n_draw = min(len(p.simulated) for p in parts)
    seen = [np.isfinite(p.value[:, variable]) for p in parts]
    n_trajectory = sum(bool(s.any()) for s in seen)
    if n_trajectory == 0:
        return None

    time = np.concatenate([p.time[s] for p, s in zip(parts, seen, strict=True)])
    value = np.concatenate([p.value[s, variable] for p, s in zip(parts, seen, strict=True)])
    below = np.concatenate([p.censored[s, variable] for p, s in zip(parts, seen, strict=True)])
    drawn = np.concatenate(
        [p.simulated[:n_draw, s, variable] for p, s in zip(parts, seen, strict=True)], axis=1
    ).astype(float)
    # Below its limit a simulated value is as unknown as a measured one.
    drawn = np.where(below, np.maximum(drawn, value), drawn)
    place = bins(time, n_trajectory)
    names = np.unique(place)
    middle = np.array([np.median(time[place == b]) for b in names])
    enough = np.median([(place == b).sum() for b in names]) >= ENOUGH
    observed: Array | None = None
    if enough:
        observed = np.stack([np.quantile(value[place == b], PERCENTILES) for b in names], axis=1)
        each = np.stack([np.quantile(drawn[:, place == b], PERCENTILES, axis=1) for b in names], 2)
        bands = np.quantile(each, RANGE, axis=1, method=QUANTILE_METHOD).transpose(1, 0, 2)
    else:
        bands = np.stack([np.quantile(drawn[:, place == b], QUANTILES) for b in names], axis=1)
    return Check(condition, variable, n_trajectory, middle, observed, bands, time, value)


def bins(time: Array, n_trajectory: int) -> NDArray[np.int64]:
    """Bin (n,) of each measurement: its own time where times are shared, else equal counts.

    Parameters
    ----------
    time : (n,) array
        Of all measurements of one variable under one condition.
    n_trajectory : int
        How many trajectories they are of.
    """
    unique, place = np.unique(time, return_inverse=True)
    if n_trajectory == 1 or time.size >= 0.5 * n_trajectory * unique.size:
        return np.asarray(place, np.int64)
    n = int(np.clip(round(time.size / n_trajectory), 3, MOST_BINS))
    edges = np.quantile(time, np.linspace(0, 1, n + 1)[1:-1])
    return np.asarray(np.searchsorted(np.unique(edges), time, side="left"), np.int64)


def checks_of(validation: Validation) -> tuple[Check, ...]:
    """Check the predictions of a validation: each trajectory by a model that never saw it."""
    return checks(
        [
            Simulated(p.condition, p.time, p.value, p.censored, p.simulated)
            for p in validation.predictions
        ]
    )


def simulated_from_fit(discovery: Discovery) -> list[Simulated]:
    """Measurements simulated at the times of the data that a model was fitted to.

    Coefficients and initial states are those of the posterior: what is checked is the fit, not
    the prediction of a new subject.
    """
    problem, posterior = discovery.problem, discovery.posterior
    rng = np.random.default_rng([discovery.seed, SEED])
    n = len(posterior.coefficients)
    pick = np.unique(np.linspace(0, n - 1, min(n, DRAWS)).round().astype(int))
    constants = posterior.constants.pick(pick) if posterior.constants is not None else None
    parts = []
    for r, trajectory in enumerate(problem.study.trajectories):
        rows = problem.rows(r)
        lots = make_lots(problem, posterior.of(r)[pick], constants)
        x, status = simulate(
            problem, r, problem.times(r), lots, posterior.initial[pick, r],
            relative=DRAW_TOLERANCE,
        )  # fmt: skip
        good = x[(status == OK) & np.isfinite(x).all(axis=(1, 2))]
        if len(good) == 0:
            continue
        forecast = predictive_of(discovery.noise, good, problem.sd[rows], problem.count[rows])
        parts.append(
            Simulated(
                trajectory.condition,
                problem.times(r),
                problem.value[rows],
                problem.censored[rows],
                forecast.sample(rng),
            )  # fmt: skip
        )
    return parts

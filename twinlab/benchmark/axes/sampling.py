"""When a state is measured, and which entries are absent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from twinlab.study import Study, Trajectory

Array = NDArray[np.float64]
MISSING_SHARE = 0.4  #: share of the entries that are absent
CENSORED_SHARE = 0.2  #: share of each state's values that lie below its limit
GAP_SHARE = 0.3  #: length of the gap as a share of the horizon


def sample_times(kind: str, horizon: float, points: int, rng: np.random.Generator) -> Array:
    """Increasing times from 0 to `horizon`, shape (points,).

    'uniform', 'missing' and 'censored' are equidistant; 'irregular' has independent uniform
    times between the two ends; 'gap' is equidistant but for one gap of 30 % of the horizon,
    which begins between 20 and 50 % of it.
    """
    if kind == "irregular":
        inner = np.sort(rng.uniform(0.0, 1.0, points - 2))
        # a tenth of the even spacing stays between neighbours, so that no two times coincide
        share = 0.1 * np.arange(points) / (points - 1)
        return horizon * (share + 0.9 * np.concatenate(([0.0], inner, [1.0])))
    if kind == "gap":
        start = rng.uniform(0.2, 0.5)
        time = np.linspace(0.0, 1.0 - GAP_SHARE, points)
        return horizon * np.where(time > start, time + GAP_SHARE, time)
    return np.linspace(0.0, horizon, points)


def with_missing(values: Array, rng: np.random.Generator) -> Array:
    """Copy with 40 % of the entries, drawn at random, set to NaN."""
    out = values.copy()
    lost = rng.permutation(out.size)[: round(MISSING_SHARE * out.size)]
    out.flat[lost] = np.nan
    return out


def with_limit(study: Study, n_state: int) -> Study:
    """Study in which of low values of the first variables only a limit is known.

    The limit of each state is that below which 20 % of its values over all conditions lie.
    """
    values = np.concatenate([t.value[:, :n_state] for t in study.trajectories])
    limit = np.full(len(study.variables), -np.inf)
    limit[:n_state] = np.nanquantile(values, CENSORED_SHARE, axis=0)
    trajectories = tuple(
        replace(
            t,
            value=np.where(t.value < limit, limit, t.value),
            censored=t.censored | (t.value < limit),
        )
        for t in study.trajectories
    )
    return replace(study, trajectories=trajectories)


def with_noise_told(study: Study, sd: Array) -> Study:
    """Give the standard deviation (n,) of what is measured of the first `n` variables."""

    def told(trajectory: Trajectory) -> Trajectory:
        own = trajectory.sd.copy()
        own[:, : sd.size] = sd
        return replace(trajectory, sd=np.where(trajectory.count > 0, own, np.nan))

    return replace(study, trajectories=tuple(told(t) for t in study.trajectories))

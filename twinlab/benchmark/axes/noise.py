"""Noise as a fraction of each state's standard deviation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..systems import BenchmarkSystem

Array = NDArray[np.float64]
STUDENT_DEGREES = 4  #: degrees of freedom: heavy tails with a finite variance
OUTLIER_SHARE, OUTLIER_SIZE = 0.05, 10.0  #: how many values are off, and by how many sd


def noise_sd(system: BenchmarkSystem, clean: Sequence[Array], fraction: float) -> Array:
    """Standard deviation of the noise of each state, shape (n_state,).

    Parameters
    ----------
    system : BenchmarkSystem
        Its `noise_scale` says what the noise is a fraction of.
    clean : sequence of (n_time, n_state) arrays
    fraction : float
    """
    if system.noise_scale == "state":
        return fraction * np.concatenate(clean).std(axis=0)
    steps = round(system.noise_horizon / system.time_step)
    time = system.time_step * np.arange(steps, dtype=np.float64)
    values = system.trajectory(np.array(system.starts[0], np.float64), time)
    size = values.std() if system.noise_scale == "pooled sd" else np.sqrt(np.mean(values**2))
    return np.full(len(system.states), fraction * float(size))


def noisy(
    clean: Sequence[Array], sd: Array, kind: str, generators: Sequence[np.random.Generator]
) -> list[Array]:
    """Measured values.

    'additive' is normal with the given sd.  'student' has Student's t distribution with four
    degrees of freedom, scaled to that sd.  'outliers' is normal, but 5 % of the values, drawn at
    random, are off by ten sd more, up or down.  'lognormal' multiplies each value by a log-normal
    factor of mean one; its shape is such that the root mean square error of a state over all
    conditions is the given sd.

    Parameters
    ----------
    clean : sequence of (n_time, n_state) arrays
    sd : (n_state,) array
    kind : str
    generators : sequence of Generator
        One a condition.
    """
    pairs = list(zip(clean, generators, strict=True))
    if kind == "additive":
        return [x + sd * rng.standard_normal(x.shape) for x, rng in pairs]
    if kind == "student":
        unit = np.sqrt((STUDENT_DEGREES - 2) / STUDENT_DEGREES)
        return [x + sd * unit * rng.standard_t(STUDENT_DEGREES, x.shape) for x, rng in pairs]
    if kind == "outliers":
        return [x + sd * (rng.standard_normal(x.shape) + _outliers(x, rng)) for x, rng in pairs]
    square = np.mean(np.concatenate(clean) ** 2, axis=0)
    shape = np.sqrt(np.log1p(sd**2 / np.where(square > 0, square, 1.0)))
    return [x * np.exp(shape * rng.standard_normal(x.shape) - 0.5 * shape**2) for x, rng in pairs]


def _outliers(x: Array, rng: np.random.Generator) -> Array:
    """Zeros but for gross errors of either sign at a few places."""
    out = np.zeros(x.size)
    hit = rng.permutation(x.size)[: round(OUTLIER_SHARE * x.size)]
    out[hit] = OUTLIER_SIZE * rng.choice([-1.0, 1.0], hit.size)
    return out.reshape(x.shape)

"""Is a sample uniform between 0 and 1?  Its distribution function with a simultaneous envelope.

Saeilynoja, Buerkner and Vehtari (2022), Graphical test for discrete uniformity and its
applications in goodness-of-fit evaluation and multiple sample comparison, Stat. Comput. 32, 32,
algorithm 1: the pointwise level is set by simulation so that a uniform sample stays inside the
binomial intervals at all points at once with the level wanted.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

Array = NDArray[np.float64]
POINTS = 40  #: where the distribution function is compared
SIMULATIONS = 4000


def places(points: int = POINTS) -> Array:
    """Interior evaluation points."""
    return np.arange(1, points) / points


def counts_below(pit: Array, at: Array) -> Array:
    """Number of values at or below each point."""
    return np.searchsorted(np.sort(pit), at, side="right").astype(float)


@lru_cache(maxsize=64)
def _pointwise(n: int, points: int, level: float) -> float:
    """Tail probability of the pointwise intervals (gamma of the paper)."""
    at, rng = places(points), np.random.default_rng(20_220_310)
    cells = rng.multinomial(n, np.full(points, 1.0 / points), SIMULATIONS)
    below = np.cumsum(cells, axis=1)[:, :-1]
    tail = np.minimum(binom.cdf(below, n, at), 1.0 - binom.cdf(below - 1, n, at))
    return float(np.quantile(2.0 * tail.min(axis=1), 1.0 - level))


def envelope(n: int, *, points: int = POINTS, level: float = 0.95) -> tuple[Array, Array]:
    """Lower and upper ends (points - 1,) of the share of n uniform values below each point.

    Parameters
    ----------
    n : int
        Size of the sample.
    points : int
    level : float
        Probability that a uniform sample stays inside everywhere.
    """
    at = places(points)
    gamma = _pointwise(n, points, level)
    return binom.ppf(gamma / 2.0, n, at) / n, binom.ppf(1.0 - gamma / 2.0, n, at) / n


def ecdf_excess(pit: Array, *, points: int = POINTS, level: float = 0.95) -> float:
    """Largest deviation from uniform over the half width of the envelope: above 1 is outside."""
    at = places(points)
    low, high = envelope(pit.size, points=points, level=level)
    share = counts_below(pit, at) / pit.size
    return float(np.where(share > at, (share - at) / (high - at), (at - share) / (at - low)).max())


def histogram_envelope(n: int, bins: int, *, level: float = 0.95) -> tuple[float, float]:
    """Ends of the counts that all of `bins` equal bins keep at once, for n uniform values.

    By simulation of the multinomial: the smallest symmetric tail that holds them all.
    """
    rng = np.random.default_rng(20_220_311)
    drawn = rng.multinomial(n, np.full(bins, 1.0 / bins), SIMULATIONS)
    tail = np.minimum(binom.cdf(drawn, n, 1.0 / bins), binom.sf(drawn - 1, n, 1.0 / bins))
    gamma = float(np.quantile(2.0 * tail.min(axis=1), 1.0 - level))
    return float(binom.ppf(gamma / 2.0, n, 1.0 / bins)), float(
        binom.ppf(1.0 - gamma / 2.0, n, 1.0 / bins)
    )

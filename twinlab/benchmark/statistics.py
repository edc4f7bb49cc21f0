"""Intervals of rates and means, and the reliability of probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Z95 = 1.959963984540054  #: 97.5 % quantile of the standard normal
BOOTSTRAP = 2000  #: resamples of a mean
#: Edges of the reliability table; 0.25 to 0.95 are the bins in which a probability commits itself
#: without being certain.
EDGES = (0.0, 0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95, 1.0)
MIDDLE = (0.25, 0.95)
SURE = 1e-3  #: probabilities nearer to 0 or 1 than this count as this in the log score


def wilson(hits: float, n: float, z: float = Z95) -> tuple[float, float]:
    """Confidence interval of a rate (Wilson 1927, J. Am. Stat. Assoc. 22, 209).

    Parameters
    ----------
    hits, n : float
        Successes among trials; not necessarily whole where trials are weighted.
    z : float
        Normal quantile; 95 % by default.

    Returns
    -------
    low, high : float
        NaN without trials.
    """
    if n <= 0:
        return math.nan, math.nan
    rate, spread = hits / n, z * z / n
    centre = (rate + spread / 2.0) / (1.0 + spread)
    reach = z * math.sqrt(rate * (1.0 - rate) / n + spread / (4.0 * n)) / (1.0 + spread)
    return max(0.0, centre - reach), min(1.0, centre + reach)


def bootstrap(values: Sequence[float], *, seed: int = 0) -> tuple[float, float]:
    """95 % percentile interval of a mean (Efron 1979, Ann. Stat. 7, 1), seeded.

    Parameters
    ----------
    values : sequence of float
        NaN is left out.
    seed : int

    Returns
    -------
    low, high : float
        NaN with fewer than two values.
    """
    known = np.array([v for v in values if math.isfinite(v)], float)
    if known.size < 2:
        return math.nan, math.nan
    rng = np.random.default_rng(seed)
    means = rng.choice(known, (BOOTSTRAP, known.size)).mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def clustered(
    hits: Sequence[float], sizes: Sequence[float], *, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of ``sum(hits) / sum(sizes)``, whole data sets drawn again.

    The coefficients (or points of a band) of one data set miss together, so that they are not
    independent trials.

    Parameters
    ----------
    hits, sizes : sequences of float
        One pair a data set.
    seed : int
    """
    h, n = np.asarray(hits, float), np.asarray(sizes, float)
    if h.size < 2 or n.sum() <= 0:
        return math.nan, math.nan
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, h.size, (BOOTSTRAP, h.size))
    total = n[drawn].sum(axis=1)
    rates = h[drawn].sum(axis=1)[total > 0] / total[total > 0]
    low, high = np.quantile(rates, (0.025, 0.975))
    return float(low), float(high)


@dataclass(frozen=True)
class Reliability:
    """How often what was given probability p is true, in the bins of ``EDGES``.

    Attributes
    ----------
    n : (n_bin,) array
        Probabilities in each bin.
    total : (n_bin,) array
        Their sums.
    true : (n_bin,) array
        How many of them were true.
    squares : float
        Sum of (p - outcome)^2.
    logs : float
        Sum of -log of the probability given to what is the case, p held within ``SURE``.
    """

    n: Array
    total: Array
    true: Array
    squares: float
    logs: float

    @classmethod
    def of(cls, pairs: Iterable[tuple[float, bool]]) -> Reliability:
        """Sort (probability, outcome) pairs into the bins."""
        size = len(EDGES) - 1
        n, total, true = np.zeros(size), np.zeros(size), np.zeros(size)
        squares = logs = 0.0
        for p, outcome in pairs:
            place = min(int(np.searchsorted(EDGES, p, side="right")) - 1, size - 1)
            n[place] += 1
            total[place] += p
            true[place] += outcome
            squares += (p - outcome) ** 2
            told = min(max(p, SURE), 1.0 - SURE)
            logs -= math.log(told if outcome else 1.0 - told)
        return cls(n, total, true, squares, logs)

    def __add__(self, other: Reliability) -> Reliability:
        """Pool two tables."""
        return Reliability(
            self.n + other.n,
            self.total + other.total,
            self.true + other.true,
            self.squares + other.squares,
            self.logs + other.logs,
        )

    @property
    def brier(self) -> float:
        """Mean square of probability minus outcome (Brier 1950, Mon. Weather Rev. 78, 1)."""
        return self.squares / self.n.sum() if self.n.sum() else math.nan

    @property
    def log_score(self) -> float:
        """Mean logarithmic loss in nats (Good 1952, J. R. Stat. Soc. B 14, 107)."""
        return self.logs / self.n.sum() if self.n.sum() else math.nan

    def calibration_error(self, low: float = 0.0, high: float = 1.0) -> float:
        """Expected calibration error (Naeini et al. 2015, AAAI, 2901) over bins in [low, high]."""
        edges = np.array(EDGES)
        keep = (edges[:-1] >= low) & (edges[1:] <= high) & (self.n > 0)
        n = self.n[keep].sum()
        return float(np.abs(self.total - self.true)[keep].sum() / n) if n else math.nan

    @property
    def middle_gap(self) -> float:
        """Calibration error between 0.25 and 0.95: the certain zeros and ones left out."""
        return self.calibration_error(*MIDDLE)

    def largest_gap(self, fewest: int = 20) -> float:
        """Largest |mean probability - share that is true| of a middle bin with `fewest` values."""
        edges = np.array(EDGES)
        keep = (edges[:-1] >= MIDDLE[0]) & (edges[1:] <= MIDDLE[1]) & (self.n >= fewest)
        return float((np.abs(self.total - self.true)[keep] / self.n[keep]).max(initial=-math.inf))

    @property
    def middle_n(self) -> int:
        """How many probabilities lie between 0.25 and 0.95."""
        edges = np.array(EDGES)
        return int(self.n[(edges[:-1] >= MIDDLE[0]) & (edges[1:] <= MIDDLE[1])].sum())

    def to_json(self) -> dict[str, object]:
        """As a JSON mapping."""
        return {
            "n": [int(v) for v in self.n],
            "total": [round(float(v), 9) for v in self.total],
            "true": [int(v) for v in self.true],
            "squares": round(self.squares, 9),
            "logs": round(self.logs, 9),
        }

    @classmethod
    def from_json(cls, mapping: dict[str, list[float]] | dict[str, object]) -> Reliability:
        """Read what `to_json` wrote."""
        n, total, true = (np.array(mapping[k], float) for k in ("n", "total", "true"))
        squares, logs = (float(mapping[k]) for k in ("squares", "logs"))  # type: ignore[arg-type]
        return cls(n, total, true, squares, logs)

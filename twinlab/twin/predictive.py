"""The distribution of a new measurement: posterior draws with the noise around each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp, ndtr, stdtr

from twinlab.discovery.noise import Noise
from twinlab.kernels import STUDENT_FREEDOM

Array = NDArray[np.float64]

#: Halvings of the bracket a quantile is looked for in: twelve digits of its width.
HALVINGS = 40
#: The bracket reaches so many noise scales beyond the draws.
REACH, STUDENT_REACH = 9.0, 200.0
#: Smallest level a logarithm is taken of, relative to the largest.
_FLOOR = 1e-12


@dataclass(frozen=True)
class Predictive:
    """A mixture over draws of the noise's distribution around each.

    Attributes
    ----------
    centre, scale : (n_draw, n, n_variable) arrays
        On the scale on which the noise is symmetric: the logarithm for log-normal noise.
    logarithmic : (n_variable,) bool array
    student : bool
        Student's t with four degrees of freedom; else normal.
    """

    centre: Array
    scale: Array
    logarithmic: NDArray[np.bool_]
    student: bool

    def cdf(self, value: Array) -> Array:
        """Probability (n, n_variable) of a measurement below `value`; NaN where it is NaN.

        At what was measured this is the probability integral transform (Dawid 1984, J R Stat Soc
        A 147:278, section 5.3): uniform where the forecast is right.
        """
        z = (self._on_scale(value) - self.centre) / self.scale
        return np.asarray(self._distribution(z).mean(axis=0))

    def log_density(self, value: Array) -> Array:
        """Log density (n, n_variable) at `value`: the logarithmic score (Good 1952)."""
        y = self._on_scale(value)
        z = (y - self.centre) / self.scale
        if self.student:
            nu = float(STUDENT_FREEDOM)
            constant = gammaln(0.5 * (nu + 1)) - gammaln(0.5 * nu) - 0.5 * np.log(nu * np.pi)
            each = constant - 0.5 * (nu + 1) * np.log1p(z**2 / nu)
        else:
            each = -0.5 * (z**2 + np.log(2 * np.pi))
        log = logsumexp(each - np.log(self.scale), axis=0) - np.log(len(self.centre))
        return np.asarray(log - np.where(self.logarithmic, y, 0.0))

    def quantile(self, q: float) -> Array:
        """Quantile (n, n_variable) of a new measurement, by bisection of the mixture."""
        reach = (STUDENT_REACH if self.student else REACH) * self.scale
        low, high = (self.centre - reach).min(axis=0), (self.centre + reach).max(axis=0)
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            above = self._distribution((middle - self.centre) / self.scale).mean(axis=0) > q
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        middle = 0.5 * (low + high)
        with np.errstate(over="ignore"):
            return np.where(self.logarithmic, np.exp(middle), middle)

    def sample(self, rng: np.random.Generator) -> Array:
        """One measurement (n_draw, n, n_variable) around each draw."""
        noise = (
            rng.standard_t(STUDENT_FREEDOM, self.centre.shape)
            if self.student
            else rng.standard_normal(self.centre.shape)
        )
        y = self.centre + self.scale * noise
        with np.errstate(over="ignore"):
            return np.where(self.logarithmic, np.exp(y), y)

    def _on_scale(self, value: Array) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.logarithmic, np.log(value), value)

    def _distribution(self, z: Array) -> Array:
        return np.asarray(stdtr(STUDENT_FREEDOM, z) if self.student else ndtr(z))


def predictive_of(
    noise: Noise,
    draws: Array,
    known_sd: Array | None = None,
    count: NDArray[np.int64] | None = None,
) -> Predictive:
    """Put the noise of a fit around simulated draws.

    Parameters
    ----------
    noise : Noise
    draws : (n_draw, n, n_variable) array
        Simulated, without noise.
    known_sd : (n, n_variable) array, optional
        Standard deviations that come with the data; NaN where there is none.
    count : (n, n_variable) int array, optional
        Replicates a measurement is the mean of; 1 by default.
    """
    logarithmic = np.broadcast_to(np.asarray(noise.logarithmic), draws.shape[2:])
    smallest = _FLOOR * np.maximum(np.nanmax(np.abs(draws), axis=(0, 1)), 1e-300)
    level = np.where(logarithmic, np.maximum(draws, smallest), draws)
    centre = np.where(logarithmic, np.log(np.where(logarithmic, level, 1.0)), draws)
    scale = np.broadcast_to(noise.at(level), draws.shape)
    if known_sd is not None:
        own = known_sd / np.where(logarithmic, level, 1.0)
        scale = np.where(np.isfinite(known_sd), own, scale)
    if count is not None:
        scale = scale / np.sqrt(np.maximum(count, 1))
    scale = np.maximum(noise.scale_of_sd * scale, 1e-300)
    return Predictive(centre, scale, logarithmic, noise.student)

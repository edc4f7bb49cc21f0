"""Noise of the measurements: its form, its size, and what the residuals say of both."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from twinlab.kernels import Data

from .problem import Problem

Array = NDArray[np.float64]

MODELS = ("constant", "proportional", "combined", "lognormal")
#: Share of a state's root mean square that the combined model adds to its proportional part.
COMBINED_OFFSET = 0.2
#: Levels below this share of a state's scale do not lower proportional noise any further.
PROPORTIONAL_FLOOR = 0.05
#: Prior of the noise sd: this fraction of a state's sd, worth this many measurements.
PRIOR_FRACTION, PRIOR_WEIGHT = 0.05, 2.0
#: The prior may be overruled, but noise is never below this fraction of a state's sd.
SMALLEST = 1e-4


@dataclass(frozen=True)
class Noise:
    """Standard deviations ``sd_l * shape_il``; a known sd of the file takes precedence.

    Attributes
    ----------
    model : str
        One of ``MODELS``.
    sd : (n_state,) array
        In the state's unit ('constant') or as a fraction of its level (the others).
    shape : (n_row, n_state) array
        Ones ('constant', 'lognormal') or the level of the state, as `relative_level` gives it.
    offset : (n_state,) array
        Lower end of the level.
    """

    model: str
    sd: Array
    shape: Array
    offset: Array

    def at(self, level: Array) -> Array:
        """Standard deviation (..., n_state) of a measurement where the states are `level`.

        On the log scale for 'lognormal', in the states' units otherwise.
        """
        return self.sd * relative_level(self.model, level, self.offset)

    def data(self, problem: Problem) -> Data:
        """Measurements with their weights, for the kernels."""
        seen = problem.count > 0
        sigma = np.where(np.isfinite(problem.sd), self._known(problem), self.sd * self.shape)
        weight = np.where(seen, np.sqrt(problem.count) / sigma, 0.0)
        # One memory layout: numba compiles a kernel anew for every other one.
        weight = np.ascontiguousarray(weight)
        value = np.ascontiguousarray(np.where(seen, problem.value, 0.0))
        return Data(problem.start, problem.time, value, weight, self.model == "lognormal")

    def _known(self, problem: Problem) -> Array:
        """Known sd on the scale of the residuals."""
        if self.model != "lognormal":
            return problem.sd
        return problem.sd / np.maximum(np.abs(problem.value), SMALLEST * problem.scale)

    def residual(self, problem: Problem, x: Array) -> Array:
        """Unweighted residuals (n_row, n_state) over `shape`; NaN where nothing was measured."""
        if self.model == "lognormal":
            with np.errstate(invalid="ignore"):
                return np.log(problem.value / np.maximum(x, 1e-6 * problem.value))
        return (problem.value - x) / self.shape

    def standardised(self, problem: Problem, x: Array) -> Array:
        """Residuals in units of one measurement's sd; NaN where nothing was measured."""
        sigma = np.where(np.isfinite(problem.sd), self._known(problem) / self.shape, self.sd)
        return self.residual(problem, x) * np.sqrt(np.maximum(problem.count, 1)) / sigma

    def estimate(self, problem: Problem, x: Array, n_parameters: float) -> Noise:
        """Re-estimate the size from the residuals of a fit with `n_parameters` parameters.

        Mode of an inverse-gamma posterior: prior worth ``PRIOR_WEIGHT`` measurements.
        """
        squares, n = self.squares(problem, x)
        guess = PRIOR_FRACTION * problem.scale / self.typical(problem)
        dof = np.maximum(n - n_parameters / problem.n_state, 0.2 * n)
        variance = (squares + PRIOR_WEIGHT * guess**2) / (dof + PRIOR_WEIGHT)
        smallest = SMALLEST * problem.scale / self.typical(problem)
        sd = np.maximum(np.sqrt(variance), smallest)
        return replace(self, sd=np.where(n > 0, sd, self.sd))

    def squares(self, problem: Problem, x: Array) -> tuple[Array, Array]:
        """Sum of squares (within replicates included) and number of values of each state.

        Values with a known sd are left out: they say nothing about the unknown one.
        """
        unknown = (problem.count > 0) & ~np.isfinite(problem.sd)
        residual = np.where(unknown, self.residual(problem, x), 0.0)
        level = np.where(unknown, problem.value if self.model == "lognormal" else self.shape, 1.0)
        within = np.where(unknown, problem.spread, 0.0) / np.maximum(level**2, 1e-300)
        squares = (np.where(unknown, problem.count, 0) * residual**2 + within).sum(axis=0)
        return squares, np.where(unknown, problem.count, 0).sum(axis=0).astype(float)

    def typical(self, problem: Problem) -> Array:
        """Typical value (n_state,) that turns `sd` into the state's unit."""
        if self.model == "lognormal":
            return np.exp(np.nanmean(np.log(np.abs(problem.value)), axis=0))
        return np.sqrt(np.nanmean(np.where(problem.count > 0, self.shape, np.nan) ** 2, axis=0))

    def log_normaliser(self, problem: Problem) -> float:
        """The part of the log likelihood that depends on the noise alone: ``-sum log sigma``."""
        seen = problem.count > 0
        sigma = np.where(np.isfinite(problem.sd), self._known(problem), self.sd * self.shape)
        total = -(problem.count * np.log(sigma))[seen].sum()
        if self.model == "lognormal":
            total -= (problem.count * np.log(np.maximum(problem.value, 1e-300)))[seen].sum()
        squares = np.where(seen, problem.spread, 0.0)
        level = problem.value if self.model == "lognormal" else 1.0
        within = squares / np.maximum((sigma * level) ** 2, 1e-300)
        return float(total - 0.5 * np.where(seen, within, 0.0).sum())

    def log_prior(self, problem: Problem) -> float:
        """Log density of the inverse-gamma prior of each state's noise variance."""
        guess = (PRIOR_FRACTION * problem.scale / self.typical(problem)) ** 2
        a, b = 0.5 * PRIOR_WEIGHT, 0.5 * PRIOR_WEIGHT * guess
        return float((a * np.log(b) - gammaln(a) - a * np.log(self.sd**2) - b / self.sd**2).sum())


def make_noise(problem: Problem, model: str, sd: Array, at_data: Array) -> Noise:
    """Noise of a given form whose size at the typical level of each state is `sd`.

    Parameters
    ----------
    problem : Problem
    model : str
        One of ``MODELS``.
    sd : (n_state,) array
        In the states' units.
    at_data : (n_row, n_state) array
        Smooth of the data, from which proportional noise takes its level.
    """
    root_mean_square = np.sqrt((at_data**2).mean(axis=0))
    share = COMBINED_OFFSET if model == "combined" else PROPORTIONAL_FLOOR
    offset = share * root_mean_square
    shape = relative_level(model, at_data, offset)
    noise = Noise(model, np.ones(problem.n_state), shape, offset)
    return replace(noise, sd=sd / noise.typical(problem))


def relative_level(model: str, level: Array, offset: Array) -> Array:
    """What the noise is in proportion to: 1, or the level of the state with a lower end."""
    if model == "proportional":
        return np.maximum(np.abs(level), offset)
    if model == "combined":
        return np.sqrt(level**2 + offset**2)
    return np.ones_like(level)


def allowed_models(problem: Problem) -> tuple[str, ...]:
    """Noise models the data admit: log-normal and proportional ones need positive data."""
    lowest = float(np.nanmin(problem.value))
    if lowest > 0:
        return MODELS
    return ("constant", "proportional", "combined") if lowest >= 0 else ("constant",)

"""Noise of the measurements: its form, its size, and what the residuals say of both.

Student-t noise has four degrees of freedom; its size is given by its standard deviation like that
of the other forms.  The mean of replicates is taken to have the tails of a single value.  A
censored value enters by the probability of lying below its limit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, log_ndtr, ndtri, stdtr, stdtrit

from twinlab.kernels import STUDENT_FREEDOM, Data, excess_cost

from .problem import Problem

Array = NDArray[np.float64]

#: Names of the forms and what people call them.
NOISE_WORDS = {
    "constant": "Constant",
    "proportional": "Proportional",
    "combined": "Constant + proportional",
    "lognormal": "Log-normal",
    "student": "Constant, Student t",
    "proportional_student": "Proportional, Student t",
}
MODELS = tuple(NOISE_WORDS)
#: Scale of Student-t noise over its standard deviation.
STUDENT_SCALE = np.sqrt((STUDENT_FREEDOM - 2.0) / STUDENT_FREEDOM)
#: Log density of Student's t at its centre (scale 1) less that of the normal distribution.
STUDENT_PEAK = float(
    gammaln(0.5 * (STUDENT_FREEDOM + 1.0))
    - gammaln(0.5 * STUDENT_FREEDOM)
    - 0.5 * np.log(0.5 * STUDENT_FREEDOM)
)
#: Rounds in which size and weights settle, where they depend on each other.
ESTIMATE_ROUNDS, ESTIMATE_TOLERANCE = 20, 1e-3
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
    sd : (n_observable,) array
        In the observable's unit ('constant') or as a fraction of its level (the others).
    shape : (n_row, n_observable) array
        Ones ('constant', 'lognormal') or the level of the observable, as `relative_level` gives it.
    offset : (n_observable,) array
        Lower end of the level.
    in_log : (n_observable,) bool array or None
        Observables that were measured on the log scale: log-normal whatever the form of the rest.
    """

    model: str
    sd: Array
    shape: Array
    offset: Array
    in_log: NDArray[np.bool_] | None = None

    def at(self, level: Array) -> Array:
        """Standard deviation (..., n_observable) of a measurement where the truth is `level`.

        On the log scale where the noise is log-normal, in the observables' units otherwise.
        """
        relative = relative_level(self.model, level, self.offset)
        return self.sd * np.where(self.logarithmic, 1.0, relative)

    @property
    def student(self) -> bool:
        """Whether the noise has the tails of Student's t."""
        return self.model in ("student", "proportional_student")

    @property
    def logarithmic(self) -> NDArray[np.bool_]:
        """Which observables (n_observable,) have noise that is normal on the log scale."""
        every = np.full(self.sd.size, self.model == "lognormal")
        return every if self.in_log is None else every | self.in_log

    @property
    def scale_of_sd(self) -> float:
        """Scale of the distribution over its standard deviation: 1, if normal."""
        return float(STUDENT_SCALE) if self.student else 1.0

    def quantile(self, q: float) -> float:
        """Quantile of the noise in units of its standard deviation."""
        return float(STUDENT_SCALE * stdtrit(STUDENT_FREEDOM, q) if self.student else ndtri(q))

    def data(self, problem: Problem) -> Data:
        """Measurements with their weights, for the kernels."""
        seen = problem.count > 0
        # A limit is no mean of replicates: each of them lies below it.
        root = np.sqrt(np.where(problem.censored, 1, problem.count))
        weight = np.where(seen, root / (self.scale_of_sd * self._sigma(problem)), 0.0)
        # One memory layout: numba compiles a kernel anew for every other one.
        return Data(
            problem.start,
            problem.time,
            np.ascontiguousarray(np.where(seen, problem.value, 0.0)),
            np.ascontiguousarray(weight),
            self.logarithmic,
            np.ascontiguousarray(np.where(problem.censored, problem.count, 0.0)),
            self.student,
            problem.numerator,
            problem.denominator,
        )

    def excess(self, problem: Problem, x: Array) -> tuple[float, float]:
        """Part of the cost that is no square, and the information; see `excess_cost`."""
        excess, information = excess_cost(self.data(problem), x)
        return float(excess), float(information)

    def _sigma(self, problem: Problem) -> Array:
        """Standard deviation (n_row, n_observable) of one measurement on the scale of residuals."""
        return np.where(np.isfinite(problem.sd), self._known(problem), self.sd * self.shape)

    def _known(self, problem: Problem) -> Array:
        """Known sd on the scale of the residuals."""
        if not self.logarithmic.any():
            return problem.sd
        level = np.maximum(np.abs(problem.value), SMALLEST * problem.data_scale)
        return np.where(self.logarithmic, problem.sd / level, problem.sd)

    def residual(self, problem: Problem, x: Array) -> Array:
        """Unweighted residuals (n_row, n_observable) over `shape`; NaN where nothing was measured.

        Those of censored values are from their limits.
        """
        plain = (problem.value - x) / self.shape
        if not self.logarithmic.any():
            return plain
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.log(problem.value / np.maximum(x, 1e-6 * problem.value))
        return np.where(self.logarithmic, ratio, plain)

    def standardised(self, problem: Problem, x: Array) -> Array:
        """Residuals in units of their sd; NaN where nothing was measured or only a limit."""
        root = np.sqrt(np.maximum(problem.count, 1))
        residual = self.residual(problem, x) * root * self.shape / self._sigma(problem)
        return np.where(problem.censored | problem.gauge, np.nan, residual)

    def estimate(self, problem: Problem, x: Array, n_parameters: float) -> Noise:
        """Re-estimate the size from the residuals of a fit with `n_parameters` parameters.

        Mode of an inverse-gamma posterior: prior worth ``PRIOR_WEIGHT`` measurements.  Outliers
        and censored values enter by their expected squares, repeated until the size stands still
        (EM; Dempster, Laird and Rubin 1977, sections 4.1 and 4.3).
        """
        guess = PRIOR_FRACTION * self.variation(problem)
        smallest = SMALLEST * self.variation(problem)
        noise = self
        for _ in range(ESTIMATE_ROUNDS):
            squares, n = noise.squares(problem, x)
            dof = np.maximum(n - n_parameters / problem.n_measured, 0.2 * n)
            variance = (squares + PRIOR_WEIGHT * guess**2) / (dof + PRIOR_WEIGHT)
            sd = np.where(n > 0, np.maximum(np.sqrt(variance), smallest), self.sd)
            settled = np.allclose(sd, noise.sd, rtol=ESTIMATE_TOLERANCE, atol=0.0)
            noise = replace(noise, sd=sd)
            if settled or not (self.student or problem.censored.any()):
                break
        return noise

    def squares(self, problem: Problem, x: Array) -> tuple[Array, Array]:
        """Sum of squares (within replicates included) and number of values of each observable.

        Values with a known sd are left out: they say nothing about the unknown one.  With
        Student-t noise and for censored values: what the squares are worth given the present
        size, so that the number is right on average (``1 - v f(v)/F(v)`` variances for a value
        below the limit ``v``: the derivative of ``log F`` in the log of the scale).
        """
        unknown = (problem.count > 0) & ~np.isfinite(problem.sd)
        residual = np.where(unknown, self.residual(problem, x), 0.0)
        level = np.where(self.logarithmic, problem.value, self.shape)
        level = np.where(unknown, level, 1.0)
        within = np.where(unknown, problem.spread, 0.0) / np.maximum(level**2, 1e-300)
        count = np.where(unknown, problem.count, 0)
        square, scale = count * residual**2, self.scale_of_sd * self.sd
        if self.student:
            weight = (STUDENT_FREEDOM + 1.0) / (STUDENT_FREEDOM + square / scale**2)
            square = weight * square / STUDENT_SCALE**2
        below = unknown & problem.censored
        if below.any():
            v = np.where(below, residual / scale, 0.0)
            square = np.where(below, count * self.sd**2 * (1.0 - v * self._tail_ratio(v)), square)
            within = np.where(below, 0.0, within)
        return (square + within).sum(axis=0), count.sum(axis=0).astype(float)

    def _tail_ratio(self, v: Array) -> Array:
        """Density over distribution function of the noise at scale 1."""
        if not self.student:
            return np.asarray(np.exp(-0.5 * v**2 - log_ndtr(v)) / np.sqrt(2.0 * np.pi))
        density = np.exp(STUDENT_PEAK) / np.sqrt(2.0 * np.pi)
        density = density * (1.0 + v**2 / STUDENT_FREEDOM) ** (-0.5 * (STUDENT_FREEDOM + 1.0))
        return np.asarray(density / stdtr(STUDENT_FREEDOM, v))

    def typical(self, problem: Problem) -> Array:
        """Typical value (n_observable,) that turns `sd` into the observable's unit.

        That of an observable without data is 1.
        """
        seen = problem.count > 0
        unseen = ~seen.any(axis=0)
        plain = np.where(seen | unseen, self.shape, np.nan)
        out = np.sqrt(np.nanmean(plain**2, axis=0))
        if self.logarithmic.any():
            level = np.where(unseen | ~self.logarithmic, 1.0, problem.value)
            out = np.where(self.logarithmic, np.exp(np.nanmean(np.log(np.abs(level)), axis=0)), out)
        return out

    def variation(self, problem: Problem) -> Array:
        """Standard deviation (n_observable,) of the data in the units of `sd`.

        Of what was measured on the log scale it is taken there: decades have no typical level.
        """
        out = problem.data_scale / self.typical(problem)
        for e in np.nonzero(problem.in_log & problem.seen)[0]:
            out[e] = np.nanstd(np.log(problem.value[:, e]))
        return out

    def log_normaliser(self, problem: Problem) -> float:
        """The part of the log likelihood that depends on the noise alone: ``-sum log sigma``.

        Censored values have none: their probability is all in the cost.
        """
        seen = (problem.count > 0) & ~problem.censored
        sigma = self._sigma(problem)
        total = -(problem.count * np.log(sigma))[seen].sum()
        in_log = seen & self.logarithmic
        if in_log.any():
            total -= (problem.count * np.log(np.maximum(problem.value, 1e-300)))[in_log].sum()
        if self.student:
            total += (STUDENT_PEAK - np.log(STUDENT_SCALE)) * seen.sum()
        squares = np.where(seen, problem.spread, 0.0)
        level = np.where(self.logarithmic, problem.value, 1.0)
        within = squares / np.maximum((sigma * level) ** 2, 1e-300)
        return float(total - 0.5 * np.where(seen, within, 0.0).sum())

    def log_prior(self, problem: Problem) -> float:
        """Log density of the inverse-gamma prior of each state's noise variance.

        A state whose values all have a known sd has no size to be believed.
        """
        unknown = ((problem.count > 0) & ~np.isfinite(problem.sd)).any(axis=0)
        guess = (PRIOR_FRACTION * self.variation(problem)) ** 2
        a, b = 0.5 * PRIOR_WEIGHT, 0.5 * PRIOR_WEIGHT * guess
        density = a * np.log(b) - gammaln(a) - a * np.log(self.sd**2) - b / self.sd**2
        return float(density[unknown].sum())


def make_noise(problem: Problem, model: str, sd: Array, at_data: Array) -> Noise:
    """Noise of a given form whose size at the typical level of each state is `sd`.

    Parameters
    ----------
    problem : Problem
    model : str
        One of ``MODELS``.
    sd : (n_observable,) array
        In the observables' units.
    at_data : (n_row, n_observable) array
        Smooth of the data, from which proportional noise takes its level.
    """
    root_mean_square = np.sqrt((at_data**2).mean(axis=0))
    share = COMBINED_OFFSET if model == "combined" else PROPORTIONAL_FLOOR
    offset = share * root_mean_square
    shape = relative_level(model, at_data, offset)
    shape = np.where(problem.in_log, 1.0, shape)
    noise = Noise(model, np.ones(problem.n_observable), shape, offset, problem.in_log)
    return replace(noise, sd=sd / noise.typical(problem))


def relative_level(model: str, level: Array, offset: Array) -> Array:
    """What the noise is in proportion to: 1, or the level of the state with a lower end."""
    if model in ("proportional", "proportional_student"):
        return np.maximum(np.abs(level), offset)
    if model == "combined":
        return np.sqrt(level**2 + offset**2)
    return np.ones_like(level)


def allowed_models(problem: Problem) -> tuple[str, ...]:
    """Noise models the data admit: log-normal and proportional ones need positive data."""
    lowest = float(np.nanmin(np.where(problem.gauge, np.nan, problem.value)))
    if lowest > 0:
        return MODELS
    if lowest == 0:
        return tuple(model for model in MODELS if model != "lognormal")
    return ("constant", "student")


def compared_models(problem: Problem) -> tuple[str, ...]:
    """Noise models worth a comparison: where every sd is given only the tails are in question."""
    given = np.isfinite(problem.sd) | (problem.count == 0)
    return ("constant", "student") if given.all() else allowed_models(problem)

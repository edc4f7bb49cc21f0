"""Least-squares fits of coefficients, constants of saturating terms and initial states together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinlab.kernels import OK, Local, normal_equations
from twinlab.kernels.linear import hold
from twinlab.kernels.regression import damped_step

from .families import template_of
from .known import known_as_offset
from .model_prior import log_told, size_prior
from .noise import Noise
from .result import Gram
from .shapes import Scales, Shaped, ShapedModel, Tables
from .steps import (
    FIT_TOLERANCE,
    Columns,
    Fit,
    Point,
    eliminate_initial,
    inverse_scaled,
    laplace,
    n_parameters,
    without_columns,
)
from .varying import Varying

Array = NDArray[np.float64]

#: Longest step of a logarithm in one iteration.
LONGEST_STEP = 0.7
#: An iteration that gains less than this (absolute, and share of the cost) is the last.
GAIN = (1e-3, 1e-6)
MAX_DAMPINGS = 7


@dataclass(frozen=True)
class ShapedFit:
    """A fitted model with free constants, its noise and its log evidence.

    Attributes
    ----------
    model : ShapedModel
        At its optimum.
    fit : Fit
        Numbered as `ShapedModel` says; the rows of its Hessian are coefficients, then free
        constants, then effects.
    noise : Noise
    evidence : float
    """

    model: ShapedModel
    fit: Fit
    noise: Noise
    evidence: float

    @property
    def deviations(self) -> dict[tuple[int, int, int], float]:
        """Posterior standard deviation of each free constant, as `ShapedModel` names them."""
        names, k = self.model.parameters, len(self.fit.coefficients)
        variance = np.diag(inverse_scaled(self.fit.schur))[k : k + len(names)]
        return dict(zip(names, np.sqrt(np.maximum(variance, 0.0)), strict=True))


@dataclass(frozen=True)
class _Prior:
    """Normal prior of coefficients, free constants and effects, and their bounds."""

    precision: Array
    centre: Array
    bounds: Array


def _prior(scales: Scales, model: ShapedModel) -> _Prior:
    frame = scales.frame
    centre, spread, bounds = scales.constants_prior(model)
    slab = [*frame.precision[model.plain], *(scales.precision(t) for t in model.terms)]
    prior = frame.prior
    # A refined term may have any coefficient that one of its atoms may have.
    lower = [*prior.lower[model.plain], *(prior.lower[own(t)].min() for t in model.terms)]
    upper = [*prior.upper[model.plain], *(prior.upper[own(t)].max() for t in model.terms)]
    effects = frame.varying.effect_precision
    anywhere = np.tile([-np.inf, np.inf], (effects.size, 1))
    return _Prior(
        np.array([*slab, *spread**-2.0, *effects]),
        np.array([*np.zeros(len(slab)), *centre, *np.zeros(effects.size)]),
        np.concatenate([np.stack([lower, upper], axis=1).reshape(-1, 2), bounds, anywhere]),
    )


def shaped_local(varying: Varying, model: ShapedModel, columns: Columns, n: int) -> Local:
    """Kernel tables of what varies: of `columns`, then the model's terms, then its constants.

    A term varies as the atoms do that it stands for; so do its derivatives by its constants.
    """
    slots = [varying.slot[own(t)].max() for t in model.terms]
    constants = [slots[i] for i, _, _ in model.parameters]
    table = varying.local(columns, n)
    return table._replace(
        slot=np.concatenate([table.slot, np.array([*slots, *constants], np.int64)]),
        n_coefficient=len(columns) + len(slots),
    )


def own(term: Shaped) -> list[int]:
    """Columns of the atoms a refined term stands for."""
    return list(term.family.columns)


@dataclass(frozen=True)
class _Step:
    """A point of the descent with its normal equations."""

    model: ShapedModel
    coefficients: Array
    effects: Array
    initial: Array
    cost: float
    blocks: tuple[Array, ...]
    x: Array


class _Descent:
    """Levenberg-Marquardt as `twinlab.kernels.polish`, constants included, under a given noise."""

    def __init__(self, scales: Scales, model: ShapedModel, noise: Noise) -> None:
        self.frame, self.prior = scales.frame, _prior(scales, model)
        problem = self.frame.problem
        self.local = shaped_local(self.frame.varying, model, model.plain, problem.n_trajectory)
        k = len(model.plain) + len(model.terms)
        self.active_local = self.local._replace(slot=self.local.slot[:k].copy())
        self.tables, self.data = Tables(problem, model), noise.data(problem)
        self.drive = problem.drive(0.0, self.frame.smooth.target)
        self.tolerance = problem.tolerance(FIT_TOLERANCE)

    def evaluate(
        self, model: ShapedModel, w: Array, effects: Array, initial: Array
    ) -> _Step | None:
        """Normal equations at a point; None where it cannot be simulated."""
        if any(template_of(t.term) != t.family.template for t in model.terms):
            return None  # the term would merge with another factor and be of another family
        self.tables.set(model, w)
        x = np.empty_like(self.data.value)
        status, cost, *blocks = normal_equations(
            np.ascontiguousarray(initial),
            np.concatenate([w, effects]),
            *self.tables.active,
            self.active_local,
            np.concatenate([w, model.values, effects]) - self.prior.centre,
            self.tables.table,
            self.tables.entries,
            self.local,
            self.data,
            self.frame.initial_prior,
            self.drive,
            self.tolerance,
            self.prior.precision,
            x,
        )
        if status != OK or not np.isfinite(cost):
            return None
        if not all(np.isfinite(block).all() for block in blocks):
            return None
        h_w, g_w, _, _, cross = blocks
        hold(*np.ascontiguousarray(self.prior.bounds.T), h_w, g_w, cross)
        return _Step(model, w, effects, initial, float(cost), tuple(blocks), x)

    def follow(self, step: _Step, iterations: int) -> _Step:
        """Descend from a point that could be simulated."""
        damping = 1e-3
        for _ in range(iterations):
            gain = 0.0
            for _ in range(MAX_DAMPINGS):
                trial = self._trial(step, damping)
                if trial is not None and trial.cost < step.cost:
                    gain, step = step.cost - trial.cost, trial
                    damping = max(damping / 5.0, 1e-8)
                    break
                damping = max(damping, 1e-4) * 6.0
            if gain < GAIN[0] + GAIN[1] * step.cost:
                break
        return step

    def _trial(self, step: _Step, damping: float) -> _Step | None:
        k, m = len(step.coefficients), len(step.model.parameters)
        solved, step_w, step_x = damped_step(*step.blocks, damping)
        if not solved:
            return None
        step_w[k:] = np.clip(step_w[k:], -LONGEST_STEP, LONGEST_STEP)
        now = np.concatenate([step.coefficients, step.model.values, step.effects])
        new = np.clip(now + step_w, *self.prior.bounds.T)
        model = step.model.moved(new[k : k + m])
        return self.evaluate(model, new[:k], new[k + m :], step.initial + step_x)


def descend(
    scales: Scales,
    model: ShapedModel,
    coefficients: Array,
    initial: Array,
    noise: Noise,
    iterations: int,
) -> ShapedFit | None:
    """Fit under a given noise; None if the start cannot be simulated."""
    descent = _Descent(scales, model, noise)
    prior = descent.prior
    w = np.clip(coefficients, *prior.bounds[: len(coefficients)].T)
    point = Point(model.plain, w, initial)
    initial, effects = scales.frame.start(point)
    step = descent.evaluate(model, w, effects, initial)
    if step is None:
        return None
    step = descent.follow(step, iterations)
    h_w, _, h_x, _, cross = step.blocks
    columns = np.arange(len(w), dtype=np.int64)
    fit = Fit(
        columns, step.coefficients, step.initial, step.cost, h_w, h_x, cross, step.x,
        effects=step.effects,
    )  # fmt: skip
    log_prior = _log_prior(scales, step.model, fit.coefficients)
    n = len(w) + len(step.model.parameters)
    log_prior += 0.5 * float(np.log(prior.precision[len(w) : n]).sum())
    evidence = laplace(scales.frame, fit, noise, prior.precision[: len(w)], log_prior)
    return ShapedFit(step.model, fit, noise, evidence)


def _log_prior(scales: Scales, model: ShapedModel, coefficients: Array) -> float:
    """Odds of columns and families, the size, edges and signs (a term's are its atoms')."""
    problem, prior = scales.frame.problem, scales.frame.prior
    odds = prior.log_odds[model.plain].sum() + sum(t.log_prior for t in model.terms)
    size = size_prior(prior, len(model.plain) + len(model.terms))[-1]
    alike = np.array([*model.plain, *(t.family.columns[0] for t in model.terms)], np.int64)
    return float(odds + size) + log_told(problem, prior.table, alike, coefficients)


def weigh_shaped(
    scales: Scales,
    model: ShapedModel,
    coefficients: Array,
    initial: Array,
    noise: Noise,
    iterations: tuple[int, ...] = (12, 6, 4),
) -> ShapedFit | None:
    """Fit a model, give it its own noise, and take its evidence."""
    fitted: ShapedFit | None = None
    for count in iterations:
        if fitted is not None:
            n = n_parameters(scales.frame, fitted.fit)
            noise = noise.estimate(scales.frame.problem, fitted.fit.x, n)
            model, coefficients, initial = (
                fitted.model, fitted.fit.coefficients, fitted.fit.initial
            )  # fmt: skip
        fitted = descend(scales, model, coefficients, initial, noise, count)
        if fitted is None:
            return None
    return fitted


def linearise_shaped(scales: Scales, fitted: ShapedFit) -> Gram | None:
    """Regression of the data on the library's columns and the model's refined terms.

    Initial states and free constants are integrated out, so that a term is judged by what it
    adds when the constants may move.  The refined terms follow the library's columns.
    """
    frame, model, fit = scales.frame, fitted.model, fitted.fit
    problem, varying = frame.problem, frame.varying
    tables, data = Tables(problem, model, everything=True), fitted.noise.data(problem)
    tables.set(model, fit.coefficients)
    prior = _prior(scales, model)
    k, n_constant, n_effect = len(fit.coefficients), len(model.parameters), fit.effects.size
    w_all = np.zeros(tables.n_column + n_effect)
    w_all[tables.places] = fit.coefficients
    w_all[tables.n_column :] = fit.effects
    every = np.arange(problem.n_column, dtype=np.int64)
    active = shaped_local(varying, model, model.plain, problem.n_trajectory)
    x = np.empty_like(data.value)
    # The constants are counted from their optimum: they enter the regression as zeros.
    status, cost, *blocks = normal_equations(
        fit.initial,
        np.concatenate([fit.coefficients, fit.effects]),
        *tables.active,
        active._replace(slot=active.slot[:k].copy()),
        w_all,
        tables.table,
        tables.entries,
        shaped_local(varying, model, every, problem.n_trajectory),
        data,
        frame.initial_prior,
        problem.drive(0.0, frame.smooth.target),
        problem.tolerance(FIT_TOLERANCE),
        np.zeros(w_all.size),
        x,
    )
    if status != OK or not all(np.isfinite(block).all() for block in blocks):
        return None
    excess, information = fitted.noise.excess(problem, x)
    n_free = information - problem.n_state * problem.n_trajectory
    whole = eliminate_initial(w_all, fit.initial, cost - excess, tuple(blocks), n_free)
    whole = known_as_offset(whole, frame.prior)
    away = prior.centre[k : k + n_constant] - model.values
    return without_columns(
        whole, tables.n_coefficient, prior.precision[k:], np.append(away, np.zeros(n_effect))
    )

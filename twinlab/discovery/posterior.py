"""From weighed models to ranked models, draws and inclusion probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from .bands import draw_conditional, draw_stretch, shares
from .constants import empty_constants, refined_shapes, set_constants
from .held_scale import with_scale_held
from .known import without_known
from .latent_search import Gauge
from .noise import Noise
from .problem import Problem
from .result import Posterior, RankedModel
from .search import Weighed
from .steps import Fit, Frame, inverse_scaled, n_parameters
from .varying import LocalEstimates

Array = NDArray[np.float64]

#: Fewest degrees of freedom: below, the t distribution has no variance to speak of.
LEAST_FREEDOM = 4.0
#: Models less probable than this share of the first do not count in its intervals.
NEGLIGIBLE_SHARE = 1e-3
BISECTIONS = 40


def freedom_of(problem: Problem, n_columns: int) -> float:
    """Degrees of freedom left for the noise: values less coefficients and initial states."""
    used = n_columns + problem.n_trajectory * problem.n_state
    return max(float(problem.n_values - used), LEAST_FREEDOM)


def probabilities(evidence: Sequence[float] | Array) -> Array:
    """Posterior probabilities from log evidences."""
    evidence = np.asarray(evidence, float)
    weight = np.exp(evidence - evidence.max())
    return weight / weight.sum()


def rank_models(
    frame: Frame, weighed: Sequence[Weighed], gauges: Sequence[Gauge] = ()
) -> tuple[RankedModel, ...]:
    """Weighed models with their Laplace posteriors, by descending probability.

    Standard deviations and intervals are those where the scales of states never measured are held
    by the productions of `gauges`.  The intervals of the first model are over all models that hold
    the term (`averaged_intervals`), those of the others given that model: where states were never
    measured all are, since models differ in what holds a scale.
    """
    models = []
    for model, p in zip(weighed, probabilities([m.evidence for m in weighed]), strict=True):
        covariance = inverse_scaled(model.fit.schur)
        covariance = 0.5 * (covariance + covariance.T)
        covariance = without_known(frame.prior, model.fit.columns, covariance)
        k = len(model.fit.columns)
        ranked = make_ranked(
            frame.problem,
            model.fit.columns,
            float(p),
            model.evidence,
            model.fit.coefficients,
            covariance[:k, :k],
            model.fit.initial[:, : frame.problem.n_state],
            (frame.prior.lower, frame.prior.upper),
        )
        held = with_scale_held(frame, model, gauges)
        if held is not None:
            bounds = (held[0].prior.lower, held[0].prior.upper)
            mean, own = model.fit.coefficients, held[2][:k, :k]
            sd, interval = spread_of(frame.problem, model.fit.columns, mean, own, bounds)
            ranked = replace(ranked, sd=sd, interval90=interval)
        n_constant = len(model.fit.free)
        if n_constant:
            freedom = freedom_of(frame.problem, k + n_constant)
            own = covariance[k : k + n_constant, k : k + n_constant]
            ranked = replace(ranked, shapes=refined_shapes(frame.problem, model.fit, own, freedom))
        if len(covariance) > k:
            ranked = replace(ranked, joint_covariance=covariance)
        if frame.varying.n_slot:
            ranked = replace(ranked, local=local_estimates(frame, model.fit, covariance))
        models.append(ranked)
    if models and not frame.problem.library.latent:
        bounds = (frame.prior.lower, frame.prior.upper)
        averaged = averaged_intervals(frame.problem, models, bounds)
        models[0] = replace(models[0], interval90=averaged)
    return tuple(models)


def averaged_intervals(
    problem: Problem, models: Sequence[RankedModel], bounds: tuple[Array, Array]
) -> Array:
    """90 % intervals of the first model's coefficients over all models that hold the term.

    A term that another model lacks or has besides moves the coefficients of those they share: the
    intervals given one model alone are too narrow (Hoeting et al. 1999, Statistical Science 14,
    382, eq. 1; each posterior is a Student t).

    Parameters
    ----------
    problem : Problem
    models : sequence of RankedModel
    bounds : (lower, upper), each (n_column,)

    Returns
    -------
    (k, 2) array
    """
    columns, least = models[0].columns, NEGLIGIBLE_SHARE * models[0].probability
    if not columns.size:
        return np.zeros((0, 2))
    models = [m for m in models if m.columns.size and m.probability > least]
    place = [np.minimum(np.searchsorted(m.columns, columns), m.columns.size - 1) for m in models]
    pairs = list(zip(models, place, strict=True))
    held = np.array([m.columns[at] == columns for m, at in pairs])
    weight = held * np.array([[m.probability] for m in models])
    weight /= weight.sum(axis=0)
    freedom = np.array([[freedom_of(problem, m.columns.size)] for m in models])
    mean = np.array([m.coefficients[at] for m, at in pairs])
    sd = np.array([m.sd[at] for m, at in pairs])
    # what is known has no spread at all
    scale = np.maximum(sd * np.sqrt(1.0 - 2.0 / freedom), np.finfo(float).tiny)
    ends = []
    for level in (0.05, 0.95):
        # A quantile of a mixture lies between those of its parts.
        each = mean + stdtrit(freedom, level) * scale
        low = np.where(held, each, np.inf).min(axis=0)
        high = np.where(held, each, -np.inf).max(axis=0)
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            below = (weight * stdtr(freedom, (middle - mean) / scale)).sum(axis=0) < level
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        ends.append(0.5 * (low + high))
    lower, upper = bounds[0][columns], bounds[1][columns]
    return np.clip(np.stack(ends, axis=1), lower[:, None], upper[:, None])


def local_estimates(frame: Frame, fit: Fit, covariance: Array) -> LocalEstimates:
    """Deviations, effects and factors of a model at its optimum, with standard deviations.

    The variance of a deviation is that given the coefficients and what their uncertainty adds.

    Parameters
    ----------
    covariance : (k + m, k + m) array
        Of coefficients, free constants and effects.
    """
    d, varying = frame.problem.n_state, frame.varying
    inverse = inverse_scaled(fit.h_x)
    slope = np.einsum("rij,rkj->rik", inverse, fit.cross)
    variance = np.einsum("rii->ri", inverse) + np.einsum("rik,kl,ril->ri", slope, covariance, slope)
    first = len(covariance) - fit.effects.size
    return LocalEstimates(
        fit.initial[:, d:].copy(),
        np.sqrt(variance[:, d:]),
        fit.effects,
        np.sqrt(np.diag(covariance)[first:]),
        varying.factor(fit.columns, fit.initial[:, d:], fit.effects),
    )


def make_ranked(
    problem: Problem,
    columns: NDArray[np.int64],
    probability: float,
    evidence: float,
    mean: Array,
    covariance: Array,
    initial: Array,
    bounds: tuple[Array, Array],
) -> RankedModel:
    """A ranked model with its standard deviations and 90 % intervals (Student t)."""
    sd, interval = spread_of(problem, columns, mean, covariance, bounds)
    return RankedModel(columns, probability, evidence, mean, sd, interval, covariance, initial)


def spread_of(
    problem: Problem,
    columns: NDArray[np.int64],
    mean: Array,
    covariance: Array,
    bounds: tuple[Array, Array],
) -> tuple[Array, Array]:
    """Standard deviations (k,) and 90 % intervals (k, 2) of coefficients (Student t)."""
    freedom = freedom_of(problem, len(columns))
    scale = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    reach = stdtrit(freedom, 0.95) * scale
    lower, upper = bounds[0][columns], bounds[1][columns]
    interval = np.clip(
        np.stack([mean - reach, mean + reach], axis=1), lower[:, None], upper[:, None]
    )
    return scale * np.sqrt(freedom / (freedom - 2.0)), interval


def inclusion_of(models: Sequence[RankedModel], n_column: int) -> Array:
    """Marginal inclusion probability of each column."""
    total = np.zeros(n_column)
    for model in models:
        total[model.columns] += model.probability
    return np.minimum(total, 1.0)


def draw_posterior(
    frame: Frame,
    weighed: Sequence[Weighed],
    models: Sequence[RankedModel],
    n: int,
    seed: int,
    gauges: Sequence[Gauge] = (),
) -> Posterior:
    """Draws from the mixture of the models' Laplace posteriors, initial states included.

    ``x0`` given the coefficients is normal around ``x0_hat - H_x^-1 C' (w - w_hat)``.

    Parameters
    ----------
    frame : Frame
    weighed, models
        The same models in the same order.
    n, seed : int
    gauges : sequence of Gauge
        Scales of states never measured.
    """
    problem, rng = frame.problem, np.random.default_rng(seed)
    constants = empty_constants(problem, models, n)
    coefficients = np.zeros((n, problem.n_column))
    d, varying = problem.n_state, frame.varying
    local = np.zeros((n, *frame.initial_prior.mean.shape))
    effects = np.zeros((n, len(varying.effects)))
    row = 0
    for own, ranked, count in zip(
        weighed, models, shares([m.probability for m in models], n), strict=True
    ):
        if count == 0:
            continue
        part, fit, prior = slice(row, row + count), own.fit, frame.prior
        row += count
        held = with_scale_held(frame, own, gauges)
        if held is not None:
            fit, prior = held[1], held[0].prior
            ranked = replace(ranked, joint_covariance=held[2])
        bounds = (prior.lower[fit.columns], prior.upper[fit.columns])
        draws, moved, stretch = draw_model(problem, ranked, bounds, count, rng)
        coefficients[part, fit.columns] = draws
        if constants is not None:
            set_constants(constants, part, ranked, moved[:, len(fit.columns) :])
        effects[part] = fit.effects + moved[:, moved.shape[1] - fit.effects.size :]
        for r in range(problem.n_trajectory):
            inverse = inverse_scaled(fit.h_x[r])
            noise = rng.standard_normal((count, local.shape[2])) @ symmetric_root(inverse).T
            noise *= stretch[:, None]
            local[part, r] = fit.initial[r] - moved @ fit.cross[r] @ inverse + noise
    drawn = varying.draws(local[:, :, d:], effects) if varying.n_slot else None
    return Posterior(coefficients, keep_sign(problem, local[:, :, :d]), constants, drawn)


def draw_model(
    problem: Problem,
    model: RankedModel,
    bounds: tuple[Array, Array],
    n: int,
    rng: np.random.Generator,
    root: Callable[[Array], Array] | None = None,
) -> tuple[Array, Array, Array]:
    """Draws (n, k) of a model's coefficients within their bounds, and how far they moved.

    The second array (n, k + m) holds the moves of its free log constants too; the third (n,) is
    each draw's stretch.  `root` factors the covariance, `symmetric_root` by default.
    """
    k = len(model.columns)
    covariance = model.covariance if model.joint_covariance is None else model.joint_covariance
    m = len(covariance) - k
    mean = np.concatenate([model.coefficients, np.zeros(m)])
    lower = np.concatenate([bounds[0], np.full(m, -np.inf)])
    upper = np.concatenate([bounds[1], np.full(m, np.inf)])
    stretch = draw_stretch(freedom_of(problem, k + m), n, rng)
    factor = (root or symmetric_root)(covariance)
    draws = draw_conditional(mean, factor, stretch, (lower, upper), rng)
    return draws[:, :k], draws - mean, stretch


def keep_sign(problem: Problem, initial: Array) -> Array:
    """Initial states of quantities that are never negative are not drawn negative."""
    return np.where(problem.nonnegative, np.maximum(initial, 0.0), initial)


def symmetric_root(covariance: Array) -> Array:
    """Factors (..., k, k) whose square is the covariance; rounding below zero is cut off."""
    values, vectors = np.linalg.eigh(0.5 * (covariance + np.swapaxes(covariance, -1, -2)))
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :], float)


def quick_root(covariance: Array) -> Array:
    """Factor (k, k) as `symmetric_root` gives it, by Cholesky where that can be: far faster."""
    unit = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    try:
        scaled = np.linalg.cholesky(covariance / (unit[:, None] * unit))
    except np.linalg.LinAlgError:
        return symmetric_root(covariance)
    return np.asarray(unit[:, None] * scaled, float)


def goodness(problem: Problem, fitted: Array) -> Array:
    """Coefficient of determination (n_trajectory, n_observable); NaN with fewer than three values.

    Of what was measured on the log scale it is taken there.  Values of which only a limit is known
    are left out.
    """
    out = np.full((problem.n_trajectory, problem.n_observable), np.nan)
    on_scale = problem.observation.on_scale
    measured, fitted = on_scale(problem.measured), on_scale(fitted)
    for r in range(problem.n_trajectory):
        y, x = measured[problem.rows(r)], fitted[problem.rows(r)]
        seen = np.isfinite(y)
        n = seen.sum(axis=0)
        mean = np.where(seen, y, 0.0).sum(axis=0) / np.maximum(n, 1)
        total = (np.where(seen, y - mean, 0.0) ** 2).sum(axis=0)
        left = (np.where(seen, y - x, 0.0) ** 2).sum(axis=0)
        known = (n > 2) & (total > 0)
        out[r, known] = 1.0 - left[known] / total[known]
    return out


def chi2_per_point(frame: Frame, fit: Fit, noise: Noise) -> float:
    """Weighted squares and prior costs per degree of freedom; near 1 where all is right.

    The normal slab that a polish needs is left out, as in the evidence.

    Outliers under Student-t noise and censored values count with their effective residuals, by
    the information they hold; means of replicates count once.
    """
    excess, information = noise.excess(frame.problem, fit.x)
    w = np.concatenate([fit.coefficients, fit.effects])
    precision = np.concatenate([frame.precision[fit.columns], frame.varying.effect_precision])
    return (fit.cost - excess - precision @ w**2) / max(information - n_parameters(frame, fit), 1.0)


def standardised_residuals(problem: Problem, noise: Noise, fitted: Array) -> tuple[Array, ...]:
    """Residuals of each trajectory in units of their standard deviation."""
    everything = np.where(problem.count > 0, noise.standardised(problem, fitted), np.nan)
    return tuple(everything[problem.rows(r)] for r in range(problem.n_trajectory))

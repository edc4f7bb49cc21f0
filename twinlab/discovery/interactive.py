"""Answers without refitting, from the regression kept with a discovery.

Moving a prior, a slab width or a threshold changes which models are believed, not the linearised
regression around the best one: a new posterior over supports takes milliseconds.
"""

from __future__ import annotations

import time
from concurrent.futures import Executor
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError
from twinlab.knowledge import ColumnPrior, Knowledge

from .bands import BandsOnDemand, shares
from .constants import empty_constants, set_constants
from .families import with_probabilities
from .known import without_known
from .model_prior import log_model_prior, log_slab
from .point_model import PointModel as PointModel
from .point_model import choose_columns as choose_columns
from .point_model import initial_given as initial_given
from .point_model import local_given, simulate_point
from .posterior import (
    draw_model,
    inclusion_of,
    keep_sign,
    make_ranked,
    probabilities,
    quick_root,
    symmetric_root,
)
from .prior_conflict import still_claimed
from .problem import Problem, column_prior
from .reliability import reliability_of
from .result import Discovery, Posterior, RankedModel
from .scaled import solve_and_invert
from .steps import SCALE_FREEDOM, inverse_scaled, select
from .threads import one_blas_thread

Array = NDArray[np.float64]
Columns = NDArray[np.int64]

#: Proposals of an interactive selection; it starts from the best model, so fewer are needed.
INTERACTIVE_STEPS = 6000
KEPT_MODELS = 60
#: Models this many nats below the best are left out.
NEGLIGIBLE = 8.0


def reconsider(
    discovery: Discovery,
    *,
    knowledge: Knowledge | None = None,
    slab_width: float | None = None,
    complexity: float | None = None,
    prior_log_odds: float = 0.0,
    seed: int | None = None,
    executor: Executor | None = None,
) -> Discovery:
    """New posterior under other prior beliefs, from what is already computed.

    Models weighed by the discovery keep their own evidence, moved by the change of prior; others
    enter through the linearised regression.  The answer is labelled provisional.  Its bands are
    simulated when they are first asked for, each trajectory's by itself.

    Parameters
    ----------
    discovery : Discovery
        As `discover` returned it: pass the original each time, not a reconsidered one.
    knowledge : Knowledge, optional
    slab_width, complexity : float, optional
        As in `Settings`.
    prior_log_odds : float
        Added to the log-odds of every column: positive asks for richer models.
    seed : int, optional
    executor : Executor, optional
        Shares out the simulation of draws.

    Returns
    -------
    Discovery

    Raises
    ------
    UserError
        The knowledge contradicts itself or does not fit the library.
    """
    began = time.perf_counter()
    settings = replace(
        discovery.settings,
        slab_width=slab_width if slab_width is not None else discovery.settings.slab_width,
        complexity=complexity if complexity is not None else discovery.settings.complexity,
    )
    knowledge = knowledge if knowledge is not None else discovery.knowledge
    prior = _prior_of(discovery, knowledge, settings.complexity)
    prior = prior._replace(log_odds=prior.log_odds + prior_log_odds)
    precision = discovery.slab * (discovery.settings.slab_width / settings.slab_width) ** 2
    seed = discovery.seed if seed is None else seed
    with one_blas_thread():
        supports = select(
            discovery.gram,
            precision,
            prior._replace(excluded=prior.excluded | _other_refined(discovery)),
            discovery.best.columns,
            freedom=SCALE_FREEDOM,
            n_steps=INTERACTIVE_STEPS,
            seed=seed,
            keep=KEPT_MODELS,
            from_nothing=False,
        )
        models = _merge(discovery, supports.columns, supports.log_posterior, precision, prior)
        posterior = _draw(discovery, models, prior, settings.draws, seed)
    best = models[0]
    point = simulate_point(
        discovery, best.columns, best.coefficients, best.sd, best.initial, best.local
    )
    bands = BandsOnDemand(
        discovery.problem,
        posterior,
        best,
        discovery.noise,
        discovery.settings.horizon,
        executor,
    )
    return replace(
        discovery,
        knowledge=knowledge,
        settings=settings,
        status="provisional",
        models=models,
        inclusion=inclusion_of(models, discovery.problem.n_column),
        families=with_probabilities(discovery.families, models),
        classes=(),
        prior_verdicts=still_claimed(discovery.prior_verdicts, discovery.knowledge, knowledge),
        reliability=reliability_of(
            discovery.problem, prior, [(m.columns, m.coefficients, m.evidence) for m in models]
        ),
        posterior=posterior,
        bands=bands,
        r_squared=point.r_squared,
        fitted=point.fitted,
        residuals=point.residuals,
        seconds=time.perf_counter() - began,
    )


def _prior_of(discovery: Discovery, knowledge: Knowledge, complexity: float) -> ColumnPrior:
    """Prior of the discovery's library under other knowledge.

    Raises
    ------
    UserError
        What is known of the dynamics differs from what was fitted.
    """
    old = discovery.problem.prior
    prior = column_prior(discovery.library, knowledge, complexity, discovery.problem.study)
    if discovery.reliability is not None:
        prior = prior.trusting(discovery.reliability.mean)
    same = np.array_equal(prior.held, old.held)
    same = same and np.array_equal(prior.lower[old.held], old.lower[old.held])
    if not same or knowledge.conserved != discovery.knowledge.conserved:
        raise UserError(
            "Known parts of the equations and conserved totals change what is simulated.",
            mend="Fit again.",
        )
    return prior


def _other_refined(discovery: Discovery) -> NDArray[np.bool_]:
    """Refined terms of models other than the best.

    They are its own under slightly different constants: as candidates of a new search they would
    multiply the prior odds of one mechanism.
    """
    out = np.zeros(discovery.problem.n_column, bool)
    out[[s.column for m in discovery.models for s in m.shapes]] = True
    out[discovery.best.columns] = False
    return out


def _log_prior(prior: ColumnPrior, precision: Array, model: RankedModel, problem: Problem) -> float:
    """What of a model's evidence a change of prior moves: odds, size, slab, edges, signs."""
    slab = log_slab(precision[model.columns], model.coefficients)
    return log_model_prior(problem, prior, model.columns, model.coefficients) + slab


def _edges_as_a_whole(prior: ColumnPrior, columns: Columns) -> float:
    """What a search column by column lacks of a support's prior."""
    if prior.table is None:
        return 0.0
    return prior.table.log_prior(columns) - float(prior.spread[columns].sum())


def _merge(
    discovery: Discovery,
    columns: tuple[Columns, ...],
    log_posterior: Array,
    precision: Array,
    prior: ColumnPrior,
) -> tuple[RankedModel, ...]:
    """Weighed models with their evidence moved to the new prior, and the regression's others."""
    old_prior = discovery.problem.prior
    evidence: dict[bytes, float] = {}
    known: dict[bytes, RankedModel] = {}
    for model in discovery.models:
        key = model.columns.tobytes()
        if prior.excluded[model.columns].any() or not _obeys(model, prior):
            continue
        if prior.required[model.columns].sum() < prior.required.sum():
            continue
        known[key] = model
        evidence[key] = (
            model.evidence
            + _log_prior(prior, precision, model, discovery.problem)
            - _log_prior(old_prior, discovery.slab, model, discovery.problem)
        )
    met = {
        c.tobytes(): (c, v + _edges_as_a_whole(prior, c))
        for c, v in zip(columns, log_posterior, strict=True)
    }
    common = [key for key in met if key in evidence]
    # Both scales agree up to a constant: fix it at the best model that has both.
    shift = evidence[common[0]] - met[common[0]][1] if common else 0.0
    if not common:
        evidence, known = {}, {}
    for key, (_, value) in met.items():
        evidence.setdefault(key, value + shift)
    order = sorted(evidence, key=lambda key: -evidence[key])[:KEPT_MODELS]
    # What no draw will come from need not be solved for.
    order = [key for key in order if evidence[key] > evidence[order[0]] - NEGLIGIBLE]
    weight = probabilities([evidence[key] for key in order])
    new = [met[key][0] for key in order if key not in known]
    given = iter(_conditionals(discovery, new, precision, prior))
    bounds = (prior.lower, prior.upper)
    models = []
    for key, p in zip(order, weight, strict=True):
        if key in known:
            models.append(replace(known[key], probability=float(p), evidence=evidence[key]))
            continue
        own, (mean, covariance) = met[key][0], next(given)
        initial, local = local_given(discovery, own, mean)
        model = make_ranked(
            discovery.problem, own, float(p), evidence[key], mean, covariance, initial, bounds
        )
        models.append(replace(model, local=local))
    return tuple(models)


def _conditionals(
    discovery: Discovery, supports: list[Columns], precision: Array, prior: ColumnPrior
) -> list[tuple[Array, Array]]:
    """Posterior mean (k,) within the bounds and covariance (k, k) of each support."""
    gram, out = discovery.gram, []
    for own in supports:
        matrix = gram.matrix[np.ix_(own, own)]
        matrix[np.diag_indices(own.size)] += precision[own]
        mean, covariance = solve_and_invert(matrix, gram.vector[own])
        mean = np.clip(mean, prior.lower[own], prior.upper[own])
        out.append((mean, without_known(prior, own, covariance)))
    return out


def _obeys(model: RankedModel, prior: ColumnPrior) -> bool:
    """Whether the coefficients of a model lie within the bounds."""
    lower, upper = prior.lower[model.columns], prior.upper[model.columns]
    return bool(((model.coefficients >= lower) & (model.coefficients <= upper)).all())


def _draw(
    discovery: Discovery,
    models: tuple[RankedModel, ...],
    prior: ColumnPrior,
    n: int,
    seed: int,
) -> Posterior:
    """Draws from the mixture of the models, what is local from the linearised regression."""
    problem, gram, rng = discovery.problem, discovery.gram, np.random.default_rng(seed + 1000)
    constants = empty_constants(problem, models, n)
    coefficients = np.zeros((n, problem.n_column))
    d, varying = problem.n_state, discovery.varying
    n_effect = len(varying.effects) if varying else 0
    initial = np.zeros((n, *gram.initial_offset.shape))
    effects, moved = np.zeros((n, n_effect)), np.zeros((n, problem.n_column))
    noise = np.zeros_like(initial)
    row = 0
    for model, count in zip(models, shares([m.probability for m in models], n), strict=True):
        if count == 0:
            continue
        part, own = slice(row, row + count), model.columns
        row += count
        bounds = (prior.lower[own], prior.upper[own])
        draws, away, stretch = draw_model(problem, model, bounds, count, rng, quick_root)
        coefficients[part, own] = draws
        if constants is not None:
            set_constants(constants, part, model, away[:, own.size :])
        moved[part, own] = away[:, : own.size]
        noise[part] = rng.standard_normal(noise[part].shape) * stretch[:, None, None]
        centre = model.initial
        if model.local is not None:
            centre = np.hstack([centre, model.local.deviation])
            effects[part] = model.local.effects
            if model.joint_covariance is not None:
                effects[part] += away[:, away.shape[1] - n_effect :]
        initial[part] = centre
    slope = gram.initial_slope.reshape(-1, problem.n_column)
    roots = symmetric_root(inverse_scaled(gram.initial_hessian))
    initial += np.swapaxes(np.swapaxes(noise, 0, 1) @ np.swapaxes(roots, 1, 2), 0, 1)
    initial -= (moved @ slope.T).reshape(initial.shape)
    states = keep_sign(problem, initial[:, :, :d])
    local = varying.draws(initial[:, :, d:], effects) if varying else None
    return Posterior(coefficients, states, constants, local)

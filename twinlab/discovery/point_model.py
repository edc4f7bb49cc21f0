"""One model simulated for itself: a rank that is looked at, or terms that were picked by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bands import DRAW_TOLERANCE, make_lots, simulate
from .known import with_known, without_known
from .posterior import (
    goodness,
    keep_sign,
    standardised_residuals,
)
from .result import Discovery, Gram
from .steps import (
    conditional,
    inverse_scaled,
)
from .varying import LocalEstimates

Array = NDArray[np.float64]
Columns = NDArray[np.int64]


@dataclass(frozen=True)
class PointModel:
    """One support with its conditional posterior mean, simulated.

    Attributes
    ----------
    columns : (k,) int array
    coefficients, sd : (k,) arrays
    initial : (n_trajectory, n_state) array
    trajectories : tuple of (n_fine, n_observable) arrays
        On the times of the discovery's bands.
    fitted : tuple of (n_time, n_observable) arrays
        At the measured times.
    residuals : tuple of (n_time, n_observable) arrays
        Standardised.
    r_squared : (n_trajectory, n_observable) array
    diverged : bool
        Whether some trajectory could not be simulated to its end.
    """

    columns: Columns
    coefficients: Array
    sd: Array
    initial: Array
    trajectories: tuple[Array, ...]
    fitted: tuple[Array, ...]
    residuals: tuple[Array, ...]
    r_squared: Array
    diverged: bool


def initial_given(gram: Gram, columns: Columns, coefficients: Array) -> Array:
    """Mean of what is local given coefficients (..., k): (..., n_trajectory, n_local)."""
    full = np.zeros((*coefficients.shape[:-1], gram.vector.size))
    full[..., columns] = coefficients
    shape = gram.initial_offset.shape
    moved = full @ gram.initial_slope.reshape(-1, gram.vector.size).T
    return gram.initial_offset - moved.reshape(*full.shape[:-1], *shape)


def choose_columns(discovery: Discovery, columns: Columns | list[int]) -> PointModel:
    """The model with just these terms, conditional on the discovery's regression.

    Parameters
    ----------
    discovery : Discovery
    columns : int array
        Library columns to keep.

    Returns
    -------
    PointModel
    """
    prior = discovery.problem.prior
    known = np.nonzero(prior.held)[0]
    columns = np.union1d(np.asarray(columns, np.int64), known).astype(np.int64)
    ranked = next((m for m in discovery.models if np.array_equal(m.columns, columns)), None)
    if ranked is not None:
        mean, sd, initial, local = ranked.coefficients, ranked.sd, ranked.initial, ranked.local
    else:
        mean, matrix = conditional(discovery.gram, discovery.slab, columns)
        mean = with_known(prior, columns, mean)
        covariance = without_known(prior, columns, inverse_scaled(matrix))
        sd = np.sqrt(np.diag(covariance)) if columns.size else np.zeros(0)
        initial, local = local_given(discovery, columns, mean)
    return simulate_point(discovery, columns, mean, sd, initial, local)


def local_given(
    discovery: Discovery, columns: Columns, coefficients: Array
) -> tuple[Array, LocalEstimates | None]:
    """Initial states and deviations of a model by the discovery's regression."""
    problem, gram, varying = discovery.problem, discovery.gram, discovery.varying
    local, d = initial_given(gram, columns, coefficients), problem.n_state
    initial = keep_sign(problem, local[:, :d])
    if varying is None or discovery.best.local is None:
        return initial, None
    best, deviation = discovery.best.local, np.ascontiguousarray(local[:, d:])
    variance = np.einsum("rii->ri", inverse_scaled(gram.initial_hessian))[:, d:]
    return initial, LocalEstimates(
        deviation,
        np.sqrt(variance),
        best.effects,
        best.effects_sd,
        varying.factor(columns, deviation, best.effects),
    )


def simulate_point(
    discovery: Discovery,
    columns: Columns,
    mean: Array,
    sd: Array,
    initial: Array,
    local: LocalEstimates | None,
) -> PointModel:
    """Simulate one model on the bands' times and judge it at the measured ones."""
    problem = discovery.problem
    full = np.zeros(problem.n_column)
    lines, fitted = [], np.full(problem.value.shape, np.nan)
    for r, band in enumerate(discovery.bands):
        if r == 0 or local is not None:
            full[columns] = mean if local is None else mean * local.factor[r]
            lots = make_lots(problem, full[None])
        x, _ = simulate(problem, r, band.time, lots, initial[r][None], relative=DRAW_TOLERANCE)
        line = problem.observe(x[0])
        lines.append(line)
        fitted[problem.rows(r)] = line[np.searchsorted(band.time, problem.times(r))]
    return PointModel(
        columns,
        mean,
        sd,
        initial,
        tuple(lines),
        tuple(fitted[problem.rows(r)] for r in range(problem.n_trajectory)),
        standardised_residuals(problem, discovery.noise, fitted),
        goodness(problem, fitted),
        not all(np.isfinite(line).all() for line in lines),
    )

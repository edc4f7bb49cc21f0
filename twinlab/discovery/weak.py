"""Weak-form regression on the smooth: a start for the coefficients and a scale for the slab.

Multiply ``dx/dt = sum w theta`` by a test function that vanishes at both ends and integrate by
parts: ``-int phi' x = sum w int phi theta`` (Messenger and Bortz 2021, Weak SINDy, eq. 2.4).  The
derivative of the data is never taken.  Doses are known: what they give is taken from ``x`` on the
left side, which leaves it continuous.

A state that is measured on the log scale may span decades, of which the lower ones are nothing
beside the highest: its equation is taken as ``d log x/dt = sum w theta/x``, unless it is dosed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from twinlab.library import Library

from .problem import Problem
from .smoothing import Smooth

Array = NDArray[np.float64]

RADII = (0.1, 0.17, 0.28)
STEEPNESS = 9.0
MAX_TEST_FUNCTIONS = 40
RIDGE = 1e-3
#: A column whose squares are below this share of the largest column's is zero throughout.
ZERO = 1e-60
#: Trajectories whose terms are evaluated by one call.
TOGETHER = 32


@dataclass(frozen=True)
class WeakStart:
    """Start of the continuation.

    Attributes
    ----------
    coefficients : (n_column,) array
        Ridge solution of the weak regression over the allowed columns.
    magnitude : (n_column,) array
        Size of the coefficient that alone would explain all of its equations' change.
    """

    coefficients: Array
    magnitude: Array


def test_functions(grid: Array, n_most: int) -> tuple[Array, Array]:
    """Orthonormal bumps on a regular grid, and their derivatives.

    C-infinity bumps ``exp(-eta (1/(1 - u^2) - 1))`` at half-overlapping centres in three widths,
    reduced by singular value decomposition to at most `n_most`.

    Parameters
    ----------
    grid : (n_grid,) array
    n_most : int

    Returns
    -------
    phi, dphi : (n_function, n_grid) arrays
        Quadrature weights included; not to be written to, trajectories of one grid share them.
    """
    return _test_functions(grid.tobytes(), n_most)


@lru_cache(maxsize=64)
def _test_functions(times: bytes, n_most: int) -> tuple[Array, Array]:
    grid = np.frombuffer(times)
    span, step = grid[-1] - grid[0], grid[1] - grid[0]
    bumps, slopes = [], []
    for radius in RADII:
        half = radius * span
        for centre in np.arange(grid[0] + half, grid[-1] - half + 1e-9 * span, 0.5 * half):
            u = (grid - centre) / half
            inside = np.abs(u) < 1 - 1e-9
            gap = np.where(inside, 1 - u**2, 1.0)
            bump = np.where(inside, np.exp(-STEEPNESS * (1 / gap - 1)), 0.0)
            slope = bump * (-STEEPNESS * 2 * u / gap**2) / half
            norm = np.sqrt((bump**2).sum() * step)
            bumps.append(bump / norm)
            slopes.append(slope / norm)
    u, s, _ = np.linalg.svd(np.array(bumps), full_matrices=False)
    n = min(n_most, int((s > 1e-3 * s[0]).sum()))
    mix = (u[:, :n] / s[:n]).T * np.sqrt(step)
    return mix @ np.array(bumps), mix @ np.array(slopes)


def weak_start(problem: Problem, smooth: Smooth) -> WeakStart:
    """Weak-form Gram of all columns, its ridge solution and the slab's magnitudes.

    Parameters
    ----------
    problem : Problem
    smooth : Smooth

    Returns
    -------
    WeakStart
    """
    n_term = problem.terms.factor_count.size
    relative = relative_states(problem)
    kinds = [-1, *relative]
    gram_terms = {kind: np.zeros((n_term, n_term)) for kind in kinds}
    vector_terms = np.zeros((n_term, problem.n_state))
    change = np.zeros(problem.n_state)
    for r, on_grid in enumerate(terms_on_grids(problem, problem.library, smooth)):
        grid = problem.grid(r)
        phi, dphi = test_functions(grid, max(3, min(MAX_TEST_FUNCTIONS, problem.times(r).size - 1)))
        b = -dphi @ left_side(problem, smooth, r)
        change += (b**2).sum(axis=0)
        for kind in kinds:
            theta = phi @ (on_grid if kind < 0 else on_grid / smooth.mean[r][:, [kind]])
            gram_terms[kind] += theta.T @ theta
            own = [e for e in range(problem.n_state) if (e if e in relative else -1) == kind]
            vector_terms[:, own] += theta.T @ b[:, own]
    gram = np.zeros((problem.n_column, problem.n_column))
    vector, explained = np.zeros(problem.n_column), np.zeros(problem.n_column)
    for e in range(problem.n_state):
        own = problem.entries.state == e
        columns, terms = problem.entries.column[own], problem.entries.term[own]
        scale = 1.0 if e in relative else problem.scale[e]
        value, kind = problem.entries.value[own] / scale, e if e in relative else -1
        squares = gram_terms[kind][np.ix_(terms, terms)]
        gram[np.ix_(columns, columns)] += np.outer(value, value) * squares
        vector[columns] += value * vector_terms[terms, e] / scale
        explained[columns] += change[e] / scale**2
    diagonal, largest = np.diag(gram), max(float(np.diag(gram).max()), 1e-300)
    # Columns are in units of their own, which may lie many decades apart; zero is another matter.
    diagonal = np.where(diagonal > ZERO * largest, diagonal, 1e-12 * largest)
    unit = np.sqrt(diagonal)
    allowed = np.nonzero(~problem.prior.excluded)[0]
    matrix = (gram / np.outer(unit, unit))[np.ix_(allowed, allowed)]
    held = problem.prior.held
    if held.any():  # what is known is moved to the left-hand side
        vector = vector - gram[:, held] @ problem.prior.lower[held]
        allowed = np.nonzero(~problem.prior.excluded & ~held)[0]
        matrix = (gram / np.outer(unit, unit))[np.ix_(allowed, allowed)]
    coefficients = np.zeros(problem.n_column)
    coefficients[allowed] = (
        np.linalg.solve(matrix + RIDGE * np.eye(allowed.size), vector[allowed] / unit[allowed])
        / unit[allowed]
    )
    coefficients = np.clip(coefficients, problem.prior.lower, problem.prior.upper)
    return WeakStart(coefficients, np.sqrt(np.maximum(explained, 1e-300) / diagonal))


def relative_states(problem: Problem) -> list[int]:
    """States whose equation is regressed on the log scale."""
    schedule = problem.schedule
    dosed = np.any(np.concatenate([schedule.given, schedule.rate]), axis=0)
    n = problem.n_state
    return np.nonzero(problem.in_log[:n] & problem.seen[:n] & ~dosed)[0].tolist()


def left_side(problem: Problem, smooth: Smooth, r: int) -> Array:
    """What the weak form integrates against (n_grid, n_state): states less doses, or logarithms."""
    out, relative = smooth.continuous[r].copy(), relative_states(problem)
    out[:, relative] = np.log(smooth.mean[r][:, relative])
    return out


def grid_values(problem: Problem, smooth: Smooth, r: int) -> dict[str, Array]:
    """Smooths of the states and the inputs (n_grid,) on the grid of one trajectory."""
    library = problem.library
    values = {name: smooth.mean[r][:, e] for e, name in enumerate(library.states)}
    inputs = problem.schedule.inputs_at(r, problem.grid(r))
    return values | dict(zip(library.inputs, inputs.T, strict=True))


def terms_on_grids(problem: Problem, library: Library, smooth: Smooth) -> Iterator[Array]:
    """Terms (n_grid, n_term) on the smooth of one trajectory after the other.

    A term undefined somewhere counts as zero there.
    """
    for first in range(0, problem.n_trajectory, TOGETHER):
        some = range(first, min(first + TOGETHER, problem.n_trajectory))
        own = [grid_values(problem, smooth, r) for r in some]
        values = {name: np.stack([v[name] for v in own]) for name in own[0]}
        shape = (len(own), problem.n_cell + 1)
        with np.errstate(all="ignore"):
            columns = [np.broadcast_to(t.evaluate(values), shape) for t in library.terms]
        yield from np.nan_to_num(np.stack(columns, axis=2), nan=0.0, posinf=0.0, neginf=0.0)

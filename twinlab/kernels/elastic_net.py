"""Elastic-net path on a Gram matrix by coordinate descent, with a duality-gap certificate.

The problem, for symmetric positive semi-definite ``G = X'X``, ``g = X'y`` and ``yy = y'y``, is

    minimise P(w) = 1/2 w'Gw - g'w + sum_j phi_j(w_j),      lower <= w <= upper,
    phi_j(u) = a_j |u| + b_j u^2 / 2,  a_j = lambda r f_j,  b_j = lambda (1 - r) f_j,

with ``r`` the l1 ratio and ``f`` the penalty factors (Friedman, Hastie and Tibshirani 2010,
eq. 1 and section 2.6, without their division by n).

References
----------
Friedman, Hastie, Tibshirani (2010), J. Stat. Softw. 33(1): coordinate descent, warm starts.
Tibshirani et al. (2012), J. R. Stat. Soc. B 74, 245: sequential strong rule, eq. 7 (screening).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compiled import jit
from .elastic_net_gap import Terms, duality_gap
from .elastic_net_newton import Support, add_multiple, empty_support
from .elastic_net_solver import solve_set, would_move

Array = NDArray[np.float64]

# Radius of an unpenalised coefficient in the certificate: this times |w_j| + sqrt(yy / G_jj).
_FREE_RADIUS = 10.0


class WorkingSet(NamedTuple):
    """The columns that are worked on, in the order in which they came in.

    Attributes
    ----------
    column : (n,) int array
        Column at each place.
    place : (n_column,) int array
        Place of each column, -1 outside the set.
    matrix : (n, n) array
        Gram matrix of the set; the leading block is in use, likewise below.
    w, v, vector : (n,) arrays
        Coefficients, gradient, ``g``.
    terms : Terms
    support : Support
    """

    column: NDArray[np.int64]
    place: NDArray[np.int64]
    matrix: Array
    w: Array
    v: Array
    vector: Array
    terms: Terms
    support: Support


def empty_working_set(n_column: int, room: int) -> WorkingSet:
    """Room for `room` of `n_column` columns, none of them in the set."""
    return WorkingSet(
        np.zeros(room, np.int64),
        np.full(n_column, -1),
        np.empty((room, room)),
        np.zeros(room),
        np.zeros(room),
        np.zeros(room),
        Terms(*np.zeros((5, room))),
        empty_support(room),
    )


@jit
def set_penalty(penalty, l1_ratio, factor, diagonal, yy, w, terms):
    """Fill the l1 and ridge weights, and the radii of the certificate, for one penalty."""
    for j in range(w.size):
        terms.l1[j] = penalty * l1_ratio * factor[j]
        terms.ridge[j] = penalty * (1.0 - l1_ratio) * factor[j]
        if diagonal[j] > 0.0:
            terms.radius[j] = _FREE_RADIUS * (abs(w[j]) + np.sqrt(yy / diagonal[j]))


@jit
def newcomers(threshold, factor, diagonal, w, v, terms, place, out):
    """List in `out` the columns that should enter the set; returns how many.

    Those whose gradient is at least ``threshold * factor`` (strong rule; a negative threshold
    turns it off), and those that coordinate descent would move.
    """
    l1, ridge, lower, upper, _ = terms
    count = 0
    for j in range(w.size):
        if place[j] >= 0 or not lower[j] < upper[j]:
            continue
        strong = threshold >= 0.0 and abs(v[j]) >= threshold * factor[j]
        if strong or would_move(v[j], diagonal[j], l1[j], ridge[j], lower[j], upper[j], w[j]):
            out[count] = j
            count += 1
    return count


@jit
def solve_working_set(size, w, v, vector, yy, terms, working, target, max_sweeps):
    """Solve on the set, from and to the full vectors; returns the sweeps used."""
    for p in range(size):
        j = working.column[p]
        working.w[p], working.v[p], working.vector[p] = w[j], v[j], vector[j]
        for part, whole in zip(working.terms, terms):
            part[p] = whole[j]
    sweeps = solve_set(
        working.matrix,
        working.w,
        working.v,
        working.vector,
        yy,
        working.terms,
        size,
        working.support,
        target,
        max_sweeps,
    )
    for p in range(size):
        w[working.column[p]] = working.w[p]
    return sweeps


@jit
def _path(
    gram, vector, yy, penalties, l1_ratio, factor, tolerance, max_sweeps,
    diagonal, w, v, terms, working, coefficients, gap, sweeps,
):  # fmt: skip
    """Fill `coefficients`, `gap` and `sweeps`; everything after `max_sweeps` is work space."""
    # A bare 0 is a type of its own to numba: all that takes the size would be compiled twice.
    size, target = np.int64(0), tolerance * yy
    entering = np.empty(w.size, np.int64)
    _gradient(gram, vector, w, v, size, working)
    previous = penalties[0] if penalties.size else 0.0
    for step in range(penalties.size):
        penalty = penalties[step]
        set_penalty(penalty, l1_ratio, factor, diagonal, yy, w, terms)
        # Sequential strong rule: gradients change by at most the change of the penalty, mostly;
        # what it misses the solver finds.
        threshold = max(2.0 * penalty - previous, 0.0) * l1_ratio
        previous, inner = penalty, 0.5 * target
        while True:
            count = newcomers(threshold, factor, diagonal, w, v, terms, working.place, entering)
            for q in range(count):
                size = _join(gram, entering[q], size, working)
            gap[step] = duality_gap(w, v, vector, yy, terms)
            if gap[step] <= target or sweeps[step] >= max_sweeps:
                break
            if threshold < 0.0 and count == 0:
                inner *= 0.1
            sweeps[step] += solve_working_set(
                size, w, v, vector, yy, terms, working, inner, max_sweeps - sweeps[step]
            )
            _gradient(gram, vector, w, v, size, working)
            threshold = -1.0
        for j in range(w.size):
            coefficients[step, j] = w[j]


@jit
def _gradient(gram, vector, w, v, size, working):
    """Compute v = vector - gram w: taken from the set inside it, afresh outside."""
    outside = w.size - size
    if outside < size:
        for j in range(w.size):
            place = working.place[j]
            if place >= 0:
                v[j] = working.v[place]
                continue
            row, total = gram[j], 0.0
            for i in range(w.size):
                total += row[i] * w[i]
            v[j] = vector[j] - total
        return
    for i in range(v.size):  # a slice assignment would add 4 s to the cold compilation
        v[i] = vector[i]
    for j in range(w.size):
        if w[j] != 0.0:
            add_multiple(-w[j], gram[j], v, v.size)


@jit
def _join(gram, j, size, working):
    """Append column `j` to the set; returns its new size."""
    working.column[size], working.place[j] = j, size
    row = gram[j]
    for p in range(size + 1):
        value = row[working.column[p]]
        working.matrix[size, p] = value
        working.matrix[p, size] = value
    return size + 1


def elastic_net_path(
    gram: Array,
    vector: Array,
    yy: float,
    penalties: Array,
    l1_ratio: float,
    penalty_factor: Array,
    lower: Array,
    upper: Array,
    tolerance: float,
    max_sweeps: int,
) -> tuple[Array, Array, NDArray[np.int64]]:
    """Elastic-net solutions for a descending sequence of penalties.

    Minimises ``1/2 w'Gw - g'w + lambda (l1_ratio sum f|w| + (1 - l1_ratio)/2 sum f w^2)`` with
    ``lower <= w <= upper`` at each penalty, each started from the solution before it.

    Parameters
    ----------
    gram : (n_column, n_column) float64 array
        Symmetric positive semi-definite ``G``; may be singular.  C-contiguous.
    vector : (n_column,) float64 array
        ``g``.
    yy : float
        Squared norm of the response; the unit of `tolerance`.
    penalties : (n_penalty,) float64 array
        ``lambda``, best descending.
    l1_ratio : float
        1 is the lasso, 0 is ridge.
    penalty_factor : (n_column,) float64 array
        ``f >= 0``; 0 leaves a column unpenalised.
    lower, upper : (n_column,) float64 arrays
        Bounds, -inf and inf where there are none; equal bounds fix a coefficient.
    tolerance : float
        Stop when the duality gap is at most ``tolerance * yy``.
    max_sweeps : int
        Cap on passes over the working set at each penalty.

    Returns
    -------
    coefficients : (n_penalty, n_column) float64 array
    gap : (n_penalty,) float64 array
        Duality gap reached, in the unit of ``yy``; above ``tolerance * yy`` means not converged.
    sweeps : (n_penalty,) int64 array
        Passes used; `max_sweeps` where the cap was met.

    Notes
    -----
    Columns with a zero diagonal keep the coefficient nearest to zero that their bounds allow.
    Formulas and sources are in the text of this module and of the two beside it
    (`elastic_net_solver`, `elastic_net_gap`).
    """
    n_column, n_penalty = vector.size, len(penalties)
    diagonal = np.diagonal(gram).copy()
    w, terms = start_point(diagonal, lower, upper)
    coefficients, gap = np.zeros((n_penalty, n_column)), np.zeros(n_penalty)
    sweeps = np.zeros(n_penalty, np.int64)
    _path(
        gram, vector, float(yy), penalties, float(l1_ratio), penalty_factor, float(tolerance),
        int(max_sweeps), diagonal, w, np.zeros(n_column), terms,
        empty_working_set(n_column, n_column), coefficients, gap, sweeps,
    )  # fmt: skip
    return coefficients, gap, sweeps


def start_point(diagonal: Array, lower: Array, upper: Array) -> tuple[Array, Terms]:
    """Coefficients nearest to zero, and the terms with columns of no length held there."""
    w = np.clip(np.zeros(diagonal.size), lower, upper)
    moves = diagonal > 0.0
    zeros = np.zeros((3, diagonal.size))
    low, high = np.where(moves, lower, w), np.where(moves, upper, w)
    return w, Terms(zeros[0], zeros[1], low, high, zeros[2])


def standardised_path(
    gram: Array,
    vector: Array,
    yy: float,
    n_penalties: int = 60,
    ratio: float = 1e-4,
    l1_ratio: float = 0.95,
    excluded: NDArray[np.bool_] | None = None,
    *,
    required: NDArray[np.bool_] | None = None,
    sign: NDArray[np.int64] | None = None,
    tolerance: float = 1e-6,
    max_sweeps: int = 2000,
) -> tuple[Array, Array]:
    """Elastic-net path with columns scaled to a unit diagonal, in the original units.

    Parameters
    ----------
    gram : (n_column, n_column) array
    vector : (n_column,) array
    yy : float
    n_penalties : int
        Penalties, in geometric progression from the smallest with an empty model.
    ratio : float
        Last penalty over the first.
    l1_ratio : float
        In (0, 1].
    excluded : (n_column,) bool array, optional
        Columns held at zero.
    required : (n_column,) bool array, optional
        Columns left unpenalised.
    sign : (n_column,) int array, optional
        -1 or 1 restricts the sign of a coefficient, 0 does not.
    tolerance : float
        Relative duality gap of `elastic_net_path`.
    max_sweeps : int
        Cap of `elastic_net_path` at each penalty.

    Returns
    -------
    penalty : (n_penalties,) array
        Descending, as a fraction of the smallest penalty with an empty model; starts at 1.
    coefficients : (n_penalties, n_column) array
        In the units of `gram` and `vector` (not standardised).

    Raises
    ------
    ValueError
        If `l1_ratio` is outside (0, 1] or `ratio` outside (0, 1).
    """
    if not 0.0 < l1_ratio <= 1.0:
        raise ValueError("l1_ratio must be above 0 and at most 1: ridge has no empty model")
    if not 0.0 < ratio < 1.0:
        raise ValueError("ratio must lie between 0 and 1")
    n_column = vector.size
    diagonal = np.sqrt(np.maximum(np.diag(gram), 0.0))
    usable = diagonal > 0.0
    if excluded is not None:
        usable &= ~np.asarray(excluded, bool)
    unscale = np.where(usable, 1.0 / np.where(diagonal > 0.0, diagonal, 1.0), 0.0)
    scaled = np.ascontiguousarray(gram * unscale[:, None] * unscale[None, :])
    target = np.ascontiguousarray(vector * unscale)
    factor = np.ones(n_column) if required is None else np.where(required, 0.0, 1.0)
    signs = np.zeros(n_column, np.int64) if sign is None else np.asarray(sign)
    lower = np.where(usable & (signs <= 0), -np.inf, 0.0)
    upper = np.where(usable & (signs >= 0), np.inf, 0.0)
    penalty = np.geomspace(1.0, ratio, n_penalties)
    largest = _smallest_empty_penalty(
        scaled, target, yy, factor, lower, upper, tolerance, max_sweeps
    )
    coefficients, _, _ = elastic_net_path(
        scaled, target, float(yy), penalty * largest / l1_ratio, float(l1_ratio), factor,
        lower, upper, float(tolerance), int(max_sweeps),
    )  # fmt: skip
    return penalty, coefficients * unscale


def _smallest_empty_penalty(
    gram: Array,
    vector: Array,
    yy: float,
    factor: Array,
    lower: Array,
    upper: Array,
    tolerance: float,
    max_sweeps: int,
) -> float:
    """Smallest l1 penalty at which every penalised coefficient is zero."""
    gradient = vector
    if np.any((factor == 0.0) & (lower < upper)):
        held = factor > 0.0
        coefficients, _, _ = elastic_net_path(
            gram, vector, float(yy), np.zeros(1), 1.0, factor, np.where(held, 0.0, lower),
            np.where(held, 0.0, upper), float(tolerance) * 1e-3, int(max_sweeps),
        )  # fmt: skip
        gradient = vector - gram @ coefficients[0]
    pull = np.maximum(np.where(upper > 0.0, gradient, 0.0), np.where(lower < 0.0, -gradient, 0.0))
    return float(np.max(pull[factor > 0.0], initial=0.0))

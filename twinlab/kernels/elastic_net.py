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

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .elastic_net_gap import Terms
from .elastic_net_solver import gradient, solve_penalty

Array = NDArray[np.float64]

# Radius of an unpenalised coefficient in the certificate: this times |w_j| + sqrt(yy / G_jj).
_FREE_RADIUS = 10.0


@njit(cache=True, nogil=True)
def elastic_net_path(
    gram, vector, yy, penalties, l1_ratio, penalty_factor, lower, upper, tolerance, max_sweeps
):
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
    n_column, n_penalty = vector.size, penalties.size
    coefficients = np.zeros((n_penalty, n_column))
    gap = np.zeros(n_penalty)
    sweeps = np.zeros(n_penalty, np.int64)
    w, v = np.zeros(n_column), np.zeros(n_column)
    l1, ridge = np.zeros(n_column), np.zeros(n_column)
    low, high, radius = np.zeros(n_column), np.zeros(n_column), np.zeros(n_column)
    working = np.zeros(n_column, np.bool_)
    for j in range(n_column):
        w[j] = min(max(0.0, lower[j]), upper[j])
        fixed = not gram[j, j] > 0.0
        low[j] = w[j] if fixed else lower[j]
        high[j] = w[j] if fixed else upper[j]
    terms = Terms(l1, ridge, low, high, radius)
    previous = penalties[0] if n_penalty else 0.0
    for step in range(n_penalty):
        penalty = penalties[step]
        gradient(gram, vector, w, v)
        # Sequential strong rule: gradients change by at most the change of the penalty, mostly;
        # what it misses the solver finds.
        threshold = max(2.0 * penalty - previous, 0.0) * l1_ratio
        for j in range(n_column):
            l1[j] = penalty * l1_ratio * penalty_factor[j]
            ridge[j] = penalty * (1.0 - l1_ratio) * penalty_factor[j]
            strong = low[j] < high[j] and abs(v[j]) >= threshold * penalty_factor[j]
            working[j] = w[j] != 0.0 or strong
            if gram[j, j] > 0.0:
                radius[j] = _FREE_RADIUS * (abs(w[j]) + np.sqrt(yy / gram[j, j]))
        gap[step], sweeps[step] = solve_penalty(
            gram, vector, yy, w, v, terms, working, tolerance * yy, max_sweeps
        )
        for j in range(n_column):
            coefficients[step, j] = w[j]
        previous = penalty
    return coefficients, gap, sweeps


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

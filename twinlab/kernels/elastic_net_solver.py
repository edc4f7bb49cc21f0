"""Elastic net at one penalty: coordinate descent on a working set of a Gram matrix.

Notation of `twinlab.kernels.elastic_net`.  The gradient ``v = g - Gw`` is kept up to date, so that
looking at a coordinate costs O(1) and changing it O(size of the working set).  Sweeps find the
support, Newton steps on it (`elastic_net_newton`) the coefficients.

References
----------
Friedman, Hastie, Tibshirani (2010), J. Stat. Softw. 33(1): covariance updates.
Massias, Gramfort, Salmon (2018), ICML, PMLR 80, 3315: working sets.
"""

from __future__ import annotations

from .compiled import jit
from .elastic_net_gap import Terms, duality_gap
from .elastic_net_newton import (
    INVERSE_LOST,
    MOVED,
    add_multiple,
    follow_support,
    forget,
    newton_step,
)

# Newton steps in a row, and sweeps in a row where they do not help.
_MOST_STEPS = 12
_MOST_SWEEPS = 16


@jit
def _minimum_1d(slope, curvature, l1, ridge, lower, upper):
    """Minimiser of curvature u^2/2 - slope u + l1 |u| + ridge u^2/2 on [lower, upper]."""
    if slope > l1:
        u = (slope - l1) / (curvature + ridge)
    elif slope < -l1:
        u = (slope + l1) / (curvature + ridge)
    else:
        u = 0.0
    return min(max(u, lower), upper)


@jit
def would_move(v, curvature, l1, ridge, lower, upper, w):
    """Whether coordinate descent would move a coordinate from `w`."""
    return _minimum_1d(v + curvature * w, curvature, l1, ridge, lower, upper) != w


@jit
def _sweep(gram, w, v, terms, size, still):
    """One pass of coordinate descent; `w` and the gradient `v` are updated in place.

    A coordinate off zero stays where its slope is at most `still`.
    """
    l1, ridge, lower, upper, _ = terms
    for j in range(size):
        if lower[j] >= upper[j]:
            continue
        curvature = gram[j, j]
        slope = v[j] + curvature * w[j]
        if w[j] == 0.0 and abs(slope) <= l1[j] and lower[j] <= 0.0 <= upper[j]:
            continue
        new = _minimum_1d(slope, curvature, l1[j], ridge[j], lower[j], upper[j])
        change = new - w[j]
        if abs(change) * (curvature + ridge[j]) > (still if w[j] != 0.0 and new != 0.0 else 0.0):
            w[j] = new
            add_multiple(-change, gram[j], v, size)


@jit
def solve_set(gram, w, v, vector, yy, terms, size, support, target, max_sweeps):
    """Solve on the first `size` coordinates until the gap is at most `target`.

    Parameters
    ----------
    gram : (n, n) array
        Leading block in use; likewise for all vectors.
    w, v : (n,) arrays
        Coefficients and gradient, updated in place.
    vector : (n,) array
    yy : float
    terms : Terms
    size : int
    support : Support
        Of the call before, over the same coordinates.
    target : float
    max_sweeps : int

    Returns
    -------
    int
        Sweeps used.
    """
    sweeps, batch = 0, 1
    part = Terms(
        terms.l1[:size], terms.ridge[:size], terms.lower[:size], terms.upper[:size],
        terms.radius[:size],
    )  # fmt: skip
    before, calm = -1.0, 0.1
    while sweeps < max_sweeps:
        for _ in range(_MOST_STEPS):
            follow_support(gram, w, terms, size, support)
            outcome = newton_step(gram, w, v, terms, size, support, calm * target)
            if outcome == INVERSE_LOST:
                forget(support)
            if outcome != MOVED:
                break
        total = 0.0
        for j in range(size):
            total += abs(w[j])
        still = calm * target / total if total > 0.0 else 0.0
        for _ in range(min(batch, max_sweeps - sweeps)):
            _sweep(gram, w, v, terms, size, still)
            sweeps += 1
        gap = duality_gap(w[:size], v[:size], vector[:size], yy, part)
        if gap <= target:
            break
        # columns that depend on others are left to the sweeps: more of them, then
        batch = min(2 * batch, _MOST_SWEEPS) if before >= 0.0 and gap > 0.5 * before else 1
        before = gap
        calm *= 0.1
    return sweeps

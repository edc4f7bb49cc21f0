"""Elastic net at one penalty: coordinate descent on a working set of a Gram matrix.

Notation of `twinlab.kernels.elastic_net`.  The gradient ``v = g - Gw`` is kept up to date, so that
looking at a coordinate costs O(1) and changing it O(size of the working set).  Where plain
coordinate descent is slow (correlated columns), feature-sign steps finish: the exact minimiser
with the present signs, by Cholesky, stopped at the first change of sign.

References
----------
Friedman, Hastie, Tibshirani (2010), J. Stat. Softw. 33(1): covariance updates.
Lee, Battle, Raina, Ng (2007), NIPS 19: feature-sign search.
Massias, Gramfort, Salmon (2018), ICML, PMLR 80, 3315: working sets.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .elastic_net_gap import Terms, duality_gap


@njit(cache=True, nogil=True)
def _minimum_1d(slope, curvature, l1, ridge, lower, upper):
    """Minimiser of curvature u^2/2 - slope u + l1 |u| + ridge u^2/2 on [lower, upper]."""
    if slope > l1:
        u = (slope - l1) / (curvature + ridge)
    elif slope < -l1:
        u = (slope + l1) / (curvature + ridge)
    else:
        u = 0.0
    return min(max(u, lower), upper)


@njit(cache=True, nogil=True)
def _sweep(gram, w, v, terms):
    """One pass of coordinate descent; `w` and the gradient `v` are updated in place."""
    l1, ridge, lower, upper, _ = terms
    for j in range(w.size):
        if lower[j] >= upper[j]:
            continue
        curvature = gram[j, j]
        new = _minimum_1d(v[j] + curvature * w[j], curvature, l1[j], ridge[j], lower[j], upper[j])
        change = new - w[j]
        if change != 0.0:
            w[j] = new
            row = gram[j]
            for i in range(v.size):
                v[i] -= change * row[i]


@njit(cache=True, nogil=True)
def _cholesky_solve(matrix, right):
    """Solve in place by an upper Cholesky factor; False where the matrix is singular."""
    k = right.size
    floor = 0.0
    for i in range(k):
        floor = max(floor, matrix[i, i])
    floor *= 1e-13
    for i in range(k):
        pivot = matrix[i, i]
        if not pivot > floor:
            return False
        inverse = 1.0 / np.sqrt(pivot)
        for c in range(i, k):
            matrix[i, c] *= inverse
        for r in range(i + 1, k):
            factor = matrix[i, r]
            if factor != 0.0:
                for c in range(r, k):
                    matrix[r, c] -= factor * matrix[i, c]
    for i in range(k):
        right[i] /= matrix[i, i]
        for c in range(i + 1, k):
            right[c] -= matrix[i, c] * right[i]
    for i in range(k - 1, -1, -1):
        for c in range(i + 1, k):
            right[i] -= matrix[i, c] * right[c]
        right[i] /= matrix[i, i]
    return True


@njit(cache=True, nogil=True)
def _free_support(w, terms):
    """Coordinates off zero (or unpenalised) and strictly inside their bounds."""
    l1, _, lower, upper, _ = terms
    free = np.empty(w.size, np.int64)
    k = 0
    for j in range(w.size):
        if (w[j] != 0.0 or l1[j] == 0.0) and lower[j] < w[j] < upper[j]:
            free[k] = j
            k += 1
    return free[:k]


@njit(cache=True, nogil=True)
def _signed_step(gram, w, v, terms):
    """Exact minimiser on the signed support, stopped where a sign or a bound is met.

    The objective is a convex quadratic on that segment, so that it cannot rise.
    """
    l1, ridge, lower, upper, _ = terms
    free = _free_support(w, terms)
    k = free.size
    matrix = np.empty((k, k))
    step = np.empty(k)
    for p in range(k):
        j = free[p]
        row = gram[j]
        for q in range(k):
            matrix[p, q] = row[free[q]]
        matrix[p, p] += ridge[j]
        step[p] = v[j] - l1[j] * np.sign(w[j]) - ridge[j] * w[j]
    if k == 0 or not _cholesky_solve(matrix, step):
        return
    length, stop, target = 1.0, -1, 0.0
    for p in range(k):
        j = free[p]
        if not np.isfinite(step[p]):
            return
        limit = upper[j] if step[p] > 0.0 else lower[j]
        if l1[j] > 0.0 and w[j] * step[p] < 0.0 and limit * w[j] <= 0.0:
            limit = 0.0
        if step[p] != 0.0 and (limit - w[j]) / step[p] < length:
            length, stop, target = (limit - w[j]) / step[p], p, limit
    for p in range(k):
        j = free[p]
        new = target if p == stop else w[j] + length * step[p]
        change = new - w[j]
        w[j] = new
        row = gram[j]
        for i in range(v.size):
            v[i] -= change * row[i]


@njit(cache=True, nogil=True)
def _solve_working_set(gram, w, v, vector, yy, terms, target, max_sweeps):
    """Sweep until the gap is at most `target` or the cap is met; returns the sweeps used."""
    sweeps, since, signed = 0, 0, False
    while sweeps < max_sweeps:
        if signed:
            _signed_step(gram, w, v, terms)
            since = 0
        else:
            for _ in range(min(4, max_sweeps - sweeps)):
                _sweep(gram, w, v, terms)
                sweeps += 1
                since += 1
        if duality_gap(w, v, vector, yy, terms) <= target:
            break
        # Try a factorisation once the sweeps have cost about as much.
        signed = not signed and 2 * since >= _free_support(w, terms).size
    return sweeps


@njit(cache=True, nogil=True)
def gradient(gram, vector, w, v):
    """Compute v = vector - gram w afresh (no drift), using the non-zero coefficients."""
    for i in range(v.size):  # a slice assignment would add 4 s to the cold compilation
        v[i] = vector[i]
    for j in range(w.size):
        if w[j] != 0.0:
            row = gram[j]
            for i in range(v.size):
                v[i] -= w[j] * row[i]


@njit(cache=True, nogil=True)
def _add_violators(gram, w, v, terms, working):
    """Put every coordinate that coordinate descent would move into the working set."""
    l1, ridge, lower, upper, _ = terms
    added = 0
    for j in range(w.size):
        if not working[j] and lower[j] < upper[j]:
            slope = v[j] + gram[j, j] * w[j]
            if _minimum_1d(slope, gram[j, j], l1[j], ridge[j], lower[j], upper[j]) != w[j]:
                working[j] = True
                added += 1
    return added


@njit(cache=True, nogil=True)
def _indices(mask):
    """Positions where `mask` is true."""
    index = np.empty(mask.size, np.int64)
    k = 0
    for j in range(mask.size):
        if mask[j]:
            index[k] = j
            k += 1
    return index[:k]


@njit(cache=True, nogil=True)
def _take(values, index):
    """Values at some positions, as a new contiguous array."""
    part = np.empty(index.size)
    for p in range(index.size):
        part[p] = values[index[p]]
    return part


@njit(cache=True, nogil=True)
def solve_penalty(gram, vector, yy, w, v, terms, working, target, max_sweeps):
    """Working-set loop at one penalty; returns the gap of the whole problem and the sweeps."""
    sweeps = 0
    inner = 0.5 * target
    while True:
        added = _add_violators(gram, w, v, terms, working)
        gap = duality_gap(w, v, vector, yy, terms)
        if gap <= target or sweeps >= max_sweeps:
            return gap, sweeps
        if sweeps > 0 and added == 0:
            inner *= 0.1
        index = _indices(working)
        part = np.empty((index.size, index.size))
        for p in range(index.size):
            row = gram[index[p]]
            for q in range(index.size):
                part[p, q] = row[index[q]]
        w_part = _take(w, index)
        terms_part = Terms(
            _take(terms.l1, index),
            _take(terms.ridge, index),
            _take(terms.lower, index),
            _take(terms.upper, index),
            _take(terms.radius, index),
        )
        v_part, vector_part = _take(v, index), _take(vector, index)
        sweeps += _solve_working_set(
            part, w_part, v_part, vector_part, yy, terms_part, inner, max_sweeps - sweeps
        )
        for p in range(index.size):
            w[index[p]] = w_part[p]
        gradient(gram, vector, w, v)

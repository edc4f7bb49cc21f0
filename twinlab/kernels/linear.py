"""Small dense linear algebra in place: numba compiles plain loops far faster than array code."""

from __future__ import annotations

import numpy as np

from .compiled import jit

#: Square matrices of this size and larger are multiplied by BLAS, whose call costs as much as
#: a smaller product.
WORTH_BLAS = 8


@jit
def copy_vector(source, out):
    """Copy by a loop: numba compiles it in a tenth of the time of ``out[:] = source``."""
    for i in range(source.size):
        out[i] = source[i]


@jit
def copy_matrix(source, out):
    """Copy by loops (see `copy_vector`)."""
    for i in range(source.shape[0]):
        for j in range(source.shape[1]):
            out[i, j] = source[i, j]


@jit
def hold(lower, upper, h_w, g_w, cross):
    """Take parameters whose bounds are equal out of normal equations: their steps are zero.

    Parameters
    ----------
    lower, upper : (k,) arrays
    h_w : (k, k); g_w : (k,); cross : (n_trajectory, k, d)
        As `normal_equations` gives them; changed in place.
    """
    for a in range(lower.size):
        if lower[a] == upper[a]:
            for b in range(h_w.shape[0]):
                h_w[a, b] = 0.0
                h_w[b, a] = 0.0
            h_w[a, a] = 1.0
            g_w[a] = 0.0
            for r in range(cross.shape[0]):
                for e in range(cross.shape[2]):
                    cross[r, a, e] = 0.0


@jit
def multiply(a, b, out):
    """Fill ``out`` with ``a b``; zeros of ``a`` are skipped where the matrices are small."""
    if a.shape[0] >= WORTH_BLAS:
        np.dot(a, b, out)
        return
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            out[i, j] = 0.0
        for m in range(a.shape[1]):
            v = a[i, m]
            if v != 0.0:
                for j in range(b.shape[1]):
                    out[i, j] += v * b[m, j]


@jit
def transpose(source, out):
    """Fill ``out`` with the transpose."""
    for i in range(source.shape[0]):
        for j in range(source.shape[1]):
            out[j, i] = source[i, j]


@jit
def divide_right(p, m, out, work):
    """Fill ``out`` with ``p m^-1`` (see `divide_right_transposed`)."""
    if not divide_right_transposed(p, m, out, work):
        return False
    for i in range(out.shape[0]):
        for j in range(i):
            out[i, j], out[j, i] = out[j, i], out[i, j]
    return True


@jit
def divide_right_transposed(p, m, out, work):
    """Fill ``out`` with the transpose of ``p m^-1`` by Gaussian elimination.

    Returns False where ``m`` is singular.  ``work`` has the shape of ``m``.
    """
    d = m.shape[0]
    # Solve m' y = p_row' for every row of p at once: `out` holds the right sides as columns, so
    # that every operation runs along contiguous rows, four of them at a time.
    for i in range(d):
        for j in range(d):
            work[i, j] = m[j, i]
            out[i, j] = p[j, i]
    for k in range(d):
        best = k
        for i in range(k + 1, d):
            if abs(work[i, k]) > abs(work[best, k]):
                best = i
        if work[best, k] == 0.0:
            return False
        if best != k:
            for j in range(d):
                work[k, j], work[best, j] = work[best, j], work[k, j]
                out[k, j], out[best, j] = out[best, j], out[k, j]
        pivot, i = work[k, k], k + 1
        while i + 3 < d:
            a0, a1 = work[i, k] / pivot, work[i + 1, k] / pivot
            a2, a3 = work[i + 2, k] / pivot, work[i + 3, k] / pivot
            subtract_row(work, k, k, i, a0, a1, a2, a3)
            subtract_row(out, k, 0, i, a0, a1, a2, a3)
            i += 4
        while i < d:
            ratio = work[i, k] / pivot
            for j in range(k, d):
                work[i, j] -= ratio * work[k, j]
            for r in range(d):
                out[i, r] -= ratio * out[k, r]
            i += 1
    for k in range(d - 1, -1, -1):
        j = k + 1
        while j + 3 < d:
            a0, a1, a2, a3 = work[k, j], work[k, j + 1], work[k, j + 2], work[k, j + 3]
            for r in range(d):
                v = a0 * out[j, r] + a1 * out[j + 1, r]
                out[k, r] -= v + (a2 * out[j + 2, r] + a3 * out[j + 3, r])
            j += 4
        while j < d:
            v = work[k, j]
            for r in range(d):
                out[k, r] -= v * out[j, r]
            j += 1
        for r in range(d):
            out[k, r] /= work[k, k]
    return True


@jit
def subtract_row(matrix, k, begin, i, a0, a1, a2, a3):
    """Subtract multiples of row `k`, from column `begin` on, from the four rows from `i` on."""
    for j in range(begin, matrix.shape[1]):
        v = matrix[k, j]
        matrix[i, j] -= a0 * v
        matrix[i + 1, j] -= a1 * v
        matrix[i + 2, j] -= a2 * v
        matrix[i + 3, j] -= a3 * v


@jit
def factorise(matrix, pivot):
    """Factors of ``matrix`` in place, rows exchanged as `pivot` says; False if singular."""
    n = pivot.size
    for k in range(n):
        best = k
        for i in range(k + 1, n):
            if abs(matrix[i, k]) > abs(matrix[best, k]):
                best = i
        pivot[k] = best
        if not 0.0 < abs(matrix[best, k]) < np.inf:
            return False
        if best != k:
            for j in range(n):
                matrix[k, j], matrix[best, j] = matrix[best, j], matrix[k, j]
        inverse = 1.0 / matrix[k, k]
        for i in range(k + 1, n):
            ratio = matrix[i, k] * inverse
            matrix[i, k] = ratio
            if ratio != 0.0:
                for j in range(k + 1, n):
                    matrix[i, j] -= ratio * matrix[k, j]
    return True


@jit
def solve_factored(matrix, pivot, b):
    """Overwrite ``b`` with the solution of the system that `factorise` has factorised."""
    n = b.size
    for k in range(n):
        b[k], b[pivot[k]] = b[pivot[k]], b[k]
    for i in range(n):
        v = b[i]
        for j in range(i):
            v -= matrix[i, j] * b[j]
        b[i] = v
    for i in range(n - 1, -1, -1):
        v = b[i]
        for j in range(i + 1, n):
            v -= matrix[i, j] * b[j]
        b[i] = v / matrix[i, i]

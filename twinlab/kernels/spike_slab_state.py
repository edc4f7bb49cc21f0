"""One support of a spike-and-slab regression, and what adding or dropping any column would do.

The support's Cholesky factor ``R'R = G_gg + Lambda`` is kept inside ``W = R^-T (G + Lambda)_g,:``,
rows over *all* columns: its own columns hold ``R``, the others say what a column would still
explain.  A column joins by one more row of the factorisation and leaves by Givens rotations of the
rows below it (Golub and Van Loan 2013, Matrix Computations, section 6.5.2), both O(C k) and stable
with nearly collinear columns: no inverse of the Gram is ever updated.  From it follow the log
marginal likelihoods of all C neighbours at O(C + k^2).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compiled import jit

IMPOSSIBLE = -1e300
#: Log posterior a support pays for a coefficient of the wrong sign: such supports are only passed.
WRONG_SIGN = 1e6
#: A column whose own part is below this share of it cannot be told from the support.
DEPENDENT = 1e-12


class Regression(NamedTuple):
    """A Gram with its slab and prior.

    Attributes
    ----------
    gram : (n_column, n_column); vector : (n_column,); yy, n : float
    precision : (n_column,) array
        Diagonal of the slab's ``Lambda``.
    log_odds : (n_column,) array
    log_size : (max_size + 1,) array
        Log prior of a support of each size.
    required, free : (n_column,) bool arrays
        Columns in every support; columns that may come and go.
    sign : (n_column,) int array
        -1, 0 or 1: a support whose posterior mean has the wrong sign is impossible.
    freedom : float
        Degrees of freedom of the inverse-gamma prior of the noise scale.
    """

    gram: NDArray[np.float64]
    vector: NDArray[np.float64]
    yy: float
    n: float
    precision: NDArray[np.float64]
    log_odds: NDArray[np.float64]
    log_size: NDArray[np.float64]
    required: NDArray[np.bool_]
    free: NDArray[np.bool_]
    sign: NDArray[np.int64]
    freedom: float


class State(NamedTuple):
    """A support of size ``k = size[0]``; work arrays of ``max_size`` rows.

    Attributes
    ----------
    w : (max_size, n_column) array
        ``R^-T (G + Lambda)`` restricted to the support's rows.
    t : (max_size, max_size) array
        ``R^-1``, upper triangle.
    z : (max_size,) array
        ``R^-T g``.
    own, left : (n_column,) arrays
        What of each column's square and of its product with the data the support leaves.
    support : (max_size,) int array; place : (n_column,) int array
        The support, and each column's place in it or -1.
    size : (1,) int array
    scalar : (2,) array
        ``a0 + yy - q`` and ``log|A| - log|Lambda|``.
    """

    w: NDArray[np.float64]
    t: NDArray[np.float64]
    z: NDArray[np.float64]
    own: NDArray[np.float64]
    left: NDArray[np.float64]
    support: NDArray[np.int64]
    place: NDArray[np.int64]
    size: NDArray[np.int64]
    scalar: NDArray[np.float64]


@jit
def clear(regression, state):
    """Make the support empty."""
    state.size[0] = 0
    state.scalar[0] = regression.freedom + regression.yy
    state.scalar[1] = 0.0
    for j in range(state.own.size):
        state.own[j] = regression.gram[j, j] + regression.precision[j]
        state.left[j] = regression.vector[j]
        state.place[j] = -1


@jit
def copy_state(source, target):
    """Make `target` the same support."""
    k = source.size[0]
    for m in range(k):
        target.w[m] = source.w[m]
        target.t[m, :k] = source.t[m, :k]
        target.z[m], target.support[m] = source.z[m], source.support[m]
    target.own[:], target.left[:], target.place[:] = source.own, source.left, source.place
    target.size[0] = k
    target.scalar[:] = source.scalar


@jit
def include(regression, state, j):
    """Add column `j` to the support."""
    k, w, t = state.size[0], state.w, state.t
    row = w[k]
    for i in range(row.size):
        row[i] = regression.gram[j, i]
    row[j] += regression.precision[j]
    for m in range(k):
        above = w[m]
        b = above[j]
        for i in range(row.size):
            row[i] -= b * above[i]
    # Only required columns can be dependent here; they stay, at the limit of rounding.
    pivot = max(row[j], DEPENDENT * (regression.gram[j, j] + regression.precision[j]))
    root = np.sqrt(pivot)
    row[j] = pivot
    for i in range(row.size):
        row[i] /= root
    z = state.left[j] / root
    for a in range(k):
        v = 0.0
        for m in range(a, k):
            v += t[a, m] * w[m, j]
        t[a, k] = -v / root
    t[k, k], state.z[k] = 1.0 / root, z
    for i in range(row.size):
        state.own[i] -= row[i] * row[i]
        state.left[i] -= row[i] * z
    state.scalar[0] -= z * z
    state.scalar[1] += np.log(pivot / regression.precision[j])
    state.support[k], state.place[j], state.size[0] = j, k, k + 1


@jit
def exclude(regression, state, j):
    """Take column `j` out of the support."""
    p, k = state.place[j], state.size[0]
    w, t, z, index = state.w, state.t, state.z, state.support
    for i in range(p, k - 1):
        upper, lower = w[i], w[i + 1]
        a, b = upper[index[i + 1]], lower[index[i + 1]]
        radius = np.sqrt(a * a + b * b)
        cosine, sine = a / radius, b / radius
        for c in range(upper.size):
            a, b = upper[c], lower[c]
            upper[c] = cosine * a + sine * b
            lower[c] = cosine * b - sine * a
        z[i], z[i + 1] = cosine * z[i] + sine * z[i + 1], cosine * z[i + 1] - sine * z[i]
        t[i + 1, i] = 0.0
        for m in range(i + 2):
            a, b = t[m, i], t[m, i + 1]
            t[m, i] = cosine * a + sine * b
            t[m, i + 1] = cosine * b - sine * a
    # The last row is now what column `j` alone explained.
    row, last = w[k - 1], z[k - 1]
    for i in range(row.size):
        state.own[i] += row[i] * row[i]
        state.left[i] += row[i] * last
    pivot = row[j] * row[j]
    state.own[j], state.left[j] = pivot, row[j] * last
    state.scalar[0] += last * last
    state.scalar[1] -= np.log(pivot / regression.precision[j])
    for m in range(p, k - 1):
        index[m] = index[m + 1]
        state.place[index[m]] = m
        for a in range(m, k - 1):
            t[m, a] = t[m + 1, a]
    state.place[j], state.size[0] = -1, k - 1


@jit
def log_posterior(regression, state):
    """Log marginal likelihood plus log prior of the support, up to a constant; signs ignored.

    ``-1/2 log|A| + 1/2 log|Lambda| - (n + a0)/2 log((a0 + yy - q)/(a0 + n))``.
    """
    scale = regression.freedom + regression.n
    rest = max(state.scalar[0], 1e-12 * (regression.freedom + regression.yy))
    value = -0.5 * state.scalar[1] - 0.5 * scale * np.log(rest / scale)
    for m in range(state.size[0]):
        value += regression.log_odds[state.support[m]]
    return value + regression.log_size[state.size[0]]


@jit
def joining(regression, own, left, rest, j):
    """Change of log marginal likelihood when a column with parts `own` and `left` joins."""
    if own <= DEPENDENT * (regression.gram[j, j] + regression.precision[j]):
        return IMPOSSIBLE
    smallest = 1e-12 * (regression.freedom + regression.yy)
    after = max(rest - left * left / own, smallest)
    half = 0.5 * (regression.freedom + regression.n)
    return (
        -0.5 * np.log(own / regression.precision[j])
        - half * np.log(after / max(rest, smallest))
        + regression.log_odds[j]
    )


@jit
def leaving(regression, state, j):
    """Change of log marginal likelihood when column `j` leaves, and its ``z`` as the last row."""
    p, k = state.place[j], state.size[0]
    variance, mean = 0.0, 0.0
    for m in range(p, k):
        variance += state.t[p, m] * state.t[p, m]
        mean += state.t[p, m] * state.z[m]
    last = mean / np.sqrt(variance)
    rest = max(state.scalar[0], 1e-12 * (regression.freedom + regression.yy))
    half = 0.5 * (regression.freedom + regression.n)
    gain = -0.5 * np.log(variance * regression.precision[j])
    return gain - half * np.log((rest + last * last) / rest) - regression.log_odds[j], last


@jit
def weigh_flips(regression, state, signed, gain):
    """Fill ``gain`` (n_column,) with the change of log posterior when each column flips."""
    k = state.size[0]
    full = k + 1 == regression.log_size.size
    grow = 0.0 if full else regression.log_size[k + 1] - regression.log_size[k]
    shrink = regression.log_size[k - 1] - regression.log_size[k] if k > 0 else 0.0
    for j in range(gain.size):
        gain[j] = IMPOSSIBLE
        if regression.free[j]:
            if state.place[j] >= 0:
                gain[j] = leaving(regression, state, j)[0] + shrink
            elif not full:
                gain[j] = grow + joining(
                    regression, state.own[j], state.left[j], state.scalar[0], j
                )
    if signed:
        charge_signs(regression, state, gain)


@jit
def charge_signs(regression, state, gain):
    """Let flips pay for every support with a coefficient of the wrong sign, or earn by leaving."""
    k, t, n_column = state.size[0], state.t, gain.size
    wrong = np.zeros(n_column, np.bool_)
    shift = np.empty(n_column)
    now = False
    for j in range(n_column):
        wrong[j] = state.place[j] < 0 and regression.sign[j] * state.left[j] < 0.0
    for p in range(k):
        sign = regression.sign[state.support[p]]
        if sign == 0:
            continue
        mean = 0.0
        for i in range(n_column):
            shift[i] = 0.0
        for m in range(p, k):
            mean += t[p, m] * state.z[m]
            row, b = state.w[m], t[p, m]
            for i in range(n_column):
                shift[i] += b * row[i]
        now = now or sign * mean < 0.0
        for i in range(n_column):
            if state.place[i] < 0:
                after = mean - shift[i] * state.left[i] / max(state.own[i], 1e-300)
                wrong[i] = wrong[i] or sign * after < 0.0
        for a in range(k):
            if a != p:
                product, variance, other = 0.0, 0.0, 0.0
                for m in range(a, k):
                    variance += t[a, m] * t[a, m]
                    other += t[a, m] * state.z[m]
                    if m >= p:
                        product += t[a, m] * t[p, m]
                after = mean - product * other / variance
                wrong[state.support[a]] = wrong[state.support[a]] or sign * after < 0.0
    for j in range(n_column):
        if wrong[j]:
            gain[j] -= WRONG_SIGN
        if now:
            gain[j] += WRONG_SIGN


@jit
def right_signs(regression, state):
    """Whether no posterior mean of the support has the wrong sign."""
    for p in range(state.size[0]):
        mean = 0.0
        for m in range(p, state.size[0]):
            mean += state.t[p, m] * state.z[m]
        if mean * regression.sign[state.support[p]] < 0.0:
            return False
    return True


@jit
def weigh_swaps(regression, state, j, least, shift, gain):
    """Fill ``gain`` with the change of log posterior when `j` leaves and each column joins.

    A change that is plainly below `least` is not worked out, and given as impossible.
    """
    p, k = state.place[j], state.size[0]
    change, last = leaving(regression, state, j)
    variance = 0.0
    for i in range(gain.size):
        shift[i] = 0.0
    for m in range(p, k):
        b = state.t[p, m]
        variance += b * b
        row = state.w[m]
        for i in range(gain.size):
            shift[i] += b * row[i]
    norm = 1.0 / np.sqrt(variance)
    rest = state.scalar[0] + last * last
    smallest = 1e-12 * (regression.freedom + regression.yy)
    half = 0.5 * (regression.freedom + regression.n)
    for i in range(gain.size):
        gain[i] = IMPOSSIBLE
        if regression.free[i] and state.place[i] < 0:
            v = shift[i] * norm
            own, left = state.own[i] + v * v, state.left[i] + v * last
            after = max(rest - left * left / own, smallest)
            # log y <= y - 1, of both logarithms in `joining`
            most = half * (rest / after - 1.0) + 0.5 * (regression.precision[i] / own - 1.0)
            if change + regression.log_odds[i] + most >= least:
                gain[i] = change + joining(regression, own, left, rest, i)

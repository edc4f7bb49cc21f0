"""Sequentially thresholded least squares from Gram matrices, and its bagged ensemble.

The algorithm of Brunton, Proctor and Kutz (2016), PNAS 113, 3932, as PySINDy has it: ridge
regression on the terms still in, those below the threshold leave, until none does; then least
squares without ridge on what is left.  PySINDy goes back to the rows each time; here all rounds
work on the Gram matrix, and the bags of an ensemble (Fasel et al. 2022, Proc. R. Soc. A 478,
20210904) are row weights, so that one matrix product makes the Gram matrices of all bags.
The price: columns that are dependent to within 1e-7 are told apart with few digits.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
ROUNDS = 20
#: Rows whose products are held in memory at once.
BLOCK = 4096
#: A column's squared part outside the span of the others that counts as rounding.
DEPENDENT = 1e-13


def stlsq(features: Array, slopes: Array, threshold: float, ridge: float = 0.05) -> Array:
    """Coefficients (n_target, n_feature) of features (n, n_feature) and slopes (n, n_target)."""
    out = np.zeros((1, slopes.shape[1], features.shape[1]))
    gram, vector = features.T @ features, slopes.T @ features
    _threshold(np.ascontiguousarray(gram)[None], vector[None], threshold, ridge, out)
    return out[0]


def stlsq_ensemble(
    features: Array,
    slopes: Array,
    threshold: float,
    ridge: float = 0.05,
    *,
    n_models: int = 100,
    seed: int = 0,
    weights: Array | None = None,
) -> Array:
    """Coefficients (n_models, n_target, n_feature) of bags of rows, drawn with replacement.

    Parameters
    ----------
    features : (n, n_feature) array
    slopes : (n, n_target) array
    threshold, ridge : float
    n_models, seed : int
    weights : (n_models, n) array, optional
        How often each row is in each bag, instead of drawing them.
    """
    n, p = features.shape
    if weights is None:
        weights = bags(n, n_models, seed)
    upper, lower = np.triu_indices(p)
    sums = np.zeros((len(weights), upper.size + p * slopes.shape[1]))
    for start in range(0, n, BLOCK):
        x, y = features[start : start + BLOCK], slopes[start : start + BLOCK]
        pairs = x[:, upper] * x[:, lower]
        with_slopes = (y[:, :, None] * x[:, None, :]).reshape(len(x), -1)
        part = weights[:, start : start + BLOCK]
        sums[:, : upper.size] += part @ pairs
        sums[:, upper.size :] += part @ with_slopes
    grams = np.empty((len(weights), p, p))
    grams[:, upper, lower] = grams[:, lower, upper] = sums[:, : upper.size]
    vectors = np.ascontiguousarray(sums[:, upper.size :]).reshape(len(weights), -1, p)
    out = np.zeros_like(vectors)
    _threshold(grams, vectors, threshold, ridge, out)
    return out


def bags(n: int, n_models: int, seed: int) -> Array:
    """How often each of `n` rows is drawn in each of `n_models` bags of `n` rows."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, n, (n_models, n)) + n * np.arange(n_models)[:, None]
    return np.bincount(rows.ravel(), minlength=n * n_models).reshape(n_models, n).astype(float)


@njit(cache=True, nogil=True, error_model="numpy")
def _threshold(grams, vectors, threshold, ridge, out):
    """Thresholded least squares of every bag and target into `out`."""
    p = grams.shape[1]
    kept, work, b = np.empty(p, np.int64), np.empty((p, p)), np.empty(p)
    for bag in range(grams.shape[0]):
        for target in range(vectors.shape[1]):
            k = p
            for j in range(p):
                kept[j] = j
            for _ in range(ROUNDS):
                _solve(grams[bag], vectors[bag, target], kept, k, ridge, work, b)
                left = 0
                for q in range(k):
                    if abs(b[q]) >= threshold:
                        kept[left] = kept[q]
                        left += 1
                done = left == k
                k = left
                if done:
                    break
            _solve(grams[bag], vectors[bag, target], kept, k, 0.0, work, b)
            for q in range(k):
                out[bag, target, kept[q]] = b[q]


@njit(cache=True, nogil=True, error_model="numpy")
def _solve(gram, vector, kept, k, ridge, work, b):
    """Solve ``(gram + ridge) b = vector`` on the kept columns by Cholesky's method."""
    for i in range(k):
        b[i] = vector[kept[i]]
        for j in range(i + 1):
            a = gram[kept[i], kept[j]]
            if i == j:
                a += ridge
            for m in range(j):
                a -= work[i, m] * work[j, m]
            if i != j:
                work[i, j] = a / work[j, j]
            elif a > DEPENDENT * (gram[kept[i], kept[i]] + ridge):
                work[i, i] = np.sqrt(a)
            else:
                work[i, i] = np.inf  # a column that depends on those before it gets zero
        for m in range(i):
            b[i] -= work[i, m] * b[m]
        b[i] /= work[i, i]
    for i in range(k - 1, -1, -1):
        for m in range(i + 1, k):
            b[i] -= work[m, i] * b[m]
        b[i] /= work[i, i]

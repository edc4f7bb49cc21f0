"""Duality-gap certificate of the elastic net, from the Gram matrix alone.

Notation of `twinlab.kernels.elastic_net`: ``G = X'X``, ``g = X'y``, ``yy = y'y`` and penalty
``phi_j(u) = a_j |u| + b_j u^2 / 2`` on ``lower_j <= u <= upper_j``.

With residual ``e = y - Xw`` and gradient ``v = g - Gw = X'e``, the dual point ``s e``
(0 <= s <= 1) has, by Fenchel duality, the gap

    gap(s) = (1 - s)^2 / 2 * e'e + sum_j [max_u h_j(u) - h_j(w_j)],
    h_j(u) = s v_j u - a_j |u| - b_j u^2 / 2   over   lower_j <= u <= upper_j,
    e'e = yy - g'w - v'w,

because ``1/2 e'e (1 + s^2) - s y'e`` equals ``(1 - s)^2 / 2 e'e - s w'v``.  ``s = 1`` is finite
unless a pure lasso coordinate breaks ``|v_j| <= a_j``; then the residual is scaled into the dual
feasible set (Massias, Gramfort and Salmon 2018, ICML, PMLR 80, 3315, section 2).

An unpenalised, unbounded coefficient has no finite conjugate: for it the maximum is taken over
``|u| <= radius_j``, so that the certificate holds among models inside that radius.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Terms(NamedTuple):
    """What is added to the quadratic, one (n_column,) float64 array each."""

    l1: Array  #: a_j
    ridge: Array  #: b_j
    lower: Array
    upper: Array
    radius: Array  #: bound of an unpenalised coefficient in the certificate


@njit(cache=True, nogil=True)
def _conjugate_argument(v, l1, ridge, lower, upper):
    """Maximiser of v u - l1 |u| - ridge u^2/2 on [lower, upper] (may be infinite)."""
    if v > l1:
        u = (v - l1) / ridge if ridge > 0.0 else np.inf
    elif v < -l1:
        u = (v + l1) / ridge if ridge > 0.0 else -np.inf
    else:
        u = 0.0
    return min(max(u, lower), upper)


@njit(cache=True, nogil=True)
def _gap_at(scale, w, v, residual, terms):
    """gap(s) of the module's text; inf where the dual point is not feasible."""
    l1, ridge, lower, upper, radius = terms
    total = 0.5 * (1.0 - scale) ** 2 * residual
    for j in range(w.size):
        s = scale * v[j]
        if abs(s) <= l1[j] and lower[j] <= 0.0 <= upper[j]:  # u = 0, as nearly everywhere
            if w[j] != 0.0:
                total += l1[j] * abs(w[j]) - s * w[j] + 0.5 * ridge[j] * w[j] * w[j]
            continue
        u = _conjugate_argument(s, l1[j], ridge[j], lower[j], upper[j])
        if np.isinf(u) and l1[j] == 0.0:
            u = radius[j] if u > 0.0 else -radius[j]
        if np.isinf(u):
            return np.inf
        # the difference h(u) - h(w), grouped so that equal arguments give exactly zero
        total += s * (u - w[j]) - l1[j] * (abs(u) - abs(w[j]))
        total -= 0.5 * ridge[j] * (u - w[j]) * (u + w[j])
    return max(total, 0.0)


@njit(cache=True, nogil=True)
def duality_gap(w, v, vector, yy, terms):
    """Duality gap of `w`: an upper bound of the objective's distance from its minimum.

    Parameters
    ----------
    w, v, vector : (n_column,) float64 arrays
        Coefficients, gradient ``g - Gw`` and ``g``.
    yy : float
    terms : Terms

    Returns
    -------
    float
        The gap at the residual, or at the residual scaled into the feasible set where it is
        outside.
    """
    l1, ridge, lower, upper, _ = terms
    residual = yy
    scale = 1.0
    for j in range(w.size):
        residual -= (vector[j] + v[j]) * w[j]
        if ridge[j] == 0.0 and l1[j] > 0.0 and abs(v[j]) > l1[j]:
            limit = upper[j] if v[j] > 0.0 else -lower[j]
            if np.isinf(limit):
                scale = min(scale, l1[j] / abs(v[j]))
    residual = max(residual, 0.0)
    if scale < 1.0:
        # rounding of l1 / |v| must not leave the scaled point outside by one bit
        scale *= 1.0 - 1e-15
    return _gap_at(scale, w, v, residual, terms)

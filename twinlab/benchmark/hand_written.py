"""A gene and enzyme network of five states, its right-hand side and integrator written by hand.

The yardstick of the table-driven kernels: code for one model alone, compiled for it.  A signal
x0 drives an mRNA x1 and its protein x2, which represses the signal (Hill, exponent 4) and is the
enzyme that turns a substrate x3 into a product x4 (Michaelis-Menten).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twinlab.kernels.tableau import (
    A21,
    A31,
    A32,
    A41,
    A42,
    A43,
    A51,
    A52,
    A53,
    A54,
    A61,
    A62,
    A63,
    A64,
    A65,
    A71,
    A73,
    A74,
    A75,
    A76,
    DENSE,
    E1,
    E3,
    E4,
    E5,
    E6,
    E7,
)  # fmt: skip

Array = NDArray[np.float64]

#: Rates and constants, in the order in which the functions here read them.
PARAMETERS = np.array(
    [1.0, 0.5, 2.0, 0.2, 1.5, 0.4, 2.0, 0.3, 1.0, 0.6, 0.8, 0.5, 0.25, 0.15]
)  # fmt: skip


def slope_list(_time: float, x: Array, p: Array) -> list[float]:
    """The right-hand side as one would write it for SciPy."""
    k4 = p[1] ** 4
    repressed = k4 / (k4 + x[2] ** 4)
    activated = x[0] * x[0] / (p[5] * p[5] + x[0] * x[0])
    rate = p[9] * x[2] * x[3] / (p[10] + x[3])
    return [
        p[0] * repressed - p[3] * x[0],
        p[4] * activated - p[6] * x[1],
        p[2] * x[1] - p[7] * x[2],
        p[8] - rate - p[13] * x[3],
        rate - p[11] * x[4] / (p[12] + x[4]),
    ]


@njit(cache=True, nogil=True, inline="always")
def slope(x, p, out):
    """Fill `out` with the right-hand side."""
    k2, x2 = p[1] * p[1], x[2] * x[2]
    repressed = k2 * k2 / (k2 * k2 + x2 * x2)
    activated = x[0] * x[0] / (p[5] * p[5] + x[0] * x[0])
    rate = p[9] * x[2] * x[3] / (p[10] + x[3])
    out[0] = p[0] * repressed - p[3] * x[0]
    out[1] = p[4] * activated - p[6] * x[1]
    out[2] = p[2] * x[1] - p[7] * x[2]
    out[3] = p[8] - rate - p[13] * x[3]
    out[4] = rate - p[11] * x[4] / (p[12] + x[4])


@njit(cache=True, nogil=True, error_model="numpy")
def integrate_by_hand(initial, parameters, time, relative, absolute, out):
    """Dormand-Prince 5(4) with dense output, all trajectories; fills `out` (n, n_time, 5)."""
    k, weight = np.empty((7, 5)), np.empty(7)
    x, y = np.empty(5), np.empty(5)
    for r in range(initial.shape[0]):
        _one(initial[r], parameters[r], time, relative, absolute, out[r], k, weight, x, y)


@njit(cache=True, nogil=True, error_model="numpy")
def _one(initial, p, time, relative, absolute, out, k, weight, x, y):
    n, n_time = 5, time.size
    t, end = time[0], time[n_time - 1]
    d0 = d1 = 0.0
    for e in range(n):
        x[e] = out[0, e] = initial[e]
    slope(x, p, k[0])
    for e in range(n):
        scale = absolute + relative * abs(x[e])
        d0 += (x[e] / scale) ** 2
        d1 += (k[0, e] / scale) ** 2
    h, i = min(0.01 * np.sqrt(d0 / d1), end - t), 1
    while i < n_time:
        h = min(h, end - t)
        for e in range(n):
            y[e] = x[e] + h * A21 * k[0, e]
        slope(y, p, k[1])
        for e in range(n):
            y[e] = x[e] + h * (A31 * k[0, e] + A32 * k[1, e])
        slope(y, p, k[2])
        for e in range(n):
            y[e] = x[e] + h * (A41 * k[0, e] + A42 * k[1, e] + A43 * k[2, e])
        slope(y, p, k[3])
        for e in range(n):
            y[e] = x[e] + h * (A51 * k[0, e] + A52 * k[1, e] + A53 * k[2, e] + A54 * k[3, e])
        slope(y, p, k[4])
        for e in range(n):
            a = A61 * k[0, e] + A62 * k[1, e] + A63 * k[2, e] + A64 * k[3, e] + A65 * k[4, e]
            y[e] = x[e] + h * a
        slope(y, p, k[5])
        for e in range(n):
            a = A71 * k[0, e] + A73 * k[2, e] + A74 * k[3, e] + A75 * k[4, e] + A76 * k[5, e]
            y[e] = x[e] + h * a
        slope(y, p, k[6])
        error = 0.0
        for e in range(n):
            a = E1 * k[0, e] + E3 * k[2, e] + E4 * k[3, e] + E5 * k[4, e] + E6 * k[5, e]
            scale = absolute + relative * max(abs(x[e]), abs(y[e]))
            error += (h * (a + E7 * k[6, e]) / scale) ** 2
        error = np.sqrt(error / n)
        if error <= 1.0:
            while i < n_time and (time[i] <= t + h or t + h >= end):
                u = min((time[i] - t) / h, 1.0)
                for q in range(7):
                    w = DENSE[q]
                    weight[q] = u * (w[0] + u * (w[1] + u * (w[2] + u * w[3])))
                for e in range(n):
                    a = weight[0] * k[0, e]
                    for q in range(2, 7):
                        a += weight[q] * k[q, e]
                    out[i, e] = x[e] + h * a
                i += 1
            t += h
            for e in range(n):
                x[e], k[0, e] = y[e], k[6, e]
        h *= min(5.0, max(0.2, 0.9 * max(error, 1e-12) ** -0.2))

"""Arithmetic of one step of Dormand and Prince's pair in all lanes (``lanes``)."""

from __future__ import annotations

import numpy as np

from .compiled import jit
from .tableau import DENSE, E1, E3, E4, E5, E6, E7, STAGES


@jit
def stage_states(stage, h, x, k, point):
    """Fill `point` with the states of a stage.

    Every stage is a loop of its own: adding one slope after the other would read and write the
    lanes as many times.
    """
    width = h.size
    a, b, c = STAGES[stage, 0], STAGES[stage, 1], STAGES[stage, 2]
    p, q, r = STAGES[stage, 3], STAGES[stage, 4], STAGES[stage, 5]
    for e in range(x.shape[0]):
        if stage == 0:
            for i in range(width):
                point[e, i] = x[e, i]
        elif stage == 1:
            for i in range(width):
                point[e, i] = x[e, i] + h[i] * (a * k[0, e, i])
        elif stage == 2:
            for i in range(width):
                point[e, i] = x[e, i] + h[i] * (a * k[0, e, i] + b * k[1, e, i])
        elif stage == 3:
            for i in range(width):
                total = a * k[0, e, i] + b * k[1, e, i] + c * k[2, e, i]
                point[e, i] = x[e, i] + h[i] * total
        elif stage == 4:
            for i in range(width):
                total = a * k[0, e, i] + b * k[1, e, i] + c * k[2, e, i] + p * k[3, e, i]
                point[e, i] = x[e, i] + h[i] * total
        elif stage == 5:
            for i in range(width):
                total = a * k[0, e, i] + b * k[1, e, i] + c * k[2, e, i] + p * k[3, e, i]
                point[e, i] = x[e, i] + h[i] * (total + q * k[4, e, i])
        else:  # the second slope has no weight in the solution
            for i in range(width):
                total = a * k[0, e, i] + c * k[2, e, i] + p * k[3, e, i] + q * k[4, e, i]
                point[e, i] = x[e, i] + h[i] * (total + r * k[5, e, i])


@jit
def first_step(i, span, absolute, relative, x, k):
    """As `first_step` of `integrate`, for lane `i`."""
    d0 = d1 = 0.0
    for e in range(x.shape[0]):
        scale = absolute[e] + relative * abs(x[e, i])
        d0 += (x[e, i] / scale) ** 2
        d1 += (k[0, e, i] / scale) ** 2
    return 1e-3 * span if d0 < 1e-10 or d1 < 1e-10 else min(0.01 * np.sqrt(d0 / d1), span)


@jit
def errors(absolute, relative, h, x, point, k, error):
    """Fill `error` with the weighted norms of the steps' errors."""
    width = h.size
    d = x.shape[0]
    for i in range(width):
        error[i] = 0.0
    for e in range(d):
        for i in range(width):
            a = E1 * k[0, e, i] + E3 * k[2, e, i] + E4 * k[3, e, i] + E5 * k[4, e, i]
            a += E6 * k[5, e, i] + E7 * k[6, e, i]
            a *= h[i] / (absolute[e] + relative * max(abs(x[e, i]), abs(point[e, i])))
            error[i] += a * a
    for i in range(width):
        error[i] = np.sqrt(error[i] / d)


@jit
def polynomials(h, x, k, poly):
    """Fill `poly` (5, n_state, width) with the continuous extension of the step in every lane."""
    for e in range(x.shape[0]):
        for i in range(h.size):
            poly[0, e, i] = x[e, i]
            poly[1, e, i] = h[i] * k[0, e, i]
        for p in range(1, 4):
            a, b, c = DENSE[0, p], DENSE[2, p], DENSE[3, p]
            u, v, w = DENSE[4, p], DENSE[5, p], DENSE[6, p]
            for i in range(h.size):
                total = a * k[0, e, i] + b * k[2, e, i] + c * k[3, e, i]
                total = total + u * k[4, e, i] + v * k[5, e, i] + w * k[6, e, i]
                poly[p + 1, e, i] = h[i] * total


@jit
def write(i, r, n, t, h, last, time, poly, out):
    """Fill the outputs from `n` that the accepted step of lane `i` has passed; the next `n`."""
    while n < time.size and (time[n] <= t + h or last):
        u = min((time[n] - t) / h, 1.0)
        for e in range(poly.shape[1]):
            a = poly[3, e, i] + u * poly[4, e, i]
            a = poly[1, e, i] + u * (poly[2, e, i] + u * a)
            out[r, n, e] = poly[0, e, i] + u * a
        n += 1
    return n

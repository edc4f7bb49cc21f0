"""One Runge-Kutta step of the propagator that carries sensitivities (`sensitivity`).

A propagator is passed as a vector of its ``n_state**2`` elements, row by row: one long loop over
them runs in vector instructions, where many short ones do not.
"""

from __future__ import annotations

import numpy as np

from .flow import jit
from .tableau import ERROR, STAGES

#: Error allowed in the propagator of one step.
PROPAGATOR_TOLERANCE = 1e-4

_LOBATTO = np.array([1 / 12, 5 / 12, 5 / 12, 1 / 12])


@jit
def combine(m_rate, h, weight, n, m):
    """Fill ``m`` with the identity plus the first `n` rates, weighted."""
    d = int(np.sqrt(m.size))
    for i in range(m.size):
        m[i] = 0.0
    for e in range(d):
        m[e * (d + 1)] = 1.0
    for q in range(n):
        a = h * weight[q]
        if a != 0.0:
            for i in range(m.size):
                m[i] += a * m_rate[q, i]


@jit
def stage_point(x, k, m_rate, h, s, x_stage, m_stage):
    """State and propagator at stage ``s`` from the rates of the stages before."""
    for e in range(x.size):
        a = 0.0
        for q in range(s):
            a += STAGES[s, q] * k[q, e]
        x_stage[e] = x[e] + h * a
    combine(m_rate, h, STAGES[s], s, m_stage)


@jit
def inner_point(x, k, m_rate, h, weight, x_node, m_node):
    """State and propagator inside a step, by the dense output's stage weights (7,)."""
    for e in range(x.size):
        a = 0.0
        for q in range(7):
            a += weight[q] * k[q, e]
        x_node[e] = x[e] + h * a
    combine(m_rate, h, weight, 7, m_node)


@jit
def add_source(h, kernel, rate, entry_state, s, line):
    """Add the Lobatto rule of the source term of every entry to its sensitivities.

    Parameters
    ----------
    h : float
    kernel : (4, d, d) array
        Propagators from the nodes to the end of the step, transposed.
    rate : (4, n_entry) array
        Terms at the nodes.
    entry_state : (n_entry,) int array
    s : (d, >= n_entry) array
    line : (d,) array
        Work space.
    """
    for j in range(entry_state.size):
        e = entry_state[j]
        a0, a1 = h * _LOBATTO[0] * rate[0, j], h * _LOBATTO[1] * rate[1, j]
        a2, a3 = h * _LOBATTO[2] * rate[2, j], h * _LOBATTO[3] * rate[3, j]
        k0, k1, k2, k3 = kernel[0, e], kernel[1, e], kernel[2, e], kernel[3, e]
        for m in range(line.size):
            line[m] = a0 * k0[m] + a1 * k1[m] + a2 * k2[m] + a3 * k3[m]
        for m in range(line.size):
            s[m, j] += line[m]


@jit
def step_error(x, x_new, k, m_rate, h, tolerance, work):
    """Error of a step over its tolerance: states in the mean square, propagator at its worst.

    The propagator only carries sensitivities; its error is judged in units of the states' scales.
    ``work`` has the propagator's size.
    """
    d, absolute = x.size, tolerance.absolute
    error, worst = 0.0, 0.0
    for i in range(work.size):
        work[i] = 0.0
    for q in range(7):
        if ERROR[q] != 0.0:
            for i in range(work.size):
                work[i] += ERROR[q] * m_rate[q, i]
    for e in range(d):
        a, largest = 0.0, 0.0
        for q in range(7):
            a += ERROR[q] * k[q, e]
        error += (h * a / (absolute[e] + tolerance.relative * max(abs(x[e]), abs(x_new[e])))) ** 2
        for c in range(d):
            largest = max(largest, abs(work[e * d + c]) * absolute[c])
        worst = max(worst, largest / absolute[e])
    return max(np.sqrt(error / d), abs(h) * worst / PROPAGATOR_TOLERANCE)

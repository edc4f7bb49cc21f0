"""The right-hand side of a model as tables: no code is generated, so any model runs at once.

A model is ``dx_l/dt = sum_j value_j w[column_j] theta[term_j](x, u)`` over the entries ``j`` with
``state_j = l``, where ``theta_k`` is a product of at most three factors.  Entries are sorted by
state.  While a fit is still far off, a nudging term ``kappa (target(t) - x)`` pulls the states
to a smooth of the data (Abarbanel 2013, Predicting the Future, section 2).

Kernels take tables as named tuples and work in place; nothing here allocates in a loop.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinlab.expressions.kinds import (
    COSINE,
    EXPONENTIAL,
    HILL_ACTIVATION,
    HILL_BY_COEFFICIENT,
    HILL_BY_HALF,
    HILL_REPRESSION,
    LOGARITHM,
    POWER,
)

from .compiled import jit, jit_inline


class Tolerance(NamedTuple):
    """Error control of the integrators.

    Attributes
    ----------
    relative : float
    absolute : (n_state,) array
    limit : (n_state,) array
        A state beyond it counts as diverged.
    max_steps : int
        Steps allowed for one stretch of a trajectory.
    """

    relative: float
    absolute: NDArray[np.float64]
    limit: NDArray[np.float64]
    max_steps: int


@jit
def power(v, exponent):
    """``v**exponent``; by multiplication for the exponents nearly all models have."""
    if exponent == 1.0:
        return v
    square = v * v
    if exponent == 2.0:
        return square
    if exponent == 4.0:
        return square * square
    if exponent == 3.0:
        return square * v
    return v**exponent


@jit
def factor_value(kind, exponent, constant, v):
    """Value of one factor (``twinlab.expressions.kinds``)."""
    if kind == POWER:
        return power(v, exponent)
    if kind == HILL_ACTIVATION or kind == HILL_REPRESSION:
        # Concentrations: a Hill function of a (numerically) negative state is that of zero.
        ratio = max(v, 1e-12 * constant) / constant
        high = power(ratio, exponent)
        low = 1.0 / (1.0 + high)
        return low if kind == HILL_REPRESSION else high * low
    if kind == EXPONENTIAL:
        return np.exp(constant * v)
    if kind == LOGARITHM:
        return np.log(constant * v)
    if kind == COSINE:
        return np.cos(constant * v)
    if kind == HILL_BY_HALF or kind == HILL_BY_COEFFICIENT:
        log_ratio = np.log(max(v, 1e-12 * constant) / constant)
        # 1/(4 cosh^2) = h (1 - h) does not overflow for steep functions.
        cosh = np.cosh(min(0.5 * exponent * abs(log_ratio), 300.0))
        slope = 0.25 / (cosh * cosh)
        return slope if kind == HILL_BY_HALF else log_ratio * slope
    return np.sin(constant * v)


@jit
def factor_slope(kind, exponent, constant, v, value):
    """Derivative of one factor with respect to its variable; `value` is its value.

    The derivatives of Hill functions by their constants are never simulated and have none.
    """
    if kind == POWER:
        if exponent == 1.0:
            return 1.0
        if exponent == 2.0:
            return 2.0 * v
        return exponent * v ** (exponent - 1.0)
    if kind == HILL_ACTIVATION or kind == HILL_REPRESSION:
        slope = exponent * value * (1.0 - value) / max(v, 1e-12 * constant)
        return -slope if kind == HILL_REPRESSION else slope
    if kind == EXPONENTIAL:
        return constant * value
    if kind == LOGARITHM:
        return 1.0 / v
    if kind == COSINE:
        return -constant * np.sin(constant * v)
    return constant * np.cos(constant * v)


@jit_inline
def evaluate_terms(z, terms, theta):
    """Fill ``theta`` (n_term,) with the terms at the point ``z`` (states, then inputs)."""
    for k in range(terms.factor_count.size):
        value = terms.scale[k]
        for f in range(terms.factor_count[k]):
            value *= factor_value(
                terms.factor_kind[k, f],
                terms.exponent[k, f],
                terms.constant[k, f],
                z[terms.factor_variable[k, f]],
            )
        theta[k] = value


@jit_inline
def evaluate_slopes(z, terms, theta, slope):
    """Fill ``theta`` and ``slope`` (n_term, 3): derivative through each factor's variable."""
    for k in range(terms.factor_count.size):
        n = terms.factor_count[k]
        value = terms.scale[k]
        for f in range(n):
            kind, e, c = terms.factor_kind[k, f], terms.exponent[k, f], terms.constant[k, f]
            own, ds = z[terms.factor_variable[k, f]], 1.0
            if kind != POWER or e != 1.0:
                v = own
                own = factor_value(kind, e, c, v)
                ds = factor_slope(kind, e, c, v, own)
            for g in range(f):
                slope[k, g] *= own
            slope[k, f] = value * ds
            value *= own
        theta[k] = value


@jit_inline
def fill_point(t, x, row, drive, z):
    """Fill ``z`` with the states and, behind them, the inputs at time ``t`` of a stretch."""
    d = x.size
    for e in range(d):
        z[e] = x[e]
    if drive.inputs.shape[3] > 0:
        piece = piece_at(t, drive.knot[row])
        u = max(t - drive.knot[row, piece], 0.0)
        for i in range(drive.inputs.shape[3]):
            c = drive.inputs[row, piece, :, i]
            z[d + i] = ((c[0] * u + c[1]) * u + c[2]) * u + c[3]


@jit
def piece_at(t, knot):
    """Last piece that begins at ``t`` or before; the first one for whatever is before it."""
    low, high = 0, knot.size
    while high - low > 1:
        middle = (low + high) // 2
        if knot[middle] <= t:
            low = middle
        else:
            high = middle
    return low


@jit
def grid_place(t, trajectory, drive):
    """Cell of the target's grid that holds ``t`` and the offset in it; ends are held constant."""
    offset = t - drive.origin[trajectory]
    cell = int(offset / drive.step[trajectory])
    cell = min(max(cell, 0), drive.target.shape[1] - 1)
    return cell, min(max(offset - cell * drive.step[trajectory], 0.0), drive.step[trajectory])


@jit
def given_until(t, e, row, drive):
    """What events have added to state ``e`` by the time ``t`` of a stretch."""
    return drive.given[row, e] + drive.rate[row, e] * (t - drive.begin[row])


@jit_inline
def add_nudging(t, x, row, drive, dx):
    """Add ``kappa (target(t) - x)`` to ``dx`` where there is nudging."""
    for e in range(x.size):
        if drive.kappa[e] != 0.0:
            cell, u = grid_place(t, drive.trajectory[row], drive)
            c = drive.target[drive.trajectory[row], cell, :, e]
            target = ((c[0] * u + c[1]) * u + c[2]) * u + c[3] + given_until(t, e, row, drive)
            dx[e] += drive.kappa[e] * (target - x[e])


@jit_inline
def flow(t, x, terms, entries, coefficients, row, drive, z, theta, dx):
    """Fill ``dx`` with the right-hand side at ``(t, x)`` of a stretch (a row of `drive`).

    ``z`` and ``theta`` are work space.
    """
    fill_point(t, x, row, drive, z)
    evaluate_terms(z, terms, theta)
    for e in range(x.size):
        dx[e] = drive.rate[row, e]
    for j in range(entries.state.size):
        c = coefficients[entries.column[j]]
        if c != 0.0:
            dx[entries.state[j]] += c * entries.value[j] * theta[entries.term[j]]
    add_nudging(t, x, row, drive, dx)


@jit_inline
def flow_jacobian(t, x, terms, entries, coefficients, row, drive, z, theta, slope, dx, jacobian):
    """Fill ``dx`` and its Jacobian (n_state, n_state) in the states, nudging included."""
    d = x.size
    fill_point(t, x, row, drive, z)
    evaluate_slopes(z, terms, theta, slope)
    for e in range(d):
        dx[e] = drive.rate[row, e]
        for m in range(d):
            jacobian[e, m] = 0.0
        jacobian[e, e] = -drive.kappa[e]
    for j in range(entries.state.size):
        c = coefficients[entries.column[j]] * entries.value[j]
        if c != 0.0:
            k, e = entries.term[j], entries.state[j]
            dx[e] += c * theta[k]
            for f in range(terms.factor_count[k]):
                m = terms.factor_variable[k, f]
                if m < d:
                    jacobian[e, m] += c * slope[k, f]
    add_nudging(t, x, row, drive, dx)

"""Implicit integration of stiff table-driven models: one Rosenbrock step, and the rest of a path.

A Rosenbrock step of ``dx/dt = f(t, x)`` solves ``(I/(h gamma) - J) u_i = f(t + c_i h, x + sum_j
a_ij u_j) + sum_j c_ij u_j / h + h d_i df/dt``, one factorisation for all stages (Hairer and Wanner
1996, Solving ODEs II, IV.7, eq. 7.25).  The Jacobian is exact, from the tables; ``df/dt`` comes
from the slopes of the inputs' and the target's cubic pieces.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compiled import jit_internal
from .control import DIVERGED, OK, STEP_TOO_SMALL, TOO_STIFF, next_step_factor, out_of_bounds
from .flow import flow, flow_jacobian, grid_place, piece_at
from .linear import copy_vector, factorise, solve_factored
from .rosenbrock_tableau import COUPLING, DENSE, GAMMA, NODES, STAGES, TIME_SLOPE


class Space(NamedTuple):
    """Work space of the implicit steps of one trajectory.

    Attributes
    ----------
    z, theta, slope
        For ``flow_jacobian``.
    jacobian : (n_state, n_state) array
    rate, time_slope : (n_state,) arrays
        Right-hand side and its partial derivative in time, at the start of the step.
    matrix : (n_state, n_state) array; pivot : (n_state,) int array
        Factors of ``I/(h gamma) - J``.
    stage : (8, n_state) array
    dense : (3, n_state) array
        Coefficients of the dense output.
    x_stage : (n_state,) array
    """

    z: NDArray[np.float64]
    theta: NDArray[np.float64]
    slope: NDArray[np.float64]
    jacobian: NDArray[np.float64]
    rate: NDArray[np.float64]
    time_slope: NDArray[np.float64]
    matrix: NDArray[np.float64]
    pivot: NDArray[np.int64]
    stage: NDArray[np.float64]
    dense: NDArray[np.float64]
    x_stage: NDArray[np.float64]


@jit_internal
def make_space(d, n_input, n_term):
    """Work space for `d` states, `n_input` inputs and `n_term` terms."""
    return Space(
        np.empty(d + n_input),
        np.empty(n_term),
        np.empty((n_term, 3)),
        np.empty((d, d)),
        np.empty(d),
        np.empty(d),
        np.empty((d, d)),
        np.empty(d, np.int64),
        np.empty((8, d)),
        np.empty((3, d)),
        np.empty(d),
    )


@jit_internal
def target_slope(t, e, row, drive):
    """Slope of the nudging target of state ``e`` at time ``t``."""
    trajectory = drive.trajectory[row]
    cell, u = grid_place(t, trajectory, drive)
    end = drive.step[trajectory]
    # Outside its grid the continuous part is held constant.
    offset = t - drive.origin[trajectory] - cell * end
    if offset < 0.0 or offset > end:
        return drive.rate[row, e]
    c = drive.target[trajectory, cell, :, e]
    return (3.0 * c[0] * u + 2.0 * c[1]) * u + c[2] + drive.rate[row, e]


@jit_internal
def input_slope(t, i, row, drive):
    """Slope of input ``i`` at time ``t``; before its first piece it is constant."""
    piece = piece_at(t, drive.knot[row])
    u = t - drive.knot[row, piece]
    if u < 0.0:
        return 0.0
    c = drive.inputs[row, piece, :, i]
    return (3.0 * c[0] * u + 2.0 * c[1]) * u + c[2]


@jit_internal
def linearise(t, ahead, x, terms, entries, coefficients, row, drive, space):
    """Fill the right-hand side, its Jacobian and its partial derivative in time at ``(t, x)``.

    Slopes are taken at ``t + ahead``, a moment later: where a piece ends, the next one counts.
    """
    d = x.size
    flow_jacobian(
        t,
        x,
        terms,
        entries,
        coefficients,
        row,
        drive,
        space.z,
        space.theta,
        space.slope,
        space.rate,
        space.jacobian,
    )
    n_input = space.z.size - d
    for e in range(d):
        space.time_slope[e] = 0.0
        if drive.kappa[e] != 0.0:
            slope = target_slope(t + ahead, e, row, drive)
            space.time_slope[e] = drive.kappa[e] * slope
    if n_input > 0:
        for i in range(n_input):
            space.z[d + i] = input_slope(t + ahead, i, row, drive)
        for j in range(entries.state.size):
            k, c = entries.term[j], coefficients[entries.column[j]] * entries.value[j]
            for f in range(terms.factor_count[k]):
                m = terms.factor_variable[k, f]
                if m >= d:
                    space.time_slope[entries.state[j]] += c * space.slope[k, f] * space.z[m]


@jit_internal
def step_from(t, h, x, terms, entries, coefficients, row, drive, space, fresh, x_new):
    """One step, from a point that is linearised unless it is `fresh`; False if singular.

    Fills ``x_new``, the stages (the last is the error) and the dense output of `space`.
    """
    d = x.size
    if not fresh:
        linearise(t, 1e-6 * h, x, terms, entries, coefficients, row, drive, space)
    for e in range(d):
        for m in range(d):
            space.matrix[e, m] = -space.jacobian[e, m]
        space.matrix[e, e] += 1.0 / (h * GAMMA)
    if not factorise(space.matrix, space.pivot):
        return False
    for s in range(8):
        u = space.stage[s]
        if s == 0:
            for e in range(d):
                u[e] = space.rate[e]
        else:
            for e in range(d):
                a = x[e]
                for q in range(s):
                    a += STAGES[s, q] * space.stage[q, e]
                space.x_stage[e] = a
            flow(
                t + NODES[s] * h,
                space.x_stage,
                terms,
                entries,
                coefficients,
                row,
                drive,
                space.z,
                space.theta,
                u,
            )
        for e in range(d):
            a = 0.0
            for q in range(s):
                a += COUPLING[s, q] * space.stage[q, e]
            u[e] += a / h + h * TIME_SLOPE[s] * space.time_slope[e]
        solve_factored(space.matrix, space.pivot, u)
    for e in range(d):
        x_new[e] = space.x_stage[e] + space.stage[7, e]
        for p in range(3):
            a = 0.0
            for q in range(8):
                a += DENSE[p, q] * space.stage[q, e]
            space.dense[p, e] = a
    return True


@jit_internal
def implicit_error(x, x_new, space, tolerance):
    """Error of a step over its tolerance, in its worst component: every component counts.

    Unlike the explicit method's mean square: a fast component that follows the others has most
    of the error, and its own accuracy is wanted.
    """
    worst = 0.0
    for e in range(x.size):
        scale = tolerance.absolute[e] + tolerance.relative * max(abs(x[e]), abs(x_new[e]))
        ratio = abs(space.stage[7, e]) / scale
        if not ratio <= worst:
            worst = ratio
    return worst


@jit_internal
def dense_state(s, x, x_new, space, out):
    """Fill ``out`` with the state at the fraction ``s`` of a step."""
    for e in range(x.size):
        a = space.dense[0, e] + s * (space.dense[1, e] + s * space.dense[2, e])
        out[e] = (1.0 - s) * x[e] + s * (x_new[e] + (1.0 - s) * a)


@jit_internal
def integrate_stiff(
    t,
    h,
    end,
    x,
    i,
    stop,
    max_steps,
    time,
    terms,
    entries,
    coefficients,
    row,
    drive,
    tolerance,
    out,
):
    """Continue a stretch to its end from the state ``x`` at ``t``; leave the last state in ``x``.

    Parameters
    ----------
    t, h, end : float
        Present time, a first step, end of the stretch.
    x : (n_state,) array
    i, stop : int
        Rows of `out` from `i` up to, not with, `stop` are wanted; ``time[i] > t``.
    max_steps : int
    time, terms, entries, coefficients, drive, tolerance, out
        As ``twinlab.kernels.integrate`` takes them.
    row : int
        The stretch.

    Returns
    -------
    int
        0, or the reason of the failure (``STATUS_TEXT``).
    """
    d, span = x.size, end - t
    final = x
    space = make_space(d, drive.inputs.shape[3], terms.factor_count.size)
    x_new = np.empty(d)
    # Both are false; as literals they would have the steps compiled once more.
    rejected = fresh = h < 0.0
    for _ in range(max_steps):
        h = min(h, end - t)
        error = np.inf
        if step_from(t, h, x, terms, entries, coefficients, row, drive, space, fresh, x_new):
            error = implicit_error(x, x_new, space, tolerance)
        fresh = True
        if not error <= 1.0:
            h *= next_step_factor(error) if error < 1e10 else 0.1
            rejected = True
            if not t + 0.1 * h > t:
                return STEP_TOO_SMALL
            continue
        if out_of_bounds(x_new, tolerance):
            return DIVERGED
        last = t + h >= end - 1e-12 * span
        while i < stop and (time[i] <= t + h or last):
            dense_state(min((time[i] - t) / h, 1.0), x, x_new, space, out[i])
            i += 1
        t += h
        x, x_new = x_new, x
        if last:
            copy_vector(x, final)
            return OK
        fresh = False
        factor = next_step_factor(error)
        h *= min(factor, 1.0) if rejected else factor
        rejected = False
    return TOO_STIFF

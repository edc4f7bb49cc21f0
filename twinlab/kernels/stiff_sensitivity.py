"""Sensitivities of a stiff trajectory to the coefficient of every library column.

Over one step the variational equation ``dS/dt = J S + N theta`` is solved by the Radau IIA method
of order 5 along the dense output of the states.  The equation is linear, so the method is a linear
map of ``S(t)`` and of the sources at its three nodes, and the map is formed once for all columns:

    S(t + h) = M S(t) + sum_q G_q N theta(x(t + c_q h)).

With ``(V_1 V_2 V_3)`` the last block row of ``(I - h A (x) J)^-1``, where block row ``i`` of
``A (x) J`` holds ``a_iq J(t + c_q h)``: ``M = sum_i V_i`` and ``G_q = h sum_i a_iq V_i``, since the
last stage is the solution (Hairer and Wanner 1996, Solving ODEs II, IV.8, eq. 8.1).  A step costs
a column ``n_state**2 + 3 n_state`` multiply-adds.  Modes that decay within a step are damped as
they should (the method is L-stable) and follow their source at the end of the step, which
quadrature over the propagator, right for slow modes, would miss by the stiffness times the step.

The step is as long as two sets of representatives allow: the sensitivities to the initial state,
and those to a constant added to each equation from the switch on.  Any column is a superposition
of such responses, as fine as the states (and so its source) vary.
"""

from __future__ import annotations

import numpy as np

from .compiled import jit_internal
from .control import DIVERGED, OK, STEP_TOO_SMALL, TOO_STIFF, next_step_factor, out_of_bounds
from .flow import evaluate_terms, fill_point
from .linear import copy_matrix, copy_vector, factorise, multiply, solve_factored
from .rosenbrock import dense_state, implicit_error, linearise, make_space, step_from
from .rosenbrock_tableau import RADAU, RADAU_ERROR, RADAU_GAMMA, RADAU_LAST, RADAU_NODES

#: Error allowed in the representatives in one step, by an estimate of order 3.
SENSITIVITY_TOLERANCE = 1e-4


@jit_internal
def fill_collocation(h, jacobian, out):
    """Fill ``out`` (3 d, 3 d) with the transpose of ``I - h A (x) J``; `jacobian` is (3, d, d)."""
    d = jacobian.shape[1]
    for q in range(3):
        for i in range(3):
            for m in range(d):
                for e in range(d):
                    out[q * d + m, i * d + e] = -h * RADAU[i, q] * jacobian[q, e, m]
    for a in range(3 * d):
        out[a, a] += 1.0


@jit_internal
def step_map(h, weight, matrix, pivot, row, m, g):
    """Fill the maps from the start ``m`` (d, d) and from the sources ``g`` (3, d, d) of a step to
    ``sum_i weight_i Y_i``, ``Y_i`` the stages; `matrix` and `pivot` are the collocation's factors.
    """
    d = m.shape[0]
    for e in range(d):
        for a in range(3 * d):
            row[a] = 0.0
        for i in range(3):
            row[i * d + e] = weight[i]
        solve_factored(matrix, pivot, row)
        for c in range(d):
            m[e, c] = row[c] + row[d + c] + row[2 * d + c]
            for q in range(3):
                a = RADAU[0, q] * row[c] + RADAU[1, q] * row[d + c] + RADAU[2, q] * row[2 * d + c]
                g[q, e, c] = h * a


@jit_internal
def fill_error_map(h, jacobian, matrix, pivot, column, m, g):
    """Turn ``m`` and ``g``, made with ``RADAU_ERROR``, into the map of the start to the error and
    of a constant source to the error (left in ``g[0]``); False if a matrix is singular.

    ``(I - h gamma J)^-1 (h gamma dY/dt + sum_i e_i (Y_i - Y))``: Hairer and Wanner (1996), Solving
    ODEs II, eq. IV.8.19.  `matrix` (d, d), `pivot` and `column` (d,) are work space; `jacobian` is
    that of the start.
    """
    d = m.shape[0]
    slope = h * RADAU_GAMMA
    total = RADAU_ERROR[0] + RADAU_ERROR[1] + RADAU_ERROR[2]
    for e in range(d):
        for c in range(d):
            matrix[e, c] = -slope * jacobian[e, c]
            m[e, c] += slope * jacobian[e, c]
            g[0, e, c] += g[1, e, c] + g[2, e, c]
        matrix[e, e] += 1.0
        m[e, e] -= total
        g[0, e, e] += slope
    if not factorise(matrix, pivot):
        return False
    for part in range(2):
        target = m if part == 0 else g[0]
        for c in range(d):
            for e in range(d):
                column[e] = target[e, c]
            solve_factored(matrix, pivot, column)
            for e in range(d):
                target[e, c] = column[e]
    return True


@jit_internal
def advance(m, g, own, out):
    """Fill ``out`` (d, 2 d) with the representatives after a step; `own` are those before.

    The left half has no source, the right half a constant one.
    """
    d = m.shape[0]
    multiply(m, own, out)
    for q in range(g.shape[0]):
        for e in range(d):
            for c in range(d):
                out[e, d + c] += g[q, e, c]


@jit_internal
def relative_error(error, own, largest, tolerance):
    """Error of the representatives (d, 2 d) over their tolerance, the worst column counting.

    In units of the states' scales, relative to each column's largest size so far (`largest`,
    (2 d,), which is brought up to date).  An estimate of order 3 errs by h^4 where the method errs
    by h^6: for an error of `tolerance.relative` its power 2/3 is allowed.
    """
    worst, allowed = 0.0, min(SENSITIVITY_TOLERANCE, tolerance.relative ** (2.0 / 3.0))
    for c in range(own.shape[1]):
        a = 0.0
        for e in range(own.shape[0]):
            a = max(a, abs(error[e, c]) / tolerance.absolute[e])
            largest[c] = max(largest[c], abs(own[e, c]) / tolerance.absolute[e])
        ratio = a / (allowed * largest[c])
        if not ratio <= worst:
            worst = ratio
    return worst


@jit_internal
def add_sources(g, rate, entry_state, s):
    """Add the responses to the sources at the nodes to every entry's sensitivities.

    Parameters
    ----------
    g : (3, d, d) array
    rate : (3, n_entry) array
        Terms at the nodes.
    entry_state : (n_entry,) int array, sorted
    s : (d, >= n_entry) array
    """
    n_entry = entry_state.size
    for m in range(g.shape[1]):
        row = s[m]
        begin = 0
        while begin < n_entry:
            e = entry_state[begin]
            end = begin
            while end < n_entry and entry_state[end] == e:
                end += 1
            a0, a1, a2 = g[0, m, e], g[1, m, e], g[2, m, e]
            for j in range(begin, end):
                row[j] += a0 * rate[0, j] + a1 * rate[1, j] + a2 * rate[2, j]
            begin = end


@jit_internal
def continue_stiff(
    t,
    h,
    end,
    x,
    s,
    i,
    stop,
    max_steps,
    time,
    terms,
    entries,
    coefficients,
    all_terms,
    all_entries,
    stretch,
    drive,
    tolerance,
    x_out,
    s_out,
):
    """Continue a stretch and its sensitivities to its end; leave the last ones in ``x`` and ``s``.

    Parameters
    ----------
    t, h, end : float
        Present time, a first step, end of the stretch.
    x : (n_state,) array; s : (n_state, n_entry + n_state) array
        Present state and sensitivities.
    i, stop : int
        Rows of the results from `i` up to, not with, `stop` are wanted; ``time[i] > t``.
    max_steps : int
    time, ..., s_out
        As ``twinlab.kernels.trajectory_sensitivity`` takes them.
    stretch : int
        The row of `drive`.

    Returns
    -------
    int
        0, or the reason of the failure (``STATUS_TEXT``).
    """
    d, n_entry = x.size, all_entries.state.size
    final, goal = s, time[i] if i < stop else end
    space = make_space(d, drive.inputs.shape[3], terms.factor_count.size)
    all_theta, rate = np.empty(all_terms.factor_count.size), np.empty((3, n_entry))
    x_node, jacobian, start = np.empty((3, d)), np.empty((3, d, d)), np.empty((d, d))
    matrix, pivot, row = np.empty((3 * d, 3 * d)), np.empty(3 * d, np.int64), np.empty(3 * d)
    m, g, m_error, g_error = (
        np.empty((d, d)),
        np.empty((3, d, d)),
        np.empty((d, d)),
        np.empty((3, d, d)),
    )
    own, own_new, error_own = np.zeros((d, 2 * d)), np.empty((d, 2 * d)), np.empty((d, 2 * d))
    largest, s_new = np.zeros(2 * d), np.empty((d, n_entry + d))
    for c in range(d):
        largest[c] = 1.0 / tolerance.absolute[c]
        for e in range(d):
            own[e, c] = s[e, n_entry + c]
    # Both are false; as literals they would have the steps compiled once more.
    rejected = fresh = h < 0.0
    for _ in range(max_steps):
        onto = h >= (goal - t) * (1.0 - 1e-9)
        step = goal - t if onto else h
        error, error_s = np.inf, 0.0
        if step_from(
            t, step, x, terms, entries, coefficients, stretch, drive, space, fresh, x_node[2]
        ):
            error = implicit_error(x, x_node[2], space, tolerance)
        fresh = True
        if error <= 1.0:
            if out_of_bounds(x_node[2], tolerance):
                return DIVERGED
            copy_matrix(space.jacobian, start)
            fresh = False
            for q in range(3):
                if q < 2:
                    dense_state(RADAU_NODES[q], x, x_node[2], space, x_node[q])
                linearise(
                    t + RADAU_NODES[q] * step,
                    1e-6 * step,
                    x_node[q],
                    terms,
                    entries,
                    coefficients,
                    stretch,
                    drive,
                    space,
                )
                copy_matrix(space.jacobian, jacobian[q])
            fill_collocation(step, jacobian, matrix)
            error_s = np.inf
            if factorise(matrix, pivot):
                step_map(step, RADAU_LAST, matrix, pivot, row, m, g)
                step_map(step, RADAU_ERROR, matrix, pivot, row, m_error, g_error)
                if fill_error_map(
                    step, start, space.matrix, space.pivot, space.x_stage, m_error, g_error
                ):
                    advance(m, g, own, own_new)
                    advance(m_error, g_error[:1], own, error_own)
                    error_s = relative_error(error_own, own_new, largest, tolerance)
        factor = next_step_factor(error) if error < 1e10 else 0.1
        # The estimate for the sensitivities is of order 3.
        factor_s = min(5.0, max(0.2, 0.9 * max(error_s, 1e-12) ** -0.25))
        factor = min(factor, factor_s if error_s < 1e10 else 0.1)
        if not (error <= 1.0 and error_s <= 1.0):
            h = step * factor
            rejected = True
            if not t + 0.1 * h > t:
                return STEP_TOO_SMALL
            continue
        fresh = True
        for q in range(3):
            fill_point(t + RADAU_NODES[q] * step, x_node[q], stretch, drive, space.z)
            evaluate_terms(space.z, all_terms, all_theta)
            for j in range(n_entry):
                rate[q, j] = all_theta[all_entries.term[j]] * all_entries.value[j]
        multiply(m, s, s_new)
        add_sources(g, rate, all_entries.state, s_new)
        s, s_new = s_new, s
        own, own_new = own_new, own
        copy_vector(x_node[2], x)
        t += step
        if onto:
            t = goal
            if i < stop:
                copy_vector(x, x_out[i])
                copy_matrix(s, s_out[i])
                i += 1
            if t >= end:
                copy_matrix(s, final)
                return OK
            goal = time[i] if i < stop else end
        grown = step * (min(factor, 1.0) if rejected else factor)
        # A step cut short by an output time says little about the step that could be made.
        h = max(h, grown) if onto else grown
        rejected = False
    return TOO_STIFF

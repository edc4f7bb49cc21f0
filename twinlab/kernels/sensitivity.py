"""Sensitivities of a simulated trajectory to the coefficient of every library column.

The variational equation ``dS/dt = J S + N theta`` is not integrated column by column.  Over one
Runge-Kutta step only the small propagator ``M`` (``dM/dt = J M``, ``M(0) = I``) is integrated; by
variation of constants

    S(t + h) = M(h) S(t) + int_0^h M(h) M(s)^-1 N theta(x(s)) ds,

and the integral is the Gauss-Lobatto rule with four nodes (order 6; Abramowitz and Stegun 1964,
25.4.32) on the step's dense output.  A step costs ``n_state**2 + 4 n_state`` multiply-adds a
column, whatever the number of stages, in loops over contiguous columns.
"""

from __future__ import annotations

import numpy as np

from .compiled import jit, jit_inline
from .control import (
    DIVERGED,
    OK,
    STEP_TOO_SMALL,
    STIFF_STEPS,
    TOO_MANY_STEPS,
    WORTH_SWITCHING,
    first_step,
    next_step_factor,
    out_of_bounds,
)
from .flow import evaluate_terms, fill_point, flow_jacobian
from .integrate import add_jump, first_stretch, stretch_end
from .linear import copy_matrix, copy_vector, divide_right_transposed, multiply, transpose
from .propagator import PROPAGATOR_TOLERANCE, add_source, inner_point, stage_point, step_error
from .stiff_sensitivity import continue_stiff
from .tableau import ERROR, NODES, dense_weights

#: A model is stiff where the error of what there is to follow is below this share of the error
#: that holds the step: the step could be four times as long.
HELD_BACK = 1e-3

_INNER = (0.5 - 0.5 / np.sqrt(5.0), 0.5 + 0.5 / np.sqrt(5.0))
_INNER_TIME = np.array(_INNER)
_INNER_WEIGHT = np.array([dense_weights(_INNER[0]), dense_weights(_INNER[1])])


@jit
def held_by_dead_mode(x, x_new, k, m_rate, h, s, first, tolerance):
    """Whether a mode that has died away holds the step: the sign of stiffness.

    The propagator of a step always starts at the identity, so it holds every decaying mode and
    needs steps that resolve the fastest.  Where neither the states nor their sensitivities to the
    initial state (columns of `s` from `first` on) have that mode any more, this is in vain.
    """
    d = x.size
    state, worst, live = 0.0, 0.0, 0.0
    for c in range(d):
        error, size = 0.0, 0.0
        for e in range(d):
            a, b = 0.0, 0.0
            for q in range(7):
                a += ERROR[q] * k[q, e]
                b += ERROR[q] * m_rate[q, e, c]
            scale = tolerance.absolute[e] + tolerance.relative * max(abs(x[e]), abs(x_new[e]))
            state = max(state, abs(h * a) / scale)
            worst = max(worst, abs(h * b) * tolerance.absolute[c] / tolerance.absolute[e])
            a = 0.0
            for m in range(d):
                b = 0.0
                for q in range(7):
                    b += ERROR[q] * m_rate[q, e, m]
                a += h * b * s[m, first + c]
            error = max(error, abs(a) / tolerance.absolute[e])
            size = max(size, abs(s[e, first + c]) / tolerance.absolute[e])
        if error > live * size:
            live = error / size
    allowed = HELD_BACK * worst
    return live < allowed and state * PROPAGATOR_TOLERANCE < allowed


@jit_inline
def stretch_sensitivity(
    t,
    end,
    x,
    s,
    i,
    stop,
    time,
    terms,
    entries,
    coefficients,
    all_terms,
    all_entries,
    row,
    drive,
    tolerance,
    x_out,
    s_out,
):
    """Go through one stretch, from ``x`` and ``s`` at ``t``, and leave those at ``end`` in them.

    Fills the rows of the results from `i` up to, not with, `stop`; the rest is as
    `trajectory_sensitivity` has it.
    """
    d, n_entry = x.size, all_entries.state.size
    z = np.empty(d + drive.inputs.shape[3])
    theta, slope = np.empty(terms.factor_count.size), np.empty((terms.factor_count.size, 3))
    all_theta = np.empty(all_terms.factor_count.size)
    # Propagators are also seen as vectors: loops over all their elements run several times faster.
    k, flat_rate = np.empty((7, d)), np.empty((7, d * d))
    flat_stage, flat_node = np.empty(d * d), np.empty(d * d)
    m_rate, m_stage = flat_rate.reshape((7, d, d)), flat_stage.reshape((d, d))
    m_node, jacobian = flat_node.reshape((d, d)), np.empty((d, d))
    kernel, work = np.zeros((4, d, d)), np.empty((d, d))
    rate = np.empty((4, n_entry))
    x_stage, x_node = np.empty(d), np.empty(d)
    final, s_new = s, np.empty((d, n_entry + d))
    for e in range(d):
        kernel[3, e, e] = 1.0
    span = end - t
    goal = time[i] if i < stop else end
    h, step, onto, rejected = 0.0, 0.0, False, False
    first_stage, first_node, held = 0, 0, 0
    most = tolerance.max_steps + stop - i + 1
    for count in range(most):
        if first_stage > 0:
            onto = h >= (goal - t) * (1.0 - 1e-9)
            step = goal - t if onto else h
        for q in range(first_stage, 7):
            stage_point(x, k, flat_rate, step, q, x_stage, flat_stage)
            # The one place that calls `flow_jacobian`, since every call is compiled in full.
            flow_jacobian(
                t + NODES[q] * step,
                x_stage,
                terms,
                entries,
                coefficients,
                row,
                drive,
                z,
                theta,
                slope,
                k[q],
                jacobian,
            )
            multiply(jacobian, m_stage, m_rate[q])
            if q == 0:
                h = first_step(x, k[0], span, tolerance)
                onto = h >= (goal - t) * (1.0 - 1e-9)
                step = goal - t if onto else h
        first_stage = 1
        error = step_error(x, x_stage, k, flat_rate, step, tolerance, flat_node)
        if not error <= 1.0:
            h = step * (next_step_factor(error) if error < 1e10 else 0.1)
            rejected = True
            if not t + 0.1 * h > t:
                return STEP_TOO_SMALL
            continue
        if out_of_bounds(x_stage, tolerance):
            return DIVERGED
        if end - t > (WORTH_SWITCHING + 2 * (stop - i)) * h:
            stiff = held_by_dead_mode(x, x_stage, k, m_rate, step, s, n_entry, tolerance)
            held = held + 1 if stiff else max(held - 1, 0)
        # x_stage and m_stage are now the solution and the propagator at the end of the step.
        transpose(m_stage, kernel[0])
        for q in range(first_node, 4):
            node_time = t
            if q == 0:
                copy_vector(x, x_node)
            elif q == 3:
                node_time = t + step
                copy_vector(x_stage, x_node)
            else:
                node_time = t + _INNER_TIME[q - 1] * step
                inner_point(x, k, flat_rate, step, _INNER_WEIGHT[q - 1], x_node, flat_node)
                if not divide_right_transposed(m_stage, m_node, kernel[q], work):
                    return DIVERGED
            fill_point(node_time, x_node, row, drive, z)
            evaluate_terms(z, all_terms, all_theta)
            for j in range(n_entry):
                rate[q, j] = all_theta[all_entries.term[j]] * all_entries.value[j]
        first_node = 1
        multiply(m_stage, s, s_new)
        add_source(step, kernel, rate, all_entries.state, s_new, x_node)
        s, s_new = s_new, s
        copy_vector(rate[3], rate[0])
        copy_vector(x_stage, x)
        copy_vector(k[6], k[0])
        copy_matrix(jacobian, m_rate[0])
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
        factor = next_step_factor(error)
        grown = step * (min(factor, 1.0) if rejected else factor)
        # A step cut short by an output time says little about the step that could be made.
        h = max(h, grown) if onto else grown
        rejected = False
        if held == STIFF_STEPS:
            status = continue_stiff(
                t,
                h,
                end,
                x,
                s,
                i,
                stop,
                most - count - 1,
                time,
                terms,
                entries,
                coefficients,
                all_terms,
                all_entries,
                row,
                drive,
                tolerance,
                x_out,
                s_out,
            )
            copy_matrix(s, final)
            return status
    return TOO_MANY_STEPS


@jit
def trajectory_sensitivity(
    initial,
    time,
    terms,
    entries,
    coefficients,
    all_terms,
    all_entries,
    trajectory,
    drive,
    tolerance,
    x_out,
    s_out,
):
    """Integrate a trajectory and its sensitivities to all entries and to the initial state.

    Parameters
    ----------
    initial : (n_state,) array
        State at ``time[0]``, before what happens at this time.
    time : (n_time,) array, increasing; the solver steps onto every time
    terms, entries, coefficients
        The active model.
    all_terms, all_entries
        The columns whose sensitivities are wanted (entries sorted by state).
    trajectory : int; drive : Drive; tolerance : Tolerance
    x_out : (n_time, n_state) array
        At the time of an event before it.
    s_out : (n_time, n_state, n_entry + n_state) array
        Derivatives with respect to the entry's coefficient (times its stoichiometry), then to
        the initial state.

    Returns
    -------
    int
        0, or the reason of the failure (``twinlab.kernels.integrate.STATUS_TEXT``).
    """
    d, n_time, n_entry = initial.size, time.size, all_entries.state.size
    x, s = initial.copy(), np.zeros((d, n_entry + d))
    for e in range(d):
        s[e, n_entry + e] = 1.0
    copy_vector(x, x_out[0])
    copy_matrix(s, s_out[0])
    # A literal 1 would have the stretches compiled once more.
    t, i = time[0], min(n_time, 1)
    row = first_stretch(t, trajectory, drive)
    while i < n_time:
        end, stop = stretch_end(row, i, trajectory, drive, time)
        if end > t:
            status = stretch_sensitivity(
                t,
                end,
                x,
                s,
                i,
                stop,
                time,
                terms,
                entries,
                coefficients,
                all_terms,
                all_entries,
                row,
                drive,
                tolerance,
                x_out,
                s_out,
            )
            if status != OK:
                return status
        t, i = end, stop
        if i < n_time:
            # A jump does not depend on coefficients or states: sensitivities go on unchanged.
            row += 1
            add_jump(row, drive, x)
    return OK

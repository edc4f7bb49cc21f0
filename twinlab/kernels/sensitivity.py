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

from .flow import evaluate_terms, fill_point, flow_jacobian, jit
from .integrate import (
    DIVERGED,
    OK,
    STEP_TOO_SMALL,
    TOO_MANY_STEPS,
    first_step,
    next_step_factor,
    out_of_bounds,
)
from .tableau import ERROR, NODES, STAGES, dense_weights

#: Error allowed in the propagator of one step.
PROPAGATOR_TOLERANCE = 1e-4

_INNER = (0.5 - 0.5 / np.sqrt(5.0), 0.5 + 0.5 / np.sqrt(5.0))
_INNER_TIME = np.array(_INNER)
_INNER_WEIGHT = np.array([dense_weights(_INNER[0]), dense_weights(_INNER[1])])
_LOBATTO = np.array([1 / 12, 5 / 12, 5 / 12, 1 / 12])


@jit
def copy_vector(source, out):
    """Copy by a loop: numba compiles it in a tenth of the time of ``out[:] = source``."""
    for i in range(source.size):
        out[i] = source[i]


@jit
def copy_matrix(source, out):
    """Copy by loops (see `copy_vector`)."""
    for i in range(source.shape[0]):
        for j in range(source.shape[1]):
            out[i, j] = source[i, j]


@jit
def divide_right(p, m, out, work):
    """Fill ``out`` with ``p m^-1`` by Gaussian elimination; ``m`` is near the identity.

    Returns False where ``m`` is singular.  ``work`` has the shape of ``m``.
    """
    d = m.shape[0]
    for i in range(d):
        for j in range(d):
            work[i, j] = m[j, i]
            out[i, j] = p[i, j]
    # Solve m' y = p_row' for every row of p: eliminate below, then substitute back.
    for k in range(d):
        best = k
        for i in range(k + 1, d):
            if abs(work[i, k]) > abs(work[best, k]):
                best = i
        if work[best, k] == 0.0:
            return False
        if best != k:
            for j in range(d):
                work[k, j], work[best, j] = work[best, j], work[k, j]
            for r in range(d):
                out[r, k], out[r, best] = out[r, best], out[r, k]
        for i in range(k + 1, d):
            ratio = work[i, k] / work[k, k]
            if ratio != 0.0:
                for j in range(k, d):
                    work[i, j] -= ratio * work[k, j]
                for r in range(d):
                    out[r, i] -= ratio * out[r, k]
    for k in range(d - 1, -1, -1):
        for r in range(d):
            total = out[r, k]
            for j in range(k + 1, d):
                total -= work[k, j] * out[r, j]
            out[r, k] = total / work[k, k]
    return True


@jit
def stage_point(x, k, m_rate, h, s, x_stage, m_stage):
    """State and propagator at stage ``s`` from the rates of the stages before."""
    d = x.size
    for e in range(d):
        a = 0.0
        for q in range(s):
            a += STAGES[s, q] * k[q, e]
        x_stage[e] = x[e] + h * a
        for c in range(d):
            a = 0.0
            for q in range(s):
                a += STAGES[s, q] * m_rate[q, e, c]
            m_stage[e, c] = h * a
        m_stage[e, e] += 1.0


@jit
def multiply(a, b, out):
    """Fill ``out`` with ``a b``; zeros of ``a`` are skipped."""
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            out[i, j] = 0.0
        for m in range(a.shape[1]):
            v = a[i, m]
            if v != 0.0:
                for j in range(b.shape[1]):
                    out[i, j] += v * b[m, j]


@jit
def step_error(x, x_new, k, m_rate, h, tolerance):
    """Error of a step over its tolerance: states in the mean square, propagator at its worst.

    The propagator only carries sensitivities; its error is judged in units of the states' scales.
    """
    d = x.size
    error, worst = 0.0, 0.0
    for e in range(d):
        a = 0.0
        for q in range(7):
            a += ERROR[q] * k[q, e]
        scale = tolerance.absolute[e] + tolerance.relative * max(abs(x[e]), abs(x_new[e]))
        error += (h * a / scale) ** 2
        for c in range(d):
            a = 0.0
            for q in range(7):
                a += ERROR[q] * m_rate[q, e, c]
            ratio = tolerance.absolute[c] / tolerance.absolute[e]
            worst = max(worst, abs(h * a) * ratio / PROPAGATOR_TOLERANCE)
    return max(np.sqrt(error / d), worst)


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
    time : (n_time,) array, increasing; the solver steps onto every time
    terms, entries, coefficients
        The active model.
    all_terms, all_entries
        The columns whose sensitivities are wanted (entries sorted by state).
    trajectory : int; drive : Drive; tolerance : Tolerance
    x_out : (n_time, n_state) array
    s_out : (n_time, n_state, n_entry + n_state) array
        Derivatives with respect to the entry's coefficient (times its stoichiometry), then to
        the initial state.

    Returns
    -------
    int
        0, or the reason of the failure (``twinlab.kernels.integrate.STATUS_TEXT``).
    """
    d, n_time, n_entry = initial.size, time.size, all_entries.state.size
    z = np.empty(d + drive.inputs.shape[3])
    theta, slope = np.empty(terms.factor_count.size), np.empty((terms.factor_count.size, 3))
    all_theta = np.empty(all_terms.factor_count.size)
    k, m_rate = np.empty((7, d)), np.empty((7, d, d))
    jacobian, jacobian_new = np.empty((d, d)), np.empty((d, d))
    m_stage, m_inner, work = np.empty((d, d)), np.empty((d, d)), np.empty((d, d))
    kernel = np.empty((4, d, d))
    rate = np.empty((4, n_entry))
    x, x_stage = initial.copy(), np.empty(d)
    s, s_new = np.zeros((d, n_entry + d)), np.empty((d, n_entry + d))
    first = np.zeros(d + 1, np.int64)
    for j in range(n_entry):
        first[all_entries.state[j] + 1] += 1
    for e in range(d):
        first[e + 1] += first[e]
    for e in range(d):
        s[e, n_entry + e] = 1.0
    copy_vector(x, x_out[0])
    copy_matrix(s, s_out[0])
    t, span = time[0], time[n_time - 1] - time[0]
    flow_jacobian(
        t, x, terms, entries, coefficients, trajectory, drive, z, theta, slope, k[0], jacobian
    )
    fill_point(t, x, trajectory, drive, z)
    evaluate_terms(z, all_terms, all_theta)
    for j in range(n_entry):
        rate[3, j] = all_theta[all_entries.term[j]] * all_entries.value[j]
    h = first_step(x, k[0], span, tolerance)
    i, rejected = 1, False
    for _ in range(tolerance.max_steps + n_time):
        if i == n_time:
            return OK
        onto = h >= (time[i] - t) * (1.0 - 1e-9)
        step = time[i] - t if onto else h
        copy_matrix(jacobian, m_rate[0])
        for q in range(1, 7):
            stage_point(x, k, m_rate, step, q, x_stage, m_stage)
            flow_jacobian(
                t + NODES[q] * step,
                x_stage,
                terms,
                entries,
                coefficients,
                trajectory,
                drive,
                z,
                theta,
                slope,
                k[q],
                jacobian_new,
            )
            multiply(jacobian_new, m_stage, m_rate[q])
        error = step_error(x, x_stage, k, m_rate, step, tolerance)
        if not error <= 1.0:
            h = step * (next_step_factor(error) if error < 1e10 else 0.1)
            rejected = True
            if h < 1e-13 * span:
                return STEP_TOO_SMALL
            continue
        if out_of_bounds(x_stage, tolerance):
            return DIVERGED
        # x_stage and m_stage are now the solution and the propagator at the end of the step.
        for e in range(d):
            for c in range(d):
                kernel[0, e, c] = m_stage[e, c]
                kernel[3, e, c] = 1.0 if e == c else 0.0
        for j in range(n_entry):
            rate[0, j] = rate[3, j]
        for q in range(3):
            if q < 2:
                for e in range(d):
                    a = 0.0
                    for r in range(7):
                        a += _INNER_WEIGHT[q, r] * k[r, e]
                    z[e] = x[e] + step * a
                    for c in range(d):
                        a = 0.0
                        for r in range(7):
                            a += _INNER_WEIGHT[q, r] * m_rate[r, e, c]
                        m_inner[e, c] = step * a
                    m_inner[e, e] += 1.0
                if not divide_right(m_stage, m_inner, kernel[q + 1], work):
                    return DIVERGED
                fill_point(t + _INNER_TIME[q] * step, z[:d], trajectory, drive, z)
            else:
                fill_point(t + step, x_stage, trajectory, drive, z)
            evaluate_terms(z, all_terms, all_theta)
            for j in range(n_entry):
                rate[q + 1, j] = all_theta[all_entries.term[j]] * all_entries.value[j]
        multiply(m_stage, s, s_new)
        for m in range(d):
            row = s_new[m]
            for e in range(d):
                a0 = step * _LOBATTO[0] * kernel[0, m, e]
                a1 = step * _LOBATTO[1] * kernel[1, m, e]
                a2 = step * _LOBATTO[2] * kernel[2, m, e]
                a3 = step * _LOBATTO[3] * kernel[3, m, e]
                for j in range(first[e], first[e + 1]):
                    row[j] += a0 * rate[0, j] + a1 * rate[1, j] + a2 * rate[2, j] + a3 * rate[3, j]
        s, s_new = s_new, s
        for e in range(d):
            x[e] = x_stage[e]
            k[0, e] = k[6, e]
        copy_matrix(jacobian_new, jacobian)
        t += step
        if onto:
            t = time[i]
            copy_vector(x, x_out[i])
            copy_matrix(s, s_out[i])
            i += 1
        factor = next_step_factor(error)
        grown = step * (min(factor, 1.0) if rejected else factor)
        # A step cut short by an output time says little about the step that could be made.
        h = max(h, grown) if onto else grown
        rejected = False
    return OK if i == n_time else TOO_MANY_STEPS

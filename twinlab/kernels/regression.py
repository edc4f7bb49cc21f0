"""From simulated trajectories to a regression on the raw data: Gram assembly and polishing.

With ``x(t; w)`` the simulated trajectory, ``S`` its sensitivities to all columns and ``S0`` to the
initial state, the data obey ``z = (y - x + S w)/sigma = X w + X0 dx0 + noise``.  The initial
states have a weak normal prior and are integrated out per trajectory, so trajectories add up.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compiled import jit
from .design import design
from .integrate import OK
from .linear import divide_right, hold
from .local import local_coefficients, local_design
from .sensitivity import trajectory_sensitivity

#: Columns from which on only half of a symmetric product is worked out, in blocks of so many.
WORTH_HALVING, HALVING_BLOCK = 160, 80
#: A fit has come to rest where a step lowers its cost by less than its standstill, and this share.
STANDSTILL_SHARE = 1e-6


class Initial(NamedTuple):
    """Normal prior of what is local to a trajectory, given by `mean` and `precision`.

    Both are (n_trajectory, n_local): the initial state, then the deviations of the coefficients
    that vary (`twinlab.kernels.local`).
    """

    mean: NDArray[np.float64]
    precision: NDArray[np.float64]


@jit
def add_upper_half(rows, out):
    """Add ``rows' rows`` to ``out``, in blocks of which those below the diagonal are left out."""
    k = rows.shape[1]
    lines = np.ascontiguousarray(rows.T)
    for a in range(0, k, HALVING_BLOCK):
        b = min(a + HALVING_BLOCK, k)
        part = np.dot(lines[a:b], lines[a:].T)
        for i in range(part.shape[0]):
            for j in range(part.shape[1]):
                out[a + i, a + j] += part[i, j]


@jit
def normal_equations(
    initial,
    w,
    terms,
    entries,
    local,
    w_all,
    all_terms,
    all_entries,
    all_local,
    data,
    prior,
    drive,
    tolerance,
    precision,
    x_all,
):
    """Cost and blocks of the Gauss-Newton equations in all columns around an active model.

    Parameters
    ----------
    initial : (n_trajectory, n_local)
        Initial states, then deviations.
    w, terms, entries, local
        Coefficients (and effects) and tables of the active model, which is simulated.
    w_all : (k,); all_terms, all_entries, all_local
        Those of the columns the equations are in (the same, to polish it).
    precision : (k,)
        Prior precision of the coefficients.
    x_all : (n_row, n_observable) array
        Filled with the simulated observables at the data's times.

    Returns
    -------
    status : int
        0, or the reason of the first failing trajectory.
    cost : float
        Twice the negative log likelihood (weighted squares, if normal) plus both prior costs.
    h_w (k, k), g_w (k,), h_x (n_trajectory, n_local, n_local), g_x (n_trajectory, n_local),
    cross (n_trajectory, k, n_local)
        Half Hessian blocks and half negative gradients.
    """
    k, d, (n_trajectory, n_local) = w_all.size, tolerance.absolute.size, initial.shape
    h_w, g_w = np.zeros((k, k)), np.empty(k)
    h_x, g_x = np.zeros((n_trajectory, n_local, n_local)), np.zeros((n_trajectory, n_local))
    cross = np.zeros((n_trajectory, k, n_local))
    own_w, factor = np.empty(local.slot.size), np.empty(local.n_slot)
    cost, status = 0.0, OK
    for a in range(k):
        g_w[a] = -precision[a] * w_all[a]
        cost += precision[a] * w_all[a] * w_all[a]
    longest = 0
    for r in range(n_trajectory):
        longest = max(longest, data.start[r + 1] - data.start[r])
    n_most = longest * x_all.shape[1]
    # New memory costs as much as filling it: one piece serves all trajectories.
    x_most, s_most = np.empty((longest, d)), np.empty((longest, d, all_entries.state.size + d))
    rows_w, residual = np.empty((n_most, k)), np.empty(n_most)
    # The residual is the last column beside the local ones: one product gives both.
    rows_x = np.empty((n_most, n_local + 1))
    for r in range(n_trajectory):
        time = data.time[data.start[r] : data.start[r + 1]]
        observed = x_all[data.start[r] : data.start[r + 1]]
        x, s = x_most[: time.size], s_most[: time.size]
        local_coefficients(w, initial[r], d, r, local, factor, own_w)
        status = trajectory_sensitivity(
            initial[r, :d],
            time,
            terms,
            entries,
            own_w,
            all_terms,
            all_entries,
            r,
            drive,
            tolerance,
            x,
            s,
        )
        if status != OK:
            cost = np.inf
            break
        n, misfit = design(r, data, x, s, all_entries.column, rows_w, rows_x, residual, observed)
        if all_local.n_slot > 0:
            local_design(n, w_all, d, r, all_local, factor, rows_w, rows_x)
        for i in range(n):
            rows_x[i, n_local] = residual[i]
        design_w, design_x = rows_w[:n], rows_x[:n]
        if k < WORTH_HALVING:
            h_w += np.dot(design_w.T, design_w)
        else:
            add_upper_half(design_w, h_w)
        mixed, own = np.dot(design_w.T, design_x), np.dot(design_x.T, design_x)
        cost += misfit
        for a in range(k):
            g_w[a] += mixed[a, n_local]
            for e in range(n_local):
                cross[r, a, e] = mixed[a, e]
        for e in range(n_local):
            g_x[r, e] = own[e, n_local]
            for m in range(n_local):
                h_x[r, e, m] = own[e, m]
        for e in range(n_local):
            shift = prior.mean[r, e] - initial[r, e]
            cost += prior.precision[r, e] * shift * shift
            h_x[r, e, e] += prior.precision[r, e]
            g_x[r, e] += prior.precision[r, e] * shift
    for a in range(k):
        h_w[a, a] += precision[a]
        if k >= WORTH_HALVING:
            for b in range(a):
                h_w[a, b] = h_w[b, a]
    return status, cost, h_w, g_w, h_x, g_x, cross


@jit
def damped(matrix, damping):
    """Marquardt's damping: the diagonal grows by the fraction `damping`."""
    out = matrix.copy()
    for i in range(out.shape[0]):
        out[i, i] += damping * out[i, i] + 1e-12
    return out


@jit
def solve_positive(matrix, vector, out):
    """Fill ``out`` with ``matrix^-1 vector`` by Cholesky in place; False if not positive."""
    k = vector.size
    for i in range(k):
        for j in range(i + 1):
            v = matrix[i, j]
            for m in range(j):
                v -= matrix[i, m] * matrix[j, m]
            if i == j:
                if not v > 0.0:
                    return False
                matrix[i, i] = np.sqrt(v)
            else:
                matrix[i, j] = v / matrix[j, j]
        v = vector[i]
        for m in range(i):
            v -= matrix[i, m] * out[m]
        out[i] = v / matrix[i, i]
    for i in range(k - 1, -1, -1):
        v = out[i]
        for m in range(i + 1, k):
            v -= matrix[m, i] * out[m]
        out[i] = v / matrix[i, i]
    return True


@jit
def damped_step(h_w, g_w, h_x, g_x, cross, damping):
    """Solve the damped equations, what is local eliminated in blocks; False if singular."""
    k, (n_trajectory, d) = g_w.size, g_x.shape
    schur, rhs = damped(h_w, damping), g_w.copy()
    inverse = np.empty((n_trajectory, d, d))
    unit, work = np.zeros((d, d)), np.empty((d, d))
    for e in range(d):
        unit[e, e] = 1.0
    step_w, step_x = np.zeros(k), np.zeros((n_trajectory, d))
    for r in range(n_trajectory):
        own = inverse[r]
        if not divide_right(unit, damped(h_x[r], damping), own, work):
            return False, step_w, step_x
        for a in range(k):
            for j in range(d):
                b = 0.0
                for i in range(d):
                    b += cross[r, a, i] * own[i, j]
                rhs[a] -= b * g_x[r, j]
                for c in range(k):
                    schur[a, c] -= b * cross[r, c, j]
    if not solve_positive(schur, rhs, step_w):
        return False, step_w, step_x
    for r in range(n_trajectory):
        for j in range(d):
            rest = g_x[r, j]
            for a in range(k):
                rest -= cross[r, a, j] * step_w[a]
            for i in range(d):
                step_x[r, i] += inverse[r, i, j] * rest
    return True, step_w, step_x


@jit
def within(w, step, lower, upper):
    """Coefficients after a step, held within their bounds."""
    out = np.empty(w.size)
    for a in range(w.size):
        out[a] = min(max(w[a] + step[a], lower[a]), upper[a])
    return out


@jit
def polish(
    initial,
    w,
    terms,
    entries,
    local,
    data,
    prior,
    drive,
    tolerance,
    precision,
    lower,
    upper,
    max_iterations,
    damping,
    standstill,
):
    """Levenberg-Marquardt fit of what is shared and what is local to each trajectory.

    Marquardt (1963), J. SIAM 11, 431, with damping raised sixfold on failure and lowered fivefold
    on success; steps are projected onto the coefficients' bounds.  It ends where a step has changed
    next to nothing, or the equations promise less than a tenth of that of the next.

    Parameters
    ----------
    initial : (n_trajectory, n_local); w : (k,)
        Start: initial states and deviations; coefficients and effects.  Not changed.
    local : Local
    lower, upper : (k,) arrays
        A coefficient whose bounds are equal is held there.
    max_iterations : int
    damping : float
        To begin with: small where the start is near the optimum.
    standstill : float
        A step that lowers the cost by less is the last.

    Returns
    -------
    status : int
        0 unless the start itself cannot be simulated.
    w, initial, cost
        Optimum (or the best point met) and its cost.
    h_w, h_x, cross
        Half Hessian blocks there (Gauss-Newton).
    x : (n_row, n_observable) array
        Simulated observables there.
    """
    w = within(w, np.zeros(w.size), lower, upper)
    initial = initial.copy()
    x = np.empty(data.value.shape)
    x_try = np.empty(data.value.shape)
    status, cost, h_w, g_w, h_x, g_x, cross = normal_equations(
        initial,
        w,
        terms,
        entries,
        local,
        w,
        terms,
        entries,
        local,
        data,
        prior,
        drive,
        tolerance,
        precision,
        x,
    )
    if status == OK:
        hold(lower, upper, h_w, g_w, cross)
        for _ in range(max_iterations):
            improved = False
            gain = 0.0
            for _ in range(7):
                solved, step_w, step_x = damped_step(h_w, g_w, h_x, g_x, cross, damping)
                if not solved:
                    damping = max(damping, 1e-4) * 6.0
                    continue
                expected = 0.0
                for a in range(g_w.size):
                    expected += g_w[a] * step_w[a]
                for r in range(initial.shape[0]):
                    for e in range(initial.shape[1]):
                        expected += g_x[r, e] * step_x[r, e]
                        step_x[r, e] += initial[r, e]
                if expected < 0.1 * (standstill + STANDSTILL_SHARE * cost):
                    break
                w_try = within(w, step_w, lower, upper)
                trial = normal_equations(
                    step_x,
                    w_try,
                    terms,
                    entries,
                    local,
                    w_try,
                    terms,
                    entries,
                    local,
                    data,
                    prior,
                    drive,
                    tolerance,
                    precision,
                    x_try,
                )
                if trial[0] == OK and trial[1] < cost:
                    improved = True
                    gain = cost - trial[1]
                    _, cost, h_w, g_w, h_x, g_x, cross = trial
                    hold(lower, upper, h_w, g_w, cross)
                    w, initial = w_try, step_x
                    x, x_try = x_try, x
                    damping = max(damping / 5.0, 1e-8)
                    break
                damping = max(damping, 1e-4) * 6.0
            if not improved or gain < standstill + STANDSTILL_SHARE * cost:
                break
    return status, w, initial, cost, h_w, h_x, cross, x

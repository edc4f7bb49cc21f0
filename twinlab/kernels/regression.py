"""From simulated trajectories to a regression on the raw data: Gram assembly and polishing.

With ``x(t; w)`` the simulated trajectory, ``S`` its sensitivities to all columns and ``S0`` to the
initial state, the data obey ``z = (y - x + S w)/sigma = X w + X0 dx0 + noise``.  The initial
states have a weak normal prior and are integrated out per trajectory, so trajectories add up.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .flow import jit
from .integrate import DIVERGED, OK
from .sensitivity import trajectory_sensitivity


class Data(NamedTuple):
    """Measurements of all trajectories, one below the other.

    Attributes
    ----------
    start : (n_trajectory + 1,) int array
        Rows of trajectory ``r`` are ``start[r]:start[r + 1]``.
    time : (n_row,) array
    value : (n_row, n_state) array
        Zero where nothing was measured.
    weight : (n_row, n_state) array
        ``sqrt(replicates)/sigma``; zero where nothing was measured.
    logarithmic : bool
        Residuals are ``log y - log x`` (log-normal noise) instead of ``y - x``.
    """

    start: NDArray[np.int64]
    time: NDArray[np.float64]
    value: NDArray[np.float64]
    weight: NDArray[np.float64]
    logarithmic: bool


class Initial(NamedTuple):
    """Normal prior of the initial states: ``mean`` and ``precision`` (n_trajectory, n_state)."""

    mean: NDArray[np.float64]
    precision: NDArray[np.float64]


@jit
def design(r, data, x, s, entry_column, rows_w, rows_x, residual):
    """Weighted residual and design rows of one trajectory; returns the number of rows.

    Parameters
    ----------
    x : (n_time, n_state); s : (n_time, n_state, n_entry + n_state)
    entry_column : (n_entry,) int array
    rows_w : (n_time * n_state, n_column); rows_x : (n_time * n_state, n_state)
    residual : (n_time * n_state,)
    """
    d, n_entry, n = x.shape[1], entry_column.size, 0
    for i in range(x.shape[0]):
        for e in range(d):
            weight = data.weight[data.start[r] + i, e]
            if weight > 0.0:
                y = data.value[data.start[r] + i, e]
                if data.logarithmic:
                    # A state that touches zero has no logarithm: hold it at a tiny share of y.
                    floor = max(x[i, e], 1e-6 * y)
                    residual[n] = weight * np.log(y / floor)
                    weight /= floor
                else:
                    residual[n] = weight * (y - x[i, e])
                rows_w[n] = 0.0
                for j in range(n_entry):
                    rows_w[n, entry_column[j]] += weight * s[i, e, j]
                for m in range(d):
                    rows_x[n, m] = weight * s[i, e, n_entry + m]
                n += 1
    return n


@jit
def assemble_gram(
    initial,
    coefficients,
    terms,
    entries,
    w_active,
    all_terms,
    all_entries,
    data,
    prior,
    drive,
    tolerance,
):
    """Linearise all trajectories and integrate the initial states out.

    Returns
    -------
    status : int
        0, or the reason of the first failing trajectory.
    gram : (n_column, n_column) array; vector : (n_column,) array; yy, n : float
        ``H = X0'X0 + P0``; ``G = X'X - X'X0 H^-1 X0'X`` and so on (METHODS section 2).
    offset (n_trajectory, d), slope (n_trajectory, d, n_column), hessian (n_trajectory, d, d)
        Given coefficients ``w`` the initial state is normal with mean ``offset - slope w`` and
        precision ``hessian``.
    """
    n_column, (n_trajectory, d) = coefficients.size, initial.shape
    gram, vector = np.zeros((n_column, n_column)), np.zeros(n_column)
    offset, hessian = np.zeros((n_trajectory, d)), np.zeros((n_trajectory, d, d))
    slope = np.zeros((n_trajectory, d, n_column))
    yy, n_total = 0.0, 0.0
    status = OK
    for r in range(n_trajectory):
        time = data.time[data.start[r] : data.start[r + 1]]
        x = np.empty((time.size, d))
        s = np.empty((time.size, d, all_entries.state.size + d))
        status = trajectory_sensitivity(
            initial[r],
            time,
            terms,
            entries,
            w_active,
            all_terms,
            all_entries,
            r,
            drive,
            tolerance,
            x,
            s,
        )
        if status != OK:
            break
        rows_w = np.empty((time.size * d, n_column))
        rows_x = np.empty((time.size * d, d))
        z = np.empty(time.size * d)
        n = design(r, data, x, s, all_entries.column, rows_w, rows_x, z)
        rows_w, rows_x, z = rows_w[:n], rows_x[:n], z[:n] + np.dot(rows_w[:n], coefficients)
        shift = prior.mean[r] - initial[r]
        hessian[r] = np.dot(rows_x.T, rows_x) + np.diag(prior.precision[r])
        if not (np.isfinite(np.sum(hessian[r])) and np.isfinite(np.sum(rows_w))):
            status = DIVERGED
            break
        cross = np.dot(rows_x.T, rows_w)
        b = np.dot(rows_x.T, z) + prior.precision[r] * shift
        slope[r] = np.linalg.solve(hessian[r], cross)
        solved = np.linalg.solve(hessian[r], b)
        offset[r] = initial[r] + solved
        gram += np.dot(rows_w.T, rows_w) - np.dot(cross.T, slope[r])
        vector += np.dot(rows_w.T, z) - np.dot(cross.T, solved)
        yy += np.dot(z, z) + np.sum(prior.precision[r] * shift**2) - np.dot(b, solved)
        n_total += n
    return status, gram, vector, yy, n_total, offset, slope, hessian


@jit
def normal_equations(initial, w, terms, entries, data, prior, drive, tolerance, precision, x_all):
    """Cost and blocks of the Gauss-Newton equations of the active model.

    Parameters
    ----------
    initial : (n_trajectory, n_state); w : (k,)
    precision : (k,)
        Prior precision of the coefficients.
    x_all : (n_row, n_state) array
        Filled with the simulated trajectories at the data's times.

    Returns
    -------
    status : int
    cost : float
        Weighted squared residuals plus both prior costs.
    h_w (k, k), g_w (k,), h_x (n_trajectory, d, d), g_x (n_trajectory, d),
    cross (n_trajectory, k, d)
        Half Hessian blocks and half negative gradients.
    """
    k, (n_trajectory, d) = w.size, initial.shape
    h_w, g_w = np.diag(precision), -precision * w
    h_x, g_x = np.zeros((n_trajectory, d, d)), np.zeros((n_trajectory, d))
    cross = np.zeros((n_trajectory, k, d))
    cost = np.sum(precision * w * w)
    for r in range(n_trajectory):
        time = data.time[data.start[r] : data.start[r + 1]]
        x = x_all[data.start[r] : data.start[r + 1]]
        s = np.empty((time.size, d, entries.state.size + d))
        status = trajectory_sensitivity(
            initial[r], time, terms, entries, w, terms, entries, r, drive, tolerance, x, s
        )
        if status != OK:
            return status, np.inf, h_w, g_w, h_x, g_x, cross
        rows_w = np.empty((time.size * d, k))
        rows_x = np.empty((time.size * d, d))
        residual = np.empty(time.size * d)
        n = design(r, data, x, s, entries.column, rows_w, rows_x, residual)
        rows_w, rows_x, residual = rows_w[:n], rows_x[:n], residual[:n]
        shift = prior.mean[r] - initial[r]
        cost += np.dot(residual, residual) + np.sum(prior.precision[r] * shift**2)
        h_w += np.dot(rows_w.T, rows_w)
        g_w += np.dot(rows_w.T, residual)
        h_x[r] = np.dot(rows_x.T, rows_x) + np.diag(prior.precision[r])
        g_x[r] = np.dot(rows_x.T, residual) + prior.precision[r] * shift
        cross[r] = np.dot(rows_w.T, rows_x)
    return OK, cost, h_w, g_w, h_x, g_x, cross


@jit
def damped(matrix, damping):
    """Marquardt's damping: the diagonal grows by the fraction `damping`."""
    out = matrix.copy()
    for i in range(out.shape[0]):
        out[i, i] += damping * out[i, i] + 1e-12
    return out


@jit
def damped_step(h_w, g_w, h_x, g_x, cross, damping):
    """Solve the damped equations, initial states eliminated in blocks."""
    k, (n_trajectory, d) = g_w.size, g_x.shape
    schur, rhs = damped(h_w, damping), g_w.copy()
    inverse = np.empty((n_trajectory, d, d))
    for r in range(n_trajectory):
        inverse[r] = np.linalg.inv(damped(h_x[r], damping))
        b = np.dot(cross[r], inverse[r])
        schur -= np.dot(b, cross[r].T)
        rhs -= np.dot(b, g_x[r])
    step_w = np.linalg.solve(schur, rhs) if k > 0 else np.zeros(0)
    step_x = np.empty((n_trajectory, d))
    for r in range(n_trajectory):
        step_x[r] = np.dot(inverse[r], g_x[r] - np.dot(cross[r].T, step_w))
    return step_w, step_x


@jit
def all_finite(h_w, h_x, g_w):
    """Whether the equations hold only finite numbers (LAPACK would raise otherwise)."""
    return np.isfinite(np.sum(h_w)) and np.isfinite(np.sum(h_x)) and np.isfinite(np.sum(g_w))


@jit
def polish(
    initial,
    w,
    terms,
    entries,
    data,
    prior,
    drive,
    tolerance,
    precision,
    lower,
    upper,
    max_iterations,
):
    """Levenberg-Marquardt fit of shared coefficients and one initial state per trajectory.

    Marquardt (1963), J. SIAM 11, 431, with damping raised sixfold on failure and lowered fivefold
    on success; steps are projected onto the coefficients' bounds.

    Parameters
    ----------
    initial : (n_trajectory, n_state); w : (k,)
        Start; not changed.
    lower, upper : (k,) arrays
    max_iterations : int

    Returns
    -------
    status : int
        0 unless the start itself cannot be simulated.
    w, initial, cost
        Optimum (or the best point met) and its cost.
    h_w, h_x, cross
        Half Hessian blocks there (Gauss-Newton).
    x : (n_row, n_state) array
        Simulated trajectories there.
    """
    w = np.minimum(np.maximum(w, lower), upper)
    initial = initial.copy()
    x = np.empty(data.value.shape)
    x_try = np.empty(data.value.shape)
    status, cost, h_w, g_w, h_x, g_x, cross = normal_equations(
        initial, w, terms, entries, data, prior, drive, tolerance, precision, x
    )
    damping = 1e-3
    if status == OK:
        for _ in range(max_iterations):
            improved = False
            gain = 0.0
            for _ in range(7):
                if not all_finite(h_w, h_x, g_w):
                    break
                step_w, step_x = damped_step(h_w, g_w, h_x, g_x, cross, damping)
                w_try = np.minimum(np.maximum(w + step_w, lower), upper)
                trial = normal_equations(
                    initial + step_x,
                    w_try,
                    terms,
                    entries,
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
                    w, initial = w_try, initial + step_x
                    x, x_try = x_try, x
                    damping = max(damping / 5.0, 1e-8)
                    break
                damping = max(damping, 1e-4) * 6.0
            if not improved or gain < 1e-3 + 1e-6 * cost:
                break
    return status, w, initial, cost, h_w, h_x, cross, x

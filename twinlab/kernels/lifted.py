"""Equations of a fit whose trajectories are cut into pieces that must meet (multiple shooting)."""

from __future__ import annotations

import numpy as np

from .compiled import jit
from .design import design
from .integrate import OK
from .sensitivity import trajectory_sensitivity


@jit
def piece_equations(
    initial, w, begin, end, terms, entries, data, prior, drive, tolerance, precision
):
    """Cost and Gauss-Newton equations of pieces, and where each piece ends.

    Parameters
    ----------
    initial : (n_piece, n_state) array
    w : (k,) array
    begin, end : (n_piece,) arrays
        Times; the end is behind the piece's last row, or no later than its beginning where no
        other piece follows.
    terms, entries : TermTable, Entries
        Of the active model.
    data : Data
        Rows of piece ``r`` are ``data.start[r]:data.start[r + 1]``.
    prior : Initial
        Of the states that pieces begin with.
    drive : Drive
        Each piece is a trajectory of its own.
    tolerance : Tolerance
    precision : (k,) array
        Prior precision of the coefficients.

    Returns
    -------
    status : int
        0, or the reason of the first failing piece (``twinlab.kernels.integrate.STATUS_TEXT``).
    cost, h_w, g_w, h_x, g_x, cross
        As `normal_equations` has them.
    x_end (n_piece, n_state), by_w (n_piece, n_state, k), by_x (n_piece, n_state, n_state)
        States at the ends, and their derivatives.
    """
    (n_piece, d), k, n_entry = initial.shape, w.size, entries.state.size
    h_w, g_w = np.diag(precision), -precision * w
    h_x, g_x = np.zeros((n_piece, d, d)), np.zeros((n_piece, d))
    cross = np.zeros((n_piece, k, d))
    x_end, by_w = np.zeros((n_piece, d)), np.zeros((n_piece, d, k))
    by_x = np.zeros((n_piece, d, d))
    cost, status = (precision * w * w).sum(), OK
    longest = np.diff(data.start).max()
    time, x = np.empty(longest + 1), np.empty((longest + 1, d))
    s = np.empty((longest + 1, d, n_entry + d))
    n_most, n_observable = longest * data.value.shape[1], data.value.shape[1]
    rows_w, residual = np.empty((n_most, k)), np.empty(n_most)
    rows_x, observed = np.empty((n_most, d)), np.empty((longest, n_observable))
    for r in range(n_piece):
        a, b = data.start[r], data.start[r + 1]
        n, meets = b - a, end[r] > begin[r]
        time[:n] = data.time[a:b]
        if meets:
            time[n] = end[r]
        until = n + 1 if meets else n
        status = trajectory_sensitivity(
            initial[r],
            time[:until],
            terms,
            entries,
            w,
            terms,
            entries,
            r,
            drive,
            tolerance,
            x[:until],
            s[:until],
        )
        if status != OK:
            cost = np.inf
            break
        m, misfit = design(
            r, data, x[:n], s[:n], entries.column, rows_w, rows_x, residual, observed
        )
        design_w, design_x, left = rows_w[:m], rows_x[:m], residual[:m]
        shift = prior.mean[r] - initial[r]
        cost += misfit + (prior.precision[r] * shift * shift).sum()
        h_w += np.dot(design_w.T, design_w)
        g_w += np.dot(design_w.T, left)
        h_x[r] = np.dot(design_x.T, design_x) + np.diag(prior.precision[r])
        g_x[r] = np.dot(design_x.T, left) + prior.precision[r] * shift
        cross[r] = np.dot(design_w.T, design_x)
        if meets:
            x_end[r], by_x[r] = x[n], s[n, :, n_entry:]
            for j in range(n_entry):
                by_w[r, :, entries.column[j]] += s[n, :, j]
    return status, cost, h_w, g_w, h_x, g_x, cross, x_end, by_w, by_x

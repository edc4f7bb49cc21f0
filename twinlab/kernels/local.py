"""Coefficients that differ between trajectories: shared values times local factors.

In trajectory ``r`` the coefficients of *slot* ``v`` are ``w exp(eta_rv + sum_j b_j z_rj)``, the sum
over the effects ``j`` of that slot.  The deviations ``eta`` are local to the trajectory, as its
initial state is; the effects' sizes ``b`` are shared.  On this scale a rate keeps its sign, and
variation is a fraction of the value (population pharmacokinetics; Lindstrom and Bates 1990,
Biometrics 46, 673; Mould and Upton 2012, CPT Pharmacometrics Syst. Pharmacol. 1, e6).  Where a
slot is switched off its coefficients are zero.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compiled import jit


class Local(NamedTuple):
    """Which coefficients differ between trajectories, and by what.

    Attributes
    ----------
    slot : (k,) int array
        Slot of each coefficient, -1 where it is the same everywhere.  Slots with deviations of
        their own come first.
    n_slot : int
    n_coefficient : int
        Coefficients among the columns; those behind are derivatives by their constants.
    effect_slot : (n_effect,) int array
    effect : (n_trajectory, n_effect) array
        The values ``z``.
    off : (n_trajectory, n_slot) bool array
        Where the coefficients of a slot are zero.
    """

    slot: NDArray[np.int64]
    n_slot: int
    n_coefficient: int
    effect_slot: NDArray[np.int64]
    effect: NDArray[np.float64]
    off: NDArray[np.bool_]


def nothing_local(k: int, n_trajectory: int) -> Local:
    """Coefficients that are the same in all trajectories."""
    none = np.zeros(0, np.int64)
    effect, off = np.zeros((n_trajectory, 0)), np.zeros((n_trajectory, 0), np.bool_)
    return Local(np.full(k, -1, np.int64), 0, k, none, effect, off)


@jit
def local_coefficients(w, own, d, r, local, factor, out):
    """Fill `factor` (n_slot,) and the coefficients `out` (k,) of one trajectory.

    Parameters
    ----------
    w : (k + n_effect,) array
        Shared coefficients, then the effects' sizes.
    own : (d + n_varying,) array
        Initial state of the trajectory, then its deviations.
    """
    k = local.slot.size
    for v in range(local.n_slot):
        factor[v] = own[d + v] if d + v < own.size else 0.0
    for j in range(local.effect_slot.size):
        factor[local.effect_slot[j]] += w[k + j] * local.effect[r, j]
    for v in range(local.n_slot):
        factor[v] = 0.0 if local.off[r, v] else np.exp(factor[v])
    for a in range(k):
        out[a] = w[a] * factor[local.slot[a]] if local.slot[a] >= 0 else w[a]


@jit
def local_design(n, w, d, r, local, factor, rows_w, rows_x):
    """Turn the design rows of one trajectory's coefficients into those of shared and local ones.

    Parameters
    ----------
    n : int
        Rows in use.
    w : (k + n_effect,) array
        Coefficients of the equations' columns; none of an inactive column.
    factor : (n_slot,) array
    rows_w : (>= n, k + n_effect) array
        Given by the coefficients of the trajectory; the effects' columns are filled.
    rows_x : (>= n, d + n_varying + 1) array
        Columns of the deviations are filled.
    """
    k, n_varying = local.slot.size, rows_x.shape[1] - 1 - d
    column = np.empty(local.n_slot)
    for i in range(n):
        for v in range(local.n_slot):
            column[v] = 0.0
        for a in range(k):
            v = local.slot[a]
            if v >= 0:
                rows_w[i, a] *= factor[v]
                if a < local.n_coefficient:
                    column[v] += w[a] * rows_w[i, a]
        for v in range(n_varying):
            rows_x[i, d + v] = column[v]
        for j in range(local.effect_slot.size):
            rows_w[i, k + j] = local.effect[r, j] * column[local.effect_slot[j]]

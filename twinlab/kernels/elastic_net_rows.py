"""Elastic-net path of a wide regression, without its Gram matrix.

With more columns than rows the Gram matrix is larger than the data and mostly unused.  Here it is
made for the working set alone, column by column as they enter, and the gradient of all columns is
``X'(y - Xw)``: two products of the data a penalty, mostly (Massias, Gramfort and Salmon 2018).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .elastic_net import (
    WorkingSet,
    empty_working_set,
    newcomers,
    set_penalty,
    solve_working_set,
    start_point,
)
from .elastic_net_gap import duality_gap

Array = NDArray[np.float64]


def elastic_net_path_rows(
    x: Array,
    y: Array,
    penalties: Array,
    l1_ratio: float,
    penalty_factor: Array,
    lower: Array,
    upper: Array,
    tolerance: float,
    max_sweeps: int,
) -> tuple[Array, Array, NDArray[np.int64]]:
    """`elastic_net_path` from rows and response: for more columns than rows.

    Parameters
    ----------
    x : (n, n_column) float64 array
        Fortran order is the fastest.
    y : (n,) float64 array
    penalties, l1_ratio, penalty_factor, lower, upper, tolerance, max_sweeps
        As in `elastic_net_path`, with ``G = x'x``, ``g = x'y`` and ``yy = y'y``.

    Returns
    -------
    coefficients, gap, sweeps
        As in `elastic_net_path`.
    """
    n_column, yy = x.shape[1], float(y @ y)
    vector = x.T @ y
    diagonal = np.einsum("ij,ij->j", x, x)
    w, terms = start_point(diagonal, lower, upper)
    working = empty_working_set(n_column, min(n_column, len(y)))
    coefficients, gap = np.zeros((len(penalties), n_column)), np.zeros(len(penalties))
    sweeps = np.zeros(len(penalties), np.int64)
    entering = np.empty(n_column, np.int64)
    target = float(tolerance) * yy
    v = vector - x.T @ (x @ w) if w.any() else vector.copy()
    size, previous = 0, penalties[0] if len(penalties) else 0.0
    for step, penalty in enumerate(penalties):
        set_penalty(penalty, l1_ratio, penalty_factor, diagonal, yy, w, terms)
        threshold = max(2.0 * penalty - previous, 0.0) * l1_ratio
        previous, inner = penalty, 0.5 * target
        while True:
            count = newcomers(
                threshold, penalty_factor, diagonal, w, v, terms, working.place, entering
            )
            working, size = _join(x, entering[:count], size, working)
            gap[step] = duality_gap(w, v, vector, yy, terms)
            if gap[step] <= target or sweeps[step] >= max_sweeps:
                break
            if threshold < 0.0 and count == 0:
                inner *= 0.1
            sweeps[step] += solve_working_set(
                size, w, v, vector, yy, terms, working, inner, int(max_sweeps) - sweeps[step]
            )
            active = np.flatnonzero(w)
            v = vector - x.T @ (x[:, active] @ w[active])
            threshold = -1.0
        coefficients[step] = w
    return coefficients, gap, sweeps


def _join(
    x: Array, entering: NDArray[np.int64], size: int, working: WorkingSet
) -> tuple[WorkingSet, int]:
    """Append columns to the set; returns it, perhaps with more room, and its new size."""
    new = size + len(entering)
    if new > working.column.size:
        working = _with_room(working, size, min(max(2 * size, new), x.shape[1]))
    if new > size:
        working.column[size:new] = entering
        working.place[entering] = np.arange(size, new)
        block = x[:, working.column[:new]].T @ x[:, entering]
        working.matrix[:new, size:new] = block
        working.matrix[size:new, :size] = block[:size].T
    return working, new


def _with_room(working: WorkingSet, size: int, room: int) -> WorkingSet:
    """A copy of the set with room for more columns; its inverse is begun anew."""
    larger = empty_working_set(working.place.size, room)
    larger.column[:size] = working.column[:size]
    larger.place[:] = working.place
    larger.matrix[:size, :size] = working.matrix[:size, :size]
    return larger

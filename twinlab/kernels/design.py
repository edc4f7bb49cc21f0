"""From states and their sensitivities to residuals and design rows of what was measured."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compiled import jit
from .likelihood import effective_row, standard_residual


class Data(NamedTuple):
    """Measurements of all trajectories, one below the other.

    Attributes
    ----------
    start : (n_trajectory + 1,) int array
        Rows of trajectory ``r`` are ``start[r]:start[r + 1]``.
    time : (n_row,) array
    value : (n_row, n_observable) array
        Zero where nothing was measured.  The first ``n_state`` columns are the states.
    weight : (n_row, n_observable) array
        ``sqrt(replicates)/scale`` with the noise's scale (of normal noise the sd), ``1/scale`` of
        a censored value; zero where nothing was measured.
    logarithmic : (n_observable,) bool array
        Residuals are ``log y - log x`` (log-normal noise) instead of ``y - x``.
    censored : (n_row, n_observable) array
        How many replicates are only known to lie below `value`; zero where it was measured.
    student : bool
        Student-t noise instead of normal noise.
    numerator, denominator : (n_derived, n_state + 1) arrays
        Observables behind the states, ``(N x + n)/(D x + d)``: coefficients of the states, then
        the constant.
    """

    start: NDArray[np.int64]
    time: NDArray[np.float64]
    value: NDArray[np.float64]
    weight: NDArray[np.float64]
    logarithmic: NDArray[np.bool_]
    censored: NDArray[np.float64]
    student: bool
    numerator: NDArray[np.float64]
    denominator: NDArray[np.float64]


@jit
def derived_observable(x, numerator, denominator, slope):
    """Value of ``(N x + n)/(D x + d)``; fills ``slope`` (n_state,) with its gradient."""
    d = x.size
    above, below = numerator[d], denominator[d]
    for e in range(d):
        above += numerator[e] * x[e]
        below += denominator[e] * x[e]
    for e in range(d):
        slope[e] = (numerator[e] - above / below * denominator[e]) / below
    return above / below


@jit
def design(r, data, x, s, entry_column, rows_w, rows_x, residual, observed):
    """Effective residual and design rows of one trajectory; returns their number and the cost.

    Parameters
    ----------
    x : (n_time, n_state); s : (n_time, n_state, n_entry + n_state)
    entry_column : (n_entry,) int array
    rows_w : (n_time * n_observable, n_column); rows_x : (n_time * n_observable, >= n_state)
    residual : (n_time * n_observable,)
    observed : (n_time, n_observable) array
        Filled with the observables: the states, then those derived from them.
    """
    d, n_entry, n, cost = x.shape[1], entry_column.size, 0, 0.0
    slope, combined = np.empty(d), np.empty(s.shape[2])
    for i in range(x.shape[0]):
        for e in range(observed.shape[1]):
            row = data.start[r] + i
            if e < d:
                observed[i, e] = x[i, e]
            else:
                observed[i, e] = derived_observable(
                    x[i], data.numerator[e - d], data.denominator[e - d], slope
                )
            weight = data.weight[row, e]
            if weight > 0.0:
                gap, weight = standard_residual(
                    data.value[row, e], observed[i, e], weight, data.logarithmic[e]
                )
                own, factor, residual[n] = effective_row(gap, data.censored[row, e], data.student)
                cost += own
                weight *= factor
                line = combined
                if e < d:
                    line = s[i, e]
                else:
                    for j in range(combined.size):
                        combined[j] = 0.0
                        for m in range(d):
                            combined[j] += slope[m] * s[i, m, j]
                for j in range(rows_w.shape[1]):
                    rows_w[n, j] = 0.0
                for j in range(n_entry):
                    rows_w[n, entry_column[j]] += weight * line[j]
                for m in range(d):
                    rows_x[n, m] = weight * line[n_entry + m]
                n += 1
    return n, cost

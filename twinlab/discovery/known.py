"""Known parts of the dynamics: columns that are simulated and never selected or fitted.

A known part is a required column whose bounds are equal (`ColumnPrior.held`).  Its sensitivities
take part in every simulation; in the regression its share is moved to the left-hand side, so that
its rows and columns of the Gram are empty: it neither gains nor costs evidence.  A prior of great
precision would do the same and spoil the condition of every matrix.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from twinlab.knowledge import ColumnPrior

from .result import Gram

Array = NDArray[np.float64]


def known_as_offset(gram: Gram, prior: ColumnPrior) -> Gram:
    """Move known columns from the regression to its left-hand side.

    With ``z = X w + noise`` and ``w_k`` known, ``z - X_k w_k = X_f w_f + noise``.

    Parameters
    ----------
    gram : Gram
        Of the library's columns, and perhaps others behind them.
    prior : ColumnPrior
        Of the library's columns.
    """
    known = np.nonzero(prior.held)[0]
    if not known.size:
        return gram
    w = prior.lower[known]
    matrix, vector = gram.matrix.copy(), gram.vector - gram.matrix[:, known] @ w
    yy = gram.yy - (gram.vector[known] + vector[known]) @ w
    slope = gram.initial_slope.copy()
    matrix[known], matrix[:, known], vector[known], slope[:, :, known] = 0.0, 0.0, 0.0, 0.0
    return replace(
        gram,
        matrix=matrix,
        vector=vector,
        yy=float(yy),
        initial_offset=gram.initial_offset - gram.initial_slope[:, :, known] @ w,
        initial_slope=slope,
    )


def with_known(prior: ColumnPrior, columns: NDArray[np.int64], mean: Array) -> Array:
    """Coefficients of a support, those that are known at their values."""
    held = prior.held[columns]
    return np.where(held, prior.lower[columns], mean)


def without_known(prior: ColumnPrior, columns: NDArray[np.int64], covariance: Array) -> Array:
    """Covariance (k + m, k + m) of a support (and more), none for what is known."""
    held = np.nonzero(prior.held[columns])[0]
    if not held.size:
        return covariance
    out = covariance.copy()
    out[held], out[:, held] = 0.0, 0.0
    return out

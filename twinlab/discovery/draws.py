"""Draws from the posterior, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .varying import LocalDraws

Array = NDArray[np.float64]

#: How quantiles are taken from draws: between two of them lies one more draw with just the
#: probability that is told (Hyndman and Fan 1996, The American Statistician 50, 361, definition 6).
QUANTILE_METHOD: Final = "weibull"


def central_interval(draws: Array, level: float) -> tuple[Array, Array]:
    """Ends (...) of the central interval of draws (n, ...), which holds one more at this `level`.

    With fewer draws than that takes, the outermost ones.
    """
    tails = (0.5 - level / 2.0, 0.5 + level / 2.0)
    lower, upper = np.quantile(draws, tails, axis=0, method=QUANTILE_METHOD)
    return lower, upper


@dataclass(frozen=True)
class DrawnConstants:
    """Draws of the constants of Hill functions that were fitted.

    Attributes
    ----------
    column, factor : (n_shape,) int arrays
        Column of the library, and which factor of its term.
    value : (n_draw, n_shape, 2) array
        Half saturation and Hill coefficient; those of the library where a draw's model leaves
        the column out.
    """

    column: NDArray[np.int64]
    factor: NDArray[np.int64]
    value: Array

    def pick(self, rows: NDArray[np.int64]) -> DrawnConstants:
        """Some of the draws."""
        return DrawnConstants(self.column, self.factor, self.value[rows])


@dataclass(frozen=True)
class Posterior:
    """Draws of the coefficients and initial states.

    Attributes
    ----------
    coefficients : (n_draw, n_column) array
        Zero where a draw's model leaves the column out.
    initial : (n_draw, n_trajectory, n_state) array
    constants : DrawnConstants or None
        Where constants of Hill functions were fitted.
    local : LocalDraws or None
        Where coefficients differ between trajectories.
    """

    coefficients: Array
    initial: Array
    constants: DrawnConstants | None = None
    local: LocalDraws | None = None

    def of(self, trajectory: int) -> Array:
        """Coefficients (n_draw, n_column) of one trajectory."""
        if self.local is None:
            return self.coefficients
        varies = np.nonzero(self.local.slot >= 0)[0]
        out = self.coefficients.copy()
        out[:, varies] *= np.exp(self.local.log_factor[:, trajectory, self.local.slot[varies]])
        return out

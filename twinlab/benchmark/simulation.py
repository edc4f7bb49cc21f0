"""Many parameter draws of a library's model, simulated by the kernels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from twinlab.discovery import QUANTILES
from twinlab.expressions import Term, term_table
from twinlab.kernels import (
    OK,
    Drive,
    Tolerance,
    integrate_draws,
    linear_pieces,
    no_drive,
)
from twinlab.library import Entries

Array = NDArray[np.float64]
MAX_STEPS = 10_000


def input_drive(time: Array, inputs: Array, n_state: int) -> Drive:
    """Inputs (n_time, n_input) that are linear between times, as the kernels take them."""
    drive = no_drive(1, n_state)
    if not inputs.shape[1]:
        return drive
    return drive._replace(
        knot=np.array(time, float)[None],
        inputs=linear_pieces(np.asarray(time, float), np.asarray(inputs, float))[None],
    )


class DrawSimulator:
    """Simulates ``dx/dt = coefficients @ terms(x, inputs)`` for many coefficient matrices.

    Parameters
    ----------
    names : sequence of str
        States, then inputs.
    terms : sequence of Term
    scale : (n_state,) array
        Size of each state: sets the absolute tolerance, and 1000 times it counts as diverged.
    """

    def __init__(self, names: Sequence[str], terms: Sequence[Term], scale: Array) -> None:
        q, p = scale.size, len(terms)
        self.table = term_table(tuple(terms), tuple(names))
        grid = np.arange(q * p)
        self.entries = Entries(grid // p, grid % p, grid, np.ones(q * p))
        self.scale = np.where(scale > 0.0, scale, 1.0)

    def __call__(
        self,
        start: Array,
        time: Array,
        coefficients: Array,
        inputs: Array,
        *,
        relative: float = 1e-6,
    ) -> tuple[Array, NDArray[np.bool_]]:
        """Simulate every draw.

        Parameters
        ----------
        start : (n_state,) or (n_draw, n_state) array
        time : (n_time,) array
        coefficients : (n_draw, n_state, n_term) array
        inputs : (n_time, n_input) array
        relative : float
            Relative tolerance.

        Returns
        -------
        x : (n_draw, n_time, n_state) array
        good : (n_draw,) bool array
            False for a draw that diverged.
        """
        n = len(coefficients)
        weights = np.ascontiguousarray(coefficients, float).reshape(n, -1)
        starts = np.ascontiguousarray(np.broadcast_to(start, (n, self.scale.size)), float)
        out = np.empty((n, len(time), self.scale.size))
        status = np.zeros(n, np.int64)
        limit = 1e3 * (self.scale + np.abs(starts).max(axis=0))
        tolerance = Tolerance(relative, 1e-2 * relative * self.scale, limit, MAX_STEPS)
        integrate_draws(
            starts, np.ascontiguousarray(time, float), self.table, self.entries, weights, 0,
            input_drive(time, inputs, self.scale.size), tolerance, out, status,
        )  # fmt: skip
        return out, (status == OK) & np.isfinite(out).all(axis=(1, 2))

    def quantiles(self, start: Array, time: Array, coefficients: Array, inputs: Array) -> Array:
        """Pointwise quantiles (5, n_time, n_state) over the draws that do not diverge.

        NaN where none is left: such a band holds nothing.
        """
        x, good = self(start, time, coefficients, inputs, relative=1e-4)
        if not good.any():
            return np.full((len(QUANTILES), len(time), self.scale.size), np.nan)
        return np.quantile(x[good], QUANTILES, axis=0)

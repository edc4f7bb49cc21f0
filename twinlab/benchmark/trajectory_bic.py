"""BIC of a model on simulated trajectories: a selector for methods that have none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twinlab.kernels import OK, Drive, Tolerance, integrate
from twinlab.library import Entries, Library

from .simulation import input_drive

Array = NDArray[np.float64]


class TrajectoryBic:
    """``sum_states n log(RSS/n) + k log(n q)`` with initial states fitted (Schwarz 1978).

    Parameters
    ----------
    library : Library
        Plain columns, the same terms in every equation.
    time : (n_time,) array
    values : tuple of (n_time, n_state) arrays
        Complete data, one array a trajectory.
    inputs : tuple of (n_time, n_input) arrays, optional
        Linear between the times, one array a trajectory.
    iterations : int
        Gauss-Newton iterations on the initial state of each trajectory.
    """

    def __init__(
        self,
        library: Library,
        time: Array,
        values: tuple[Array, ...],
        iterations: int = 5,
        *,
        inputs: tuple[Array, ...] | None = None,
    ) -> None:
        q, p = len(library.states), len(library.terms)
        self.table = library.table()
        grid = np.arange(q * p)
        self.entries = Entries(grid // p, grid % p, grid, np.ones(q * p))
        self.time, self.values, self.iterations = (
            np.ascontiguousarray(time, float),
            values,
            iterations,
        )
        spread = np.concatenate(values).std(axis=0)
        self.scale = np.where(spread > 0.0, spread, 1.0)
        given = inputs if inputs is not None else (np.empty((len(time), 0)),) * len(values)
        self.drives = tuple(input_drive(self.time, u, q) for u in given)
        limit = 1e3 * (np.abs(np.concatenate(values)).max(axis=0) + self.scale)
        self.tolerance = Tolerance(1e-7, 1e-9 * self.scale, limit, 4000)

    def __call__(self, coefficients: Array) -> float:
        """BIC of a model; infinite where it cannot be simulated.

        Parameters
        ----------
        coefficients : (n_state, n_term) array
        """
        squares = np.zeros(self.scale.size)
        weights = np.ascontiguousarray(coefficients, float).ravel()
        for values, drive in zip(self.values, self.drives, strict=True):
            squares += self._fitted_squares(weights, values, drive)
        if not np.isfinite(squares).all():
            return float("inf")
        n = sum(len(values) for values in self.values)
        size = np.count_nonzero(coefficients)
        return float(n * np.log(squares / n + 1e-12).sum() + size * np.log(n * squares.size))

    def _residuals(self, weights: Array, start: Array, values: Array, drive: Drive) -> Array | None:
        out = np.empty_like(values)
        status = integrate(
            start, self.time, self.table, self.entries, weights, 0, drive, self.tolerance, out
        )
        return (out - values) / self.scale if status == OK else None

    def _fitted_squares(self, weights: Array, values: Array, drive: Drive) -> Array:
        """Scaled squares per state after fitting the initial state; infinite on failure."""
        start = values[0].copy()
        best: Array = np.full(start.size, np.inf)
        for _ in range(self.iterations + 1):
            residual = self._residuals(weights, start, values, drive)
            if residual is None:
                break
            squares = np.sum(residual**2, axis=0)
            if squares.sum() >= best.sum() * (1 - 1e-4):
                break
            best = squares
            jacobian = np.empty((residual.size, start.size))
            for j in range(start.size):
                moved = start.copy()
                moved[j] += 1e-4 * self.scale[j]
                shifted = self._residuals(weights, moved, values, drive)
                if shifted is None:
                    return best
                jacobian[:, j] = ((shifted - residual) / 1e-4).ravel()
            step = np.linalg.lstsq(jacobian, residual.ravel(), rcond=1e-8)[0]
            start = start - step * self.scale
        return best

"""Linear algebra of positive definite matrices whose rows have very different units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Added to the unit diagonal of scaled matrices: below it two directions are one.
JITTER = 1e-12


def solve_scaled(matrix: Array, right: Array) -> Array:
    """Solve positive definite systems (..., d, d) for right sides (..., d, k).

    Rows and columns are scaled to a unit diagonal first: states may differ by many powers of
    ten in their units, and a matrix that is only badly scaled must not count as singular.
    """
    unit = np.sqrt(np.maximum(np.einsum("...ii->...i", matrix), 1e-300))
    scaled = matrix / (unit[..., :, None] * unit[..., None, :]) + JITTER * np.eye(unit.shape[-1])
    return np.asarray(np.linalg.solve(scaled, right / unit[..., None]) / unit[..., None], float)


def inverse_scaled(matrix: Array) -> Array:
    """Inverses of positive definite matrices (..., d, d), as `solve_scaled` takes them."""
    return solve_scaled(matrix, np.broadcast_to(np.eye(matrix.shape[-1]), matrix.shape))


def log_determinant(matrix: Array) -> tuple[Array, Array]:
    """Signs and log determinants of matrices (..., d, d) scaled as in `solve_scaled`."""
    unit = np.sqrt(np.maximum(np.einsum("...ii->...i", matrix), 1e-300))
    scaled = matrix / (unit[..., :, None] * unit[..., None, :]) + JITTER * np.eye(unit.shape[-1])
    sign, log = np.linalg.slogdet(scaled)
    return sign, log + 2.0 * np.log(unit).sum(axis=-1)

"""Linear algebra of positive definite matrices whose rows have very different units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs

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


def solve_and_invert(matrix: Array, right: Array) -> tuple[Array, Array]:
    """Solution (d,) and inverse (d, d) of one positive definite system, from one factorisation.

    A third of the operations of `solve_scaled`, which answers where the factorisation fails.
    """
    unit = 1.0 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    units, diagonal = unit[:, None] * unit, np.diag_indices(unit.size)
    scaled = matrix * units
    scaled[diagonal] += JITTER
    factor, failed = dpotrf(scaled.T, lower=1)
    if failed:
        both = np.concatenate([right[:, None], np.eye(unit.size)], axis=1)
        solved = solve_scaled(matrix, both)
        return solved[:, 0], solved[:, 1:]
    solution = dpotrs(factor, unit * right, lower=1)[0] * unit
    inverse, _ = dpotri(factor, lower=1)  # the lower triangle; above it are zeros
    inverse = inverse + inverse.T
    inverse[diagonal] *= 0.5
    return solution, inverse * units


def log_determinant(matrix: Array) -> tuple[Array, Array]:
    """Signs and log determinants of matrices (..., d, d) scaled as in `solve_scaled`."""
    unit = np.sqrt(np.maximum(np.einsum("...ii->...i", matrix), 1e-300))
    scaled = matrix / (unit[..., :, None] * unit[..., None, :]) + JITTER * np.eye(unit.shape[-1])
    sign, log = np.linalg.slogdet(scaled)
    return sign, log + 2.0 * np.log(unit).sum(axis=-1)

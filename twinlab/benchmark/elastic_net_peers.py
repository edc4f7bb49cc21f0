"""Elastic-net paths of the peers: each a function of its own tolerance, for one regression.

Every function returns coefficients (n_penalty, n_column) at the penalties of
``1/2 |y - Xw|^2 + penalty (l1_ratio |w|_1 + (1 - l1_ratio)/2 |w|^2)``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps

import numpy as np
from numpy.typing import NDArray

from .side_by_side import version

Array = NDArray[np.float64]
Solver = Callable[[float], Array]
PEERS = ("scikit-learn", "celer", "skglm")
MAX_ITERATIONS = 100_000


def _quiet(solver: Solver) -> Solver:
    @wraps(solver)
    def run(tolerance: float) -> Array:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return solver(tolerance)

    return run


def peer_solvers(x: Array, y: Array, penalties: Array, l1_ratio: float) -> dict[str, Solver]:
    """Solvers of the peers that are installed, scikit-learn's with the Gram matrix given."""
    makers = {"scikit-learn": _sklearn, "celer": _celer, "skglm": _skglm}
    return {
        name: _quiet(makers[name](x, y, penalties, l1_ratio))
        for name in PEERS
        if version(name) is not None
    }


def _sklearn(x: Array, y: Array, penalties: Array, l1_ratio: float) -> Solver:
    from sklearn.linear_model import enet_path

    n, wide = len(y), x.shape[1] > len(y)
    gram = False if wide else np.ascontiguousarray(x.T @ x)
    vector = None if wide else x.T @ y

    def solve(tolerance: float) -> Array:
        _, path, _ = enet_path(
            x, y, l1_ratio=l1_ratio, alphas=penalties / n, precompute=gram, Xy=vector,
            tol=tolerance, max_iter=MAX_ITERATIONS, check_input=False,
        )  # fmt: skip
        return path.T

    return solve


def _celer(x: Array, y: Array, penalties: Array, l1_ratio: float) -> Solver:
    from celer import celer_path

    def solve(tolerance: float) -> Array:
        _, path, _ = celer_path(
            x, y, "lasso", alphas=penalties / len(y), l1_ratio=l1_ratio, tol=tolerance,
            max_iter=200,
        )  # fmt: skip
        return path.T

    return solve


def _skglm(x: Array, y: Array, penalties: Array, l1_ratio: float) -> Solver:
    from skglm.datafits import Quadratic
    from skglm.penalties import L1_plus_L2
    from skglm.solvers import AndersonCD

    def solve(tolerance: float) -> Array:
        solver = AndersonCD(max_iter=200, tol=tolerance, fit_intercept=False, warm_start=True)
        path, w = np.zeros((len(penalties), x.shape[1])), np.zeros(x.shape[1])
        for row, penalty in zip(path, penalties / len(y), strict=True):
            penalised = L1_plus_L2(penalty, l1_ratio)
            w, _, _ = solver.solve(
                x, y, Quadratic(), penalised, w_init=w, Xw_init=x @ w, run_checks=False
            )
            row[:] = w
        return path

    return solve

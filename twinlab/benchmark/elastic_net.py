"""Speed of the elastic-net path beside scikit-learn's, both on the same precomputed Gram.

Run as ``python -m twinlab.benchmark.elastic_net``.  Both solve the same 100 penalties; for each
tolerance of ours, scikit-learn's is tightened from 0.1 until its largest duality gap, computed by
the same function, is within it too.  Only the ratio of the times means anything on another machine.
"""

from __future__ import annotations

import argparse
import time
import warnings
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from twinlab.kernels.elastic_net import elastic_net_path
from twinlab.kernels.elastic_net_gap import Terms, duality_gap

Array = NDArray[np.float64]
L1_RATIO = 0.95


def correlated(rng: np.random.Generator, n: int = 2000, columns: int = 200) -> tuple[Array, Array]:
    """Regression whose neighbouring columns have correlation 0.9; 20 true columns."""
    x = rng.standard_normal((n, columns))
    for j in range(1, columns):
        x[:, j] = 0.9 * x[:, j - 1] + np.sqrt(1 - 0.9**2) * x[:, j]
    truth = np.zeros(columns)
    truth[rng.choice(columns, 20, replace=False)] = rng.standard_normal(20)
    signal = x @ truth
    return x, signal + 0.3 * signal.std() * rng.standard_normal(n)


def polynomial(rng: np.random.Generator, n: int = 2000, columns: int = 285) -> tuple[Array, Array]:
    """Monomials of degree 1 to 3 of ten positive variables, standardised; eight true columns."""
    z = rng.uniform(0.5, 2.0, (n, 10))
    sets = [c for degree in (1, 2, 3) for c in combinations_with_replacement(range(10), degree)]
    x = np.stack([np.prod(z[:, list(c)], axis=1) for c in sets[:columns]], axis=1)
    x = (x - x.mean(0)) / x.std(0)
    truth = np.zeros(columns)
    truth[rng.choice(columns, 8, replace=False)] = rng.standard_normal(8)
    signal = x @ truth
    return x, signal + 0.1 * signal.std() * rng.standard_normal(n)


def largest_gap(gram: Array, vector: Array, yy: float, penalties: Array, path: Array) -> float:
    """Largest duality gap of a path, relative to ``yy``."""
    size = vector.size
    free = np.full(size, np.inf)
    gaps = []
    for penalty, w in zip(penalties, path, strict=True):
        l1 = np.full(size, penalty * L1_RATIO)
        ridge = np.full(size, penalty * (1 - L1_RATIO))
        terms = Terms(l1, ridge, -free, free, np.zeros(size))
        w = np.ascontiguousarray(w)
        gaps.append(duality_gap(w, vector - gram @ w, vector, yy, terms))
    return max(gaps) / yy


def measure(name: str, x: Array, y: Array, repeats: int) -> list[str]:
    """One row of the table for each tolerance."""
    from sklearn.linear_model import enet_path

    gram, vector, yy = np.ascontiguousarray(x.T @ x), x.T @ y, float(y @ y)
    size, n = vector.size, len(y)
    penalties = np.abs(vector).max() / L1_RATIO * np.geomspace(1.0, 1e-3, 100)
    fixed = (np.ones(size), np.full(size, -np.inf), np.full(size, np.inf))

    def ours(tolerance: float) -> Array:
        path, _, _ = elastic_net_path(
            gram, vector, yy, penalties, L1_RATIO, *fixed, tolerance, 100_000
        )
        return path

    def theirs(tolerance: float) -> Array:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _, path, _ = enet_path(
                x, y, l1_ratio=L1_RATIO, alphas=penalties / n, precompute=gram, Xy=vector,
                tol=tolerance, max_iter=100_000, check_input=False,
            )  # fmt: skip
        return path.T

    def clock(solve, tolerance: float) -> float:
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            solve(tolerance)
            times.append(time.perf_counter() - start)
        return min(times)

    x = np.asfortranarray(x)
    rows = []
    for tolerance in (1e-4, 1e-6, 1e-8):
        own_gap = largest_gap(gram, vector, yy, penalties, ours(tolerance))
        matched = 0.1
        gap = largest_gap(gram, vector, yy, penalties, theirs(matched))
        while gap > tolerance and matched > 1e-14:
            matched /= 3.0
            gap = largest_gap(gram, vector, yy, penalties, theirs(matched))
        seconds, peer = clock(ours, tolerance), clock(theirs, matched)
        rows.append(
            f"{name:<22}{tolerance:>10.0e}{own_gap:>11.1e}{gap:>14.1e}"
            f"{1e3 * seconds:>11.2f}{1e3 * peer:>14.2f}{peer / seconds:>8.1f}"
        )
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m twinlab.benchmark.elastic_net")
    parser.add_argument("--repeats", type=int, default=5, help="keep the fastest of this many")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(options.seed)
    print(
        f"{'problem':<22}{'tolerance':>10}{'own gap':>11}{'sklearn gap':>14}"
        f"{'own ms':>11}{'sklearn ms':>14}{'ratio':>8}"
    )
    for name, make in (("correlated 2000x200", correlated), ("polynomial 2000x285", polynomial)):
        for row in measure(name, *make(rng), repeats=options.repeats):
            print(row, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

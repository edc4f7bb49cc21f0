"""Speed of the elastic-net path beside scikit-learn's, celer's and skglm's.

Run as ``python -m twinlab.benchmark.elastic_net``.  All solve the same 100 penalties to the same
duality gap, computed by the same function: each peer at the loosest power of ten of its own
tolerance that reaches it.  On tall problems scikit-learn and the project's own are given the Gram
matrix; "with Gram" counts the making of it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from twinlab.kernels.elastic_net import elastic_net_path
from twinlab.kernels.elastic_net_gap import Terms, duality_gap
from twinlab.kernels.elastic_net_rows import elastic_net_path_rows

from .elastic_net_peers import PEERS, Solver, peer_solvers
from .side_by_side import machine, one_blas_thread, table, take_turns

Array = NDArray[np.float64]
Regression = tuple[Array, Array]
N_PENALTIES = 100
OWN = "TwinLab"


def correlated(n: int, columns: int, seed: int = 0) -> Regression:
    """Columns as an autoregression with correlation 0.5; 20 true columns, signal to noise 3."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, columns))
    for j in range(1, columns):
        x[:, j] = 0.5 * x[:, j - 1] + np.sqrt(0.75) * x[:, j]
    truth = np.zeros(columns)
    true = min(columns, 20)
    truth[rng.choice(columns, true, replace=False)] = rng.choice([-1.0, 1.0], true)
    return _standardised(x, x @ truth, 1 / 3, rng)


def polynomial(n: int = 2000, seed: int = 0) -> Regression:
    """Monomials of degree 1 to 3 of ten smooth trajectories, 285 in all; eight true, 10 % noise.

    Each trajectory is 1.5 and four sines of random phase, frequency and amplitude, as the columns
    of a library of candidate terms are along measured time courses: all but collinear.
    """
    rng, time = np.random.default_rng(seed), np.linspace(0, 10, n)
    phase, frequency, size = (
        rng.uniform(low, high, (10, 4)) for low, high in ((0, 2 * np.pi), (0.1, 1.5), (0.1, 0.5))
    )
    waves = np.sin(2 * np.pi * frequency * time[:, None, None] + phase)
    z = 1.5 + np.einsum("tsk,sk->ts", waves, size)
    sets = [c for degree in (1, 2, 3) for c in combinations_with_replacement(range(10), degree)]
    x = np.stack([np.prod(z[:, list(c)], axis=1) for c in sets], axis=1)
    truth = np.zeros(len(sets))
    truth[rng.choice(len(sets), 8, replace=False)] = rng.choice([-1.0, 1.0], 8)
    return _standardised(x, x @ truth, 0.1, rng)


def _standardised(x: Array, signal: Array, noise: float, rng: np.random.Generator) -> Regression:
    """Columns and response of mean 0 and variance 1."""
    y = signal + noise * signal.std() * rng.standard_normal(len(signal))
    return np.asfortranarray((x - x.mean(0)) / x.std(0)), (y - y.mean()) / y.std()


#: Name, maker, last penalty as a fraction of the first.
PROBLEMS: tuple[tuple[str, Callable[[], Regression], float], ...] = (
    ("2000 x 200, correlated", lambda: correlated(2000, 200), 1e-3),
    ("500 x 5000, correlated", lambda: correlated(500, 5000), 1e-2),
    ("2000 x 285, polynomial library", polynomial, 1e-3),
)


def largest_gap(x: Array, y: Array, penalties: Array, l1_ratio: float, path: Array) -> float:
    """Largest duality gap of a path, as a fraction of the objective at zero, ``yy / 2``."""
    size = x.shape[1]
    free = np.full(size, np.inf)
    vector, yy = x.T @ y, float(y @ y)
    worst = 0.0
    for penalty, w in zip(penalties, path, strict=True):
        l1 = np.full(size, penalty * l1_ratio)
        ridge = np.full(size, penalty * (1 - l1_ratio))
        terms = Terms(l1, ridge, -free, free, np.zeros(size))
        w = np.ascontiguousarray(w)
        worst = max(worst, duality_gap(w, x.T @ (y - x @ w), vector, yy, terms))
    return worst / (0.5 * yy)


def own_solvers(x: Array, y: Array, penalties: Array, l1_ratio: float) -> dict[str, Solver]:
    """The project's own paths: from the Gram matrix where that is the smaller, else from rows."""
    size = x.shape[1]
    rest = (l1_ratio, np.ones(size), np.full(size, -np.inf), np.full(size, np.inf))
    if size > len(y):
        # half the tolerance: the kernel's is a fraction of yy
        return {
            OWN: lambda tolerance: elastic_net_path_rows(
                x, y, penalties, *rest, 0.5 * tolerance, 100_000
            )[0]
        }
    ready = np.ascontiguousarray(x.T @ x), x.T @ y, float(y @ y)

    def solve(gram: Array, vector: Array, yy: float, tolerance: float) -> Array:
        return elastic_net_path(gram, vector, yy, penalties, *rest, 0.5 * tolerance, 100_000)[0]

    return {
        OWN: lambda tolerance: solve(*ready, tolerance),
        f"{OWN}, with Gram": lambda tolerance: solve(
            np.ascontiguousarray(x.T @ x), x.T @ y, float(y @ y), tolerance
        ),
    }


def matched(solver: Solver, gap: Callable[[Array], float], wanted: float) -> tuple[float, float]:
    """Loosest power of ten of a solver's tolerance with the wanted gap, and its gap."""
    tolerance = 1e-4
    reached = gap(solver(tolerance))
    while reached > wanted and tolerance > 1e-10:
        tolerance /= 10.0
        reached = gap(solver(tolerance))
    return tolerance, reached


def measure(
    x: Array, y: Array, last: float, *, l1_ratio: float, wanted: float, repeats: int
) -> str:
    """Table of one problem."""
    penalties = np.abs(x.T @ y).max() / l1_ratio * np.geomspace(1.0, last, N_PENALTIES)
    own = own_solvers(x, y, penalties, l1_ratio)
    tasks, notes = {}, {}
    for name, solver in (own | peer_solvers(x, y, penalties, l1_ratio)).items():

        def gap(path: Array) -> float:
            return largest_gap(x, y, penalties, l1_ratio, path)

        tolerance, reached = (
            (wanted, gap(solver(wanted))) if name in own else matched(solver, gap, wanted)
        )
        tasks[name] = partial(solver, tolerance)
        notes[name] = f"gap {reached:.0e}" + ("" if reached <= wanted else ": NOT REACHED")
    return table(take_turns(tasks, repeats), OWN, notes)


def main(arguments: list[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m twinlab.benchmark.elastic_net")
    parser.add_argument("--repeats", type=int, default=5, help="turns of each solver")
    parser.add_argument("--l1-ratio", type=float, default=1.0, help="1 is the lasso")
    parser.add_argument("--gap", type=float, default=1e-6, help="over the objective at zero")
    parser.add_argument("--problem", type=int, choices=(1, 2, 3), help="one of the three alone")
    options = parser.parse_args(arguments)
    print(machine(PEERS))
    chosen = PROBLEMS if options.problem is None else (PROBLEMS[options.problem - 1],)
    with one_blas_thread():
        for name, make, last in chosen:
            x, y = make()
            rows = measure(
                x, y, last, l1_ratio=options.l1_ratio, wanted=options.gap, repeats=options.repeats
            )
            print(
                f"\n{name}, {N_PENALTIES} penalties down to {last:g} of the first\n{rows}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

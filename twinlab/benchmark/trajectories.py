"""Speed of simulation: 1,000 trajectories of a network of five states, by several integrators.

Run as ``python -m twinlab.benchmark.trajectories``.  Every trajectory has rates, constants and a
start of its own and 100 output times.  SciPy's and numbalsoda's LSODA run at a relative tolerance
of 1e-6; the others at the loosest that leaves no larger error, by half powers of ten.  An error is
the largest distance from a solution at 1e-12, relative to the largest value of that state.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from twinlab.expressions import parse_term
from twinlab.expressions.table import term_table
from twinlab.kernels import Tolerance, no_drive
from twinlab.kernels.lanes import integrate_lanes
from twinlab.library import Entries

from .hand_written import PARAMETERS, integrate_by_hand, slope, slope_list
from .side_by_side import machine, table, take_turns, version

Array = NDArray[np.float64]
Run = Callable[[float], Array]  #: of a relative tolerance; the absolute one is a thousandth of it
TIME = np.linspace(0.0, 50.0, 100)
STATES = ("x0", "x1", "x2", "x3", "x4")
RELATIVE = 1e-6
OWN = "TwinLab"

#: State, term, sign, and the places in the parameters of its rate and its constant.
TERMS: tuple[tuple[int, str, float, int, int | None], ...] = (
    (0, "repress(x2, 0.5, 4)", 1.0, 0, 1),
    (0, "x0", -1.0, 3, None),
    (1, "hill(x0, 0.4, 2)", 1.0, 4, 5),
    (1, "x1", -1.0, 6, None),
    (2, "x1", 1.0, 2, None),
    (2, "x2", -1.0, 7, None),
    (3, "1", 1.0, 8, None),
    (3, "x2*hill(x3, 0.8, 1)", -1.0, 9, 10),
    (3, "x3", -1.0, 13, None),
    (4, "x2*hill(x3, 0.8, 1)", 1.0, 9, 10),
    (4, "hill(x4, 0.25, 1)", -1.0, 11, 12),
)


def ensemble(n: int, seed: int = 0) -> tuple[Array, Array]:
    """Starts (n, 5) and parameters (n, 14): 30 % and 20 % log-normal about the standard ones."""
    rng = np.random.default_rng(seed)
    parameters = PARAMETERS * np.exp(0.2 * rng.standard_normal((n, PARAMETERS.size)))
    start = np.array([0.1, 0.1, 0.1, 1.0, 0.1]) * np.exp(0.3 * rng.standard_normal((n, 5)))
    return start, parameters


def own_run(start: Array, parameters: Array) -> Callable[[slice, float, Array], None]:
    """The table-driven kernel on some of the trajectories."""
    listed = sorted({text for _, text, *_ in TERMS})
    terms = term_table([parse_term(text, STATES) for text in listed], STATES)
    place = np.array([listed.index(text) for _, text, *_ in TERMS])
    entries = Entries(
        np.array([row[0] for row in TERMS]),
        place,
        np.arange(len(TERMS)),
        np.array([row[2] for row in TERMS]),
    )
    coefficients = np.ascontiguousarray(parameters[:, [row[3] for row in TERMS]])
    constants = np.tile(terms.constant, (len(start), 1, 1))
    for (_, _, _, _, constant), k in zip(TERMS, place, strict=True):
        if constant is not None:
            # the Hill factor is the last: its variable is never alone before it
            constants[:, k, terms.factor_count[k] - 1] = parameters[:, constant]
    drive = no_drive(1, 5)

    def run(rows: slice, relative: float, out: Array) -> None:
        tolerance = Tolerance(relative, np.full(5, 1e-3 * relative), np.full(5, 1e6), 100_000)
        part = start[rows]
        integrate_lanes(
            part, TIME, terms, entries, coefficients[rows], 0, drive, tolerance, out[rows],
            np.zeros(len(part), np.int64), constants[rows],
        )  # fmt: skip

    return run


def numbalsoda_run(start: Array, parameters: Array) -> Callable[[slice, float, Array], None]:
    """LSODA in C++, its right-hand side compiled by numba, called from compiled code."""
    from numba import carray, cfunc
    from numbalsoda import lsoda, lsoda_sig

    @cfunc(lsoda_sig)
    def compiled(_time, x, out, p):
        slope(carray(x, (5,)), carray(p, (14,)), carray(out, (5,)))

    @njit(nogil=True)
    def loop(address, start, parameters, time, relative, out):
        for r in range(start.shape[0]):
            out[r], _ = lsoda(
                address, start[r].copy(), time, parameters[r].copy(), relative, 1e-3 * relative
            )

    def run(rows: slice, relative: float, out: Array) -> None:
        loop(compiled.address, start[rows], parameters[rows], TIME, relative, out[rows])

    return run


def scipy_run(start: Array, parameters: Array) -> Run:
    """SciPy's LSODA with the right-hand side in Python, one trajectory after the other."""

    def run(relative: float) -> Array:
        return np.array(
            [
                solve_ivp(
                    slope_list, (0.0, TIME[-1]), x, "LSODA", TIME, args=(p,), rtol=relative,
                    atol=1e-3 * relative,
                ).y.T
                for x, p in zip(start, parameters, strict=True)
            ]
        )  # fmt: skip

    return run


def shared_out(
    run: Callable[[slice, float, Array], None],
    n: int,
    pool: ThreadPoolExecutor | None,
    threads: int,
) -> Run:
    """One run over all trajectories, in equal parts over the threads."""

    def whole(relative: float) -> Array:
        out = np.empty((n, TIME.size, 5))
        if pool is None:
            run(slice(0, n), relative, out)
            return out
        # several parts a thread, so that none waits long for another
        edges = np.linspace(0, n, 2 * threads + 1).astype(int)
        parts = [slice(a, b) for a, b in zip(edges, edges[1:], strict=False)]
        list(pool.map(lambda rows: run(rows, relative, out), parts))
        return out

    return whole


def runs(n: int, threads: int, pool: ThreadPoolExecutor) -> dict[str, Run]:
    """Every integrator at hand, the compiled ones on one thread and on several."""
    start, parameters = ensemble(n)

    def by_hand(rows: slice, relative: float, out: Array) -> None:
        integrate_by_hand(start[rows], parameters[rows], TIME, relative, 1e-3 * relative, out[rows])

    compiled = {OWN: own_run(start, parameters), "written by hand": by_hand}
    if version("numbalsoda") is not None:
        compiled["numbalsoda LSODA"] = numbalsoda_run(start, parameters)
    found = {}
    for name, run in compiled.items():
        found[f"{name}, {threads} threads"] = shared_out(run, n, pool, threads)
        found[f"{name}, 1 thread"] = shared_out(run, n, None, 1)
    return found | {"SciPy LSODA": scipy_run(start, parameters)}


def error(got: Array, exact: Array) -> float:
    """Largest error relative to the largest value of each state; infinite where one failed."""
    worst = float((np.abs(got - exact) / np.abs(exact).max((0, 1))).max())
    return worst if np.isfinite(worst) else np.inf


def matched(run: Run, exact: Array, wanted: float) -> float:
    """Loosest tolerance, by half powers of ten, with an error within `wanted`."""
    relative = 1e-3
    while error(run(relative), exact) > wanted and relative > 1e-11:
        relative /= np.sqrt(10.0)
    return relative


def measure(n: int, threads: int, repeats: int) -> str:
    """Table of all integrators at equal error."""
    with ThreadPoolExecutor(threads) as pool:
        found = runs(n, threads, pool)
        exact = found["written by hand, 1 thread"](1e-12)
        given = [name for name in found if "LSODA" in name]
        wanted = min(error(found[name](RELATIVE), exact) for name in given)
        tasks: dict[str, Callable[[], Any]] = {}
        notes: dict[str, str] = {}
        for name, run in found.items():
            relative = RELATIVE if name in given else matched(run, exact, wanted)
            tasks[name] = partial(run, relative)
            notes[name] = f"error {error(run(relative), exact):.1e}, tolerance {relative:.1e}"
        own = next(iter(found))
        return table(take_turns(tasks, repeats), own, notes)


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m twinlab.benchmark.trajectories")
    parser.add_argument("--trajectories", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args(arguments)
    print(machine(("numbalsoda",)))
    print(f"\n{options.trajectories} trajectories, five states, {TIME.size} times each")
    print(measure(options.trajectories, options.threads, options.repeats))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

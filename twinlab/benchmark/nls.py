"""The ceiling: the true structure, its coefficients by nonlinear least squares on trajectories.

What any method that has to find the structure as well can at best hope for.  Coefficients begin
10 % (one standard deviation) off the truth, initial states at the first measurements.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, least_squares
from scipy.stats import t as student

from twinlab.expressions import parse_term
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study

from .cells import BenchmarkCase
from .peer_data import NotApplicable, PeerError
from .scoring import Answer
from .simulation import DrawSimulator

Array = NDArray[np.float64]
START_ERROR = 0.1
MAX_EVALUATIONS = 60
N_DRAWS = 100
FAR = 1e3  #: residual of a trajectory that diverged
STEP = 1e-5  #: of the finite differences, as a fraction of a parameter's size


@dataclass(frozen=True)
class Fit:
    """What is fitted: entries of the coefficient matrix, then initial states."""

    simulator: DrawSimulator
    entries: tuple[NDArray[np.int64], NDArray[np.int64]]
    shape: tuple[int, int]
    times: tuple[Array, ...]
    values: tuple[Array, ...]
    inputs: tuple[Array, ...]
    scale: Array

    def split(self, z: Array) -> tuple[Array, Array]:
        """Coefficient matrix (n_state, n_term) and initial states (n_trajectory, n_state)."""
        matrix = np.zeros(self.shape)
        n = self.entries[0].size
        matrix[self.entries] = z[:n]
        return matrix, z[n:].reshape(len(self.times), -1)

    def residuals(self, z: Array) -> Array:
        """Of everything measured, in units of the states' sd."""
        matrix, initial = self.split(z)
        out = []
        rows = zip(self.times, self.values, self.inputs, initial, strict=True)
        for grid, value, inputs, start in rows:
            x, good = self.simulator(start, grid, matrix[None], inputs)
            known = np.isfinite(value)
            off = (x[0] - value) / self.scale if good[0] else np.full(value.shape, FAR)
            out.append(off[known])
        return np.concatenate(out)


def prepare() -> None:
    """Load the simulator's kernel."""
    term = parse_term("x", ("x",))
    simulator = DrawSimulator(("x",), (term,), np.ones(1))
    simulator(np.ones(1), np.linspace(0, 1, 3), np.ones((1, 1, 1)), np.empty((3, 0)))


def answer(
    study: Study, library: Library, knowledge: Knowledge, seed: int, budget: float, *,
    case: BenchmarkCase,
) -> Answer:  # fmt: skip
    """Fit the true structure.

    Raises
    ------
    NotApplicable
        The truth needs states that the data do not hold.
    PeerError
        No time at which everything is measured: nothing to begin with.
    """
    began = time.perf_counter()
    states = tuple(library.states)
    problem, true = _problem(study, states, case)
    rng = np.random.default_rng([4, seed])
    first = [value[np.isfinite(value).all(axis=1)] for value in problem.values]
    if not all(len(rows) for rows in first):
        raise PeerError("no time at which every state is measured")
    z0 = np.concatenate(
        [true * (1.0 + START_ERROR * rng.standard_normal(true.size)), *(rows[0] for rows in first)]
    )
    size = np.concatenate([np.abs(z0[: true.size]), np.tile(problem.scale, len(first))])
    found = least_squares(
        problem.residuals,
        z0,
        x_scale=np.maximum(size, 1e-3),
        diff_step=STEP,
        max_nfev=MAX_EVALUATIONS,
    )
    return _as_answer(problem, found, true.size, states, case, seed, time.perf_counter() - began)


def _problem(study: Study, states: tuple[str, ...], case: BenchmarkCase) -> tuple[Fit, Array]:
    """Tables of the fit, and the true coefficients."""
    if case.hidden:
        raise NotApplicable("the ceiling is not defined with hidden states")
    names = tuple(case.library.names)
    texts = list(dict.fromkeys(text for row in case.truth.values() for text in row))
    matrix = np.zeros((len(states), len(texts)))
    for state, row in case.truth.items():
        for text, value in row.items():
            matrix[states.index(state), texts.index(text)] = value
    index = [study.variables.index(state) for state in states]
    times = tuple(np.asarray(t.time, float) for t in study.trajectories)
    driven = [study.variables.index(name) for name in case.library.inputs]
    values = tuple(t.value[:, index] for t in study.trajectories)
    inputs = tuple(t.value[:, driven] for t in study.trajectories)
    scale = np.nanstd(np.concatenate(values), axis=0)
    terms = [parse_term(text, names) for text in texts]
    simulator = DrawSimulator(names, terms, scale)
    rows, columns = np.nonzero(matrix)
    entries = rows.astype(np.int64), columns.astype(np.int64)
    return Fit(simulator, entries, matrix.shape, times, values, inputs, scale), matrix[entries]


def _as_answer(
    problem: Fit,
    found: OptimizeResult,
    n_true: int,
    states: tuple[str, ...],
    case: BenchmarkCase,
    seed: int,
    seconds: float,
) -> Answer:
    """Gauss-Newton covariance at the optimum; t quantiles, the noise's size being estimated."""
    freedom = max(1, found.fun.size - found.x.size)
    variance = 2.0 * found.cost / freedom
    covariance = variance * np.linalg.pinv(found.jac.T @ found.jac)[:n_true, :n_true]
    best, sd = found.x[:n_true], np.sqrt(np.diag(covariance))
    texts = list(dict.fromkeys(text for row in case.truth.values() for text in row))
    keys = [(states[i], texts[k]) for i, k in zip(*problem.entries, strict=True)]
    equations: dict[str, dict[str, float]] = {state: {} for state in states}
    for (state, text), value in zip(keys, best, strict=True):
        equations[state][text] = float(value)

    def intervals(level: float) -> dict[tuple[str, str], tuple[float, float]]:
        reach = student.ppf(0.5 + level / 2.0, freedom) * sd
        return {
            key: (float(v - r), float(v + r)) for key, v, r in zip(keys, best, reach, strict=True)
        }

    rng = np.random.default_rng([5, seed])
    drawn = rng.multivariate_normal(best, covariance, N_DRAWS, method="eigh")
    matrices = np.zeros((N_DRAWS, *problem.shape))
    matrices[:, problem.entries[0], problem.entries[1]] = drawn
    return Answer(
        equations,
        intervals(0.9),
        seconds=seconds,
        intervals50=intervals(0.5),
        forecaster=lambda start, at, u: problem.simulator.quantiles(start, at, matrices, u),
    )

"""Does the best model leave a change unexplained?  A score test of a discrepancy in each equation.

A Gaussian process ``delta_e(t)`` is added to ``dx_e/dt``, independent in every trajectory (Kennedy
and O'Hagan 2001, J. R. Stat. Soc. B 63, 425, put it on the output; here it acts through the
dynamics).  It is tested against zero by Rao's score (1948, Proc. Camb. Phil. Soc. 44, 50): the
residuals along the sensitivities to a basis of the process, adjusted for the coefficients and
initial states that were fitted, in units of their own spread.  The quadratic form that weighs the
directions by a prior instead (le Cessie and van Houwelingen 1995, Biometrics 51, 600) sees slow
discrepancies alone: on data whose library lacked a term it found a third as many.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.linalg import block_diag
from scipy.stats import f as f_distribution

from twinlab.expressions import Term
from twinlab.knowledge import ColumnPrior
from twinlab.library import Column, Library

from .noise import Noise
from .problem import Problem
from .result import Gram
from .single import single_noise, single_problem
from .steps import Fit, Frame, Point, linearise, n_parameters, solve_scaled

Array = NDArray[np.float64]

#: Basis functions along a trajectory at most, and measured times for each of them at least.
MOST_BASIS, TIMES_EACH = 8, 2
#: Directions with less than this share of the best known one's information are left out.
LEAST_INFORMATION = 1e-6
#: Trajectories looked at; more are taken evenly.
MOST_TRAJECTORIES = 40


@dataclass(frozen=True)
class LackOfFit:
    """Tests of the best model.

    Attributes
    ----------
    discrepancy : (n_state,) array
        p-values of a change of each state that the model does not explain; NaN without data.
    replicates : float
        p-value of residuals that exceed the scatter of replicates; NaN without replicates.
    """

    discrepancy: Array
    replicates: float

    @property
    def tests(self) -> int:
        """How many tests were made."""
        return int(np.isfinite([*self.discrepancy, self.replicates]).sum())

    @property
    def smallest(self) -> float:
        """The smallest p-value times the number of tests (Bonferroni), at most 1."""
        known = [p for p in (*self.discrepancy, self.replicates) if np.isfinite(p)]
        return min(1.0, self.tests * min(known)) if known else 1.0


def lack_of_fit(frame: Frame, fit: Fit, noise: Noise) -> LackOfFit:
    """Test the best model.

    Parameters
    ----------
    frame : Frame
    fit : Fit
        At its optimum and kappa = 0.
    noise : Noise
    """
    return LackOfFit(
        discrepancy_tests(frame, fit, noise),
        replicate_test(frame.problem, fit, noise, n_parameters(frame, fit)),
    )


def replicate_test(problem: Problem, fit: Fit, noise: Noise, used: float | None = None) -> float:
    """p-value of the residuals of replicate means against their scatter (F test; Fisher 1922).

    The test is of normal errors: NaN under Student-t noise, whose outliers it would take for a
    lack of fit.  Limits have neither residual nor scatter and are left out.  `used` is the number
    of the fit's parameters: coefficients and initial states by default.
    """
    seen = (problem.count > 0) & ~problem.censored & ~problem.gauge
    counted = seen & (problem.count > 1) & ~np.isfinite(problem.sd)
    within_dof = float((problem.count - 1)[counted].sum())
    used = len(fit.columns) + fit.initial.size if used is None else used
    dof = float(seen.sum()) - used
    if noise.student or within_dof < 4 or dof < 1:
        return float("nan")
    sigma = noise.sd * noise.shape
    level = np.where(noise.logarithmic, problem.value, 1.0)
    within = float((problem.spread / (sigma * level) ** 2)[counted].sum()) / within_dof
    residual = noise.standardised(problem, fit.x)
    between = float((residual[seen] ** 2).sum()) / dof
    return float(f_distribution.sf(between / within, dof, within_dof))


def discrepancy_tests(frame: Frame, fit: Fit, noise: Noise) -> Array:
    """p-values (n_state,) of a discrepancy in each equation."""
    problem, k = frame.problem, len(fit.columns)
    n_basis = _basis_size(problem)
    if n_basis < 2:
        return np.full(problem.n_state, np.nan)
    shared = np.diag(frame.precision[fit.columns])
    pull = np.zeros(k)
    scores: list[Array] = []
    own: list[Array] = []
    cross: list[Array] = []
    for r in _chosen(problem.n_trajectory):
        gram = _trajectory_gram(frame, fit, noise, r, n_basis)
        if gram is None:
            return np.full(problem.n_state, np.nan)
        w = np.concatenate([fit.coefficients, np.zeros(gram.vector.size - k)])
        score = gram.vector - gram.matrix @ w
        shared = shared + gram.matrix[:k, :k]
        pull = pull + score[:k]
        scores.append(score[k:])
        own.append(gram.matrix[k:, k:])
        cross.append(gram.matrix[k:, :k])
    pull = pull - frame.precision[fit.columns] * fit.coefficients
    moved = np.concatenate(cross)
    score = np.concatenate(scores)
    variance = block_diag(*own)
    if k:
        solved = solve_scaled(shared, moved.T)
        score = score - pull @ solved
        variance = variance - moved @ solved
    excess, information = noise.excess(problem, fit.x)
    dof = max(int(information - n_parameters(frame, fit)), 1)
    squares = max(fit.cost - excess, 1e-300)
    state = np.tile(np.repeat(np.arange(problem.n_state), n_basis), len(own))
    return np.array(
        [
            score_test(score[state == e], variance[np.ix_(state == e, state == e)], squares, dof)
            for e in range(problem.n_state)
        ]
    )


def _basis_size(problem: Problem) -> int:
    shortest = np.median(np.diff(problem.start))
    return int(min(MOST_BASIS, shortest // TIMES_EACH))


def _chosen(n_trajectory: int) -> NDArray[np.int64]:
    if n_trajectory <= MOST_TRAJECTORIES:
        return np.arange(n_trajectory)
    return np.linspace(0, n_trajectory - 1, MOST_TRAJECTORIES).astype(np.int64)


def _trajectory_gram(frame: Frame, fit: Fit, noise: Noise, r: int, n_basis: int) -> Gram | None:
    """Regression of one trajectory on the active columns, then the basis in each equation."""
    problem = frame.problem
    wider = _with_basis(problem, fit.columns, r, n_basis)
    start = frame.initial_prior
    part = replace(
        frame,
        problem=wider,
        initial_prior=type(start)(start.mean[r : r + 1], start.precision[r : r + 1]),
        varies=frame.varying.trajectory(r, fit.columns, len(wider.library.columns)),
        smooth=replace(frame.smooth, target=np.zeros((1, 1, 4, problem.n_state))),
    )
    columns = np.arange(len(fit.columns), dtype=np.int64)
    point = Point(columns, fit.coefficients, fit.initial[r : r + 1], effects=fit.effects)
    return linearise(part, point, single_noise(noise, problem, r), 0.0)


def _with_basis(problem: Problem, columns: NDArray[np.int64], r: int, n_basis: int) -> Problem:
    """One trajectory, the active columns, and basis functions of time as further inputs."""
    library = problem.library
    names = _free_names(library.names, n_basis)
    terms = [*library.terms, *(Term.product({name: 1.0}) for name in names)]
    first = len(library.terms)
    basis = [
        Column(((e, 1.0),), first + b, "discrepancy")
        for e in range(problem.n_state)
        for b in range(n_basis)
    ]
    wider = Library(
        library.states,
        (*library.inputs, *names),
        tuple(terms),
        (*(library.columns[c] for c in columns), *basis),
    )
    free = np.zeros(len(wider.columns), bool)
    none = ColumnPrior(
        np.zeros(free.size), free, free, np.zeros(free.size, np.int64),
        np.full(free.size, -np.inf), np.full(free.size, np.inf), np.zeros(free.size),
    )  # fmt: skip
    grid = problem.grid(r)
    schedule = problem.schedule.one(r).with_inputs(grid, _basis_pieces(grid, n_basis))
    return replace(
        single_problem(problem, r),
        library=wider,
        terms=wider.table(),
        entries=wider.entries(),
        prior=none,
        schedule=schedule,
    )


def _free_names(taken: tuple[str, ...], n: int) -> list[str]:
    stem = "discrepancy"
    while any(name.startswith(stem) for name in taken):
        stem += "_"
    return [f"{stem}{b}" for b in range(n)]


def _basis_pieces(grid: Array, n_basis: int) -> Array:
    """Gaussian bumps at regular centres as cubic pieces (n_cell, 4, n_basis)."""
    centre = np.linspace(grid[0], grid[-1], n_basis)
    width = (grid[-1] - grid[0]) / (n_basis - 1)
    bumps = np.exp(-0.5 * ((grid[:, None] - centre) / width) ** 2)
    return np.asarray(CubicSpline(grid, bumps).c.transpose(1, 0, 2), float)


def score_test(score: Array, variance: Array, squares: float, dof: int) -> float:
    """p-value of a score against the noise that the residuals show (F test).

    Under the null the score is normal with `variance` times the noise's true size, which the
    residuals outside its directions estimate.

    Parameters
    ----------
    score : (q,) array
    variance : (q, q) array
        Of the score, in units of the noise's variance.
    squares : float
        Sum of squared standardised residuals.
    dof : int
        Degrees of freedom of the residuals.

    Returns
    -------
    float
        NaN where the score knows no direction, or the residuals leave none to compare with.
    """
    values, vectors = np.linalg.eigh(0.5 * (variance + variance.T))
    known = values > LEAST_INFORMATION * max(values[-1], 1e-300)
    # Directions of the most information, half of the residuals' at most.
    known[: known.size - min(known.size, dof // 2)] = False
    q = int(known.sum())
    if q == 0:
        return float("nan")
    own = float(((vectors[:, known].T @ score) ** 2 / values[known]).sum())
    rest = max(squares - own, 1e-12 * squares) / (dof - q)
    return float(f_distribution.sf(own / q / rest, q, dof - q))

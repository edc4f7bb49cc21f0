"""Sparse weak regressions of the measured equations, in units of the data's noise.

They judge guesses at what was never measured, and give the models that follow from them to begin
with.  Each row ``-int phi' x = sum w int phi theta`` (`weak`) is weighed by what the noise of the
data alone leaves in it, which has the variance ``sd^2 dt int phi'^2`` (Bortz, Messenger and Dukic
2023, Bull. Math. Biol. 85, 110).  Without, rows of high frequency decide, and a state that only
delays a measured one, and so holds its derivative, is the best of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .problem import Problem
from .smoothing import Smooth
from .weak import (
    MAX_TEST_FUNCTIONS,
    grid_values,
    left_side,
    relative_states,
    terms_on_grids,
    test_functions,
)

Array = NDArray[np.float64]

#: Terms of an equation at most.
MOST_TERMS = 5
#: Shares of a term's length below which it follows from others.
SAME_PAIR, SAME = 1e-6, 1e-4


@dataclass(frozen=True)
class Sparse:
    """A few terms of a regression, their coefficients, and how bad they are."""

    badness: float
    terms: tuple[int, ...]
    coefficients: Array


def sparse_path(features: Array, side: Array) -> list[Sparse]:
    """Regressions of few terms: none, the best one, the best pair, then forward selection.

    Forward selection from the first term on misses two terms in balance, as the making and the
    decay of a state are.  The price of a term is that of the extended BIC (Chen and Chen 2008,
    eq. 1, gamma = 1).

    Parameters
    ----------
    features : (n, p) array
    side : (n,) array
        Both in units of the noise.
    """
    norm = np.linalg.norm(features, axis=0)
    usable = np.nonzero(norm > 1e-10 * max(norm.max(initial=0.0), 1e-300))[0]
    unit = features[:, usable] / norm[usable]
    price = np.log(side.size) + 2.0 * np.log(max(features.shape[1], 1))
    out = [Sparse(float(side @ side), (), np.zeros(0))]
    for own in _supports(unit, side):
        w = np.linalg.lstsq(unit[:, own], side, rcond=None)[0]
        squares = float(((side - unit[:, own] @ w) ** 2).sum())
        terms = tuple(int(usable[i]) for i in own)
        out.append(Sparse(squares + len(own) * price, terms, w / norm[usable[own]]))
    return out


def _supports(unit: Array, side: Array) -> list[list[int]]:
    """The best term, the best pair, and that grown term by term; columns have unit length."""
    p = unit.shape[1]
    if p == 0:
        return []
    gram, vector = unit.T @ unit, unit.T @ side
    chosen = [[int(np.argmax(np.abs(vector)))]]
    if p > 1:
        apart = np.maximum(1.0 - gram**2, 0.0)
        both = vector[:, None] ** 2 + vector**2 - 2.0 * gram * np.outer(vector, vector)
        gain = np.where(apart > SAME_PAIR, both / np.maximum(apart, SAME_PAIR), 0.0)
        chosen.append([int(i) for i in np.unravel_index(np.argmax(gain), gain.shape)])
    while len(chosen[-1]) < min(MOST_TERMS, p):
        own = chosen[-1]
        everything = np.column_stack([unit, side])
        rest = everything - unit[:, own] @ np.linalg.lstsq(unit[:, own], everything, rcond=None)[0]
        length = np.linalg.norm(rest[:, :-1], axis=0)
        gain = np.abs(rest[:, -1] @ rest[:, :-1]) / np.maximum(length, SAME)
        gain[(length < SAME) | np.isin(np.arange(p), own)] = 0.0
        if not gain.any():
            break
        chosen.append([*own, int(np.argmax(gain))])
    return chosen


class WeakRows:
    """Rows of the weak regression of every measured equation.

    Parameters
    ----------
    problem : Problem
    smooth : Smooth
        Courses of all states but those that are left out.
    sd : (n_observable,) array
        Standard deviation of the noise, roughly.
    without : sequence of int
        States whose terms are left out.
    """

    def __init__(
        self, problem: Problem, smooth: Smooth, sd: Array, without: Sequence[int] = ()
    ) -> None:
        self.problem, self.smooth = problem, smooth
        library = problem.library
        out = {library.states[e] for e in without}
        #: Of every measured equation its state and its columns.
        self.equations: list[tuple[int, list[int]]] = []
        for e in np.nonzero(problem.seen[: problem.n_state])[0].tolist():
            own = [
                c
                for c in library.columns_of(e)
                if not problem.prior.excluded[c]
                and not library.columns[c].is_reaction
                and not out & set(library.term_of(c).variables)
            ]
            self.equations.append((e, own))
        self.relative = relative_states(problem)
        phis, sides, noise = [], [], []
        theta: dict[int, list[Array]] = {kind: [] for kind in (-1, *self.relative)}
        for r, on_grid in enumerate(terms_on_grids(problem, library, smooth)):
            grid, t = problem.grid(r), problem.times(r)
            phi, dphi = test_functions(grid, max(3, min(MAX_TEST_FUNCTIONS, t.size - 1)))
            phis.append(phi)
            for kind, rows in theta.items():
                rows.append(phi @ (on_grid / self._unit(kind, r)))
            sides.append(-dphi @ left_side(problem, smooth, r))
            steps = (t[-1] - t[0]) / (t.size - 1) / (grid[1] - grid[0])
            noise.append(np.sqrt(steps * (dphi**2).sum(axis=1)))
        self.phi, self.sides = phis, np.concatenate(sides)
        #: Terms (n_row, n_term), and those divided by each state whose logarithm is regressed.
        self.theta = {kind: np.concatenate(rows) for kind, rows in theta.items()}
        own_sd = sd[: problem.n_state].copy()
        for e in self.relative:
            own_sd[e] /= np.exp(np.nanmean(np.log(problem.value[:, e])))
        self.weight = 1.0 / (np.concatenate(noise)[:, None] * own_sd)

    def _unit(self, kind: int, r: int) -> Array:
        """What terms are divided by: 1, or the state whose logarithm is regressed (n_grid, 1)."""
        return np.ones((1, 1)) if kind < 0 else self.smooth.mean[r][:, [kind]]

    def badness(self, state: int, course: Array) -> float:
        """Badness of all equations, each at its best, with a course of one more state."""
        if not np.isfinite(course).all() or not course.any():
            return np.inf
        theta = self._with(state, course / np.abs(course).max())
        return float(sum(min(s.badness for s in path) for path in self._paths(theta)))

    def paths(self) -> list[list[Sparse]]:
        """Sparse right-hand sides of each equation by their number of terms; terms are columns."""
        out = []
        for (_, columns), path in zip(self.equations, self._paths(self.theta), strict=True):
            out.append([replace(s, terms=tuple(columns[i] for i in s.terms)) for s in path])
        return out

    def regression(self, state: int, columns: Sequence[int]) -> Sparse:
        """Least squares of one measured equation on some of its columns."""
        q = [e for e, _ in self.equations].index(state)
        features, side = self._weighed(self.theta, q)
        own = features[:, [self.equations[q][1].index(c) for c in columns]]
        w = np.asarray(np.linalg.lstsq(own, side, rcond=None)[0], float)
        return Sparse(float(((side - own @ w) ** 2).sum()), tuple(columns), w)

    def _with(self, state: int, course: Array) -> dict[int, Array]:
        """Terms (n_row, n_term) where one state takes a course (n_trajectory, n_grid)."""
        library, theta = self.problem.library, {k: rows.copy() for k, rows in self.theta.items()}
        name, first = library.states[state], 0
        held = [k for k, t in enumerate(library.terms) if name in t.variables]
        for r, phi in enumerate(self.phi):
            values = grid_values(self.problem, self.smooth, r) | {name: course[r]}
            part = slice(first, first + len(phi))
            first += len(phi)
            with np.errstate(all="ignore"):
                own = [library.terms[k].evaluate(values) for k in held]
            on_grid = np.nan_to_num(np.stack(own, axis=1))
            for kind, rows in theta.items():
                rows[part, held] = phi @ (on_grid / self._unit(kind, r))
        return theta

    def _paths(self, theta: dict[int, Array]) -> list[list[Sparse]]:
        return [sparse_path(*self._weighed(theta, q)) for q in range(len(self.equations))]

    def _weighed(self, theta: dict[int, Array], equation: int) -> tuple[Array, Array]:
        """Features (n_row, n_own) and side (n_row,) of one equation, in units of the noise."""
        e, columns = self.equations[equation]
        library, weight = self.problem.library, self.weight[:, e]
        terms = [library.columns[c].term for c in columns]
        sign = [dict(library.columns[c].stoichiometry)[e] for c in columns]
        own = theta[e if e in self.relative else -1]
        return own[:, terms] * sign * weight[:, None], self.sides[:, e] * weight

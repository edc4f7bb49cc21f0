"""Starts for states that were never measured: guesses at their course along the smoothed data.

For each way a hidden state ``z`` may be made, ``z' = p theta - d z`` or ``z' = (a theta - d) z``
with a term ``theta`` of what was measured, the course is integrated along the smooths and judged by
the weak regression of the measured equations with ``z`` as one more state (METHODS section 4.4).
The best few start a continuation each, in which the latent's own equation keeps its two terms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError
from twinlab.expressions import POWER, Term
from twinlab.knowledge import ColumnPrior

from .problem import Problem
from .smoothing import Smooth
from .weak import MAX_TEST_FUNCTIONS, grid_values, terms_on_grids, test_functions

Array = NDArray[np.float64]

#: Decay rates tried, times the duration of a record; growth by a term at its mean, likewise.
DECAYS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
GROWTHS = (-32.0, -16.0, -8.0, -4.0, 4.0, 8.0, 16.0)
#: Guesses that start a continuation, and how many of them may share their production.
KEPT, KEPT_ALIKE = 6, 1
#: Terms of a measured equation in the weak regression at most.
MOST_TERMS = 5
#: Rate of growth at the beginning is read from this share of the grid.
BEGINNING = 0.05


@dataclass(frozen=True)
class Guess:
    """One guess at a latent state.

    Attributes
    ----------
    state : int
    coefficients : mapping of column to float
        Its own equation.
    course : (n_trajectory, n_cell + 1) array
    score : float
        Of the weak regression; lower is better.
    kind : tuple
        What made it, without its rates.
    """

    state: int
    coefficients: dict[int, float]
    course: Array
    score: float
    kind: tuple[str, int]


def check_informed(problem: Problem) -> None:
    """Refuse a latent state that no data could say anything about.

    Raises
    ------
    UserError
        No candidate term of an equation that is informed, and no observable, involves it.
    """
    library, names = problem.library, problem.library.states
    observed = problem.numerator[:, :-1].any(axis=0) | problem.denominator[:, :-1].any(axis=0)
    informed = problem.seen[: problem.n_state] | observed
    links = [
        (state, {names.index(v) for v in library.terms[column.term].variables if v in names})
        for c, column in enumerate(library.columns)
        if not problem.prior.excluded[c]
        for state, _ in column.stoichiometry
    ]
    for _ in names:
        for state, sources in links:
            if informed[state]:
                informed[list(sources)] = True
    for e in np.nonzero(~informed)[0]:
        raise UserError(
            f"Nothing informs the latent state {names[e]}: no candidate term of a measured "
            "equation involves it.",
            mend=f"Add terms with {names[e]} to the library, or take it out of the latent states.",
        )


def guesses(problem: Problem, smooth: Smooth, state: int) -> list[Guess]:
    """The best guesses at one latent state, best first.

    Parameters
    ----------
    problem : Problem
    smooth : Smooth
        Holds the courses of everything else.
    state : int
    """
    judge = _Judge(problem, smooth, state)
    made = [
        Guess(state, coefficients, course, judge.score(course), kind)
        for coefficients, course, kind in _courses(problem, smooth, state)
    ]
    made.sort(key=lambda guess: guess.score)
    kept: list[Guess] = []
    for guess in made:
        alike = sum(other.kind == guess.kind for other in kept)
        if np.isfinite(guess.score) and alike < KEPT_ALIKE:
            kept.append(guess)
        if len(kept) == KEPT:
            break
    return kept


def _courses(
    problem: Problem, smooth: Smooth, state: int
) -> Iterator[tuple[dict[int, float], Array, tuple[str, int]]]:
    """Own equation, course (n_trajectory, n_grid) and kind of every guess."""
    library, name = problem.library, problem.library.states[state]
    unseen = {library.states[e] for e in problem.unseen_states} - {name}
    own = {
        library.terms[library.columns[c].term]: c
        for c in library.columns_of(state)
        if not library.columns[c].is_reaction and not problem.prior.excluded[c]
    }
    decay = own.get(Term.product({name: 1.0}))
    rates = [d for d in DECAYS if d == 0.0 or decay is not None]
    dosed = bool(problem.schedule.given[:, state].any() or problem.schedule.rate[:, state].any())
    for term, column in own.items():
        if unseen & set(term.variables):
            continue
        powers = {f.variable: f for f in term.factors}
        if name not in powers:
            theta = _on_grid(problem, smooth, term)
            if theta is None or not theta.any():
                continue
            for d in rates:
                decaying = {decay: -d / problem.duration} if decay is not None and d else {}
                yield (
                    {column: 1.0, **decaying},
                    _integrated(problem, theta, d / problem.duration, state),
                    ("made from", column),
                )
            continue
        factor = powers[name]
        others = [f for f in term.factors if f.variable != name]
        if factor.kind != POWER or factor.exponent != 1.0 or not others:
            continue
        theta = _on_grid(problem, smooth, Term(tuple(others)))
        size = 0.0 if theta is None else float(np.abs(theta).mean())
        if theta is None or not size:
            continue
        for a in GROWTHS:
            for d in rates[::2]:
                rate = a * theta / size / problem.duration - d / problem.duration
                course = _multiplied(problem, rate)
                if np.isfinite(course).all():
                    decaying = {decay: -d / problem.duration} if decay is not None and d else {}
                    grown = a / size / problem.duration
                    yield {column: grown, **decaying}, course, ("grows by", column)
    if dosed and decay is not None:
        zero = np.zeros((problem.n_trajectory, problem.n_cell + 1))
        for d in rates[1:]:
            course = _integrated(problem, zero, d / problem.duration, state)
            yield {decay: -d / problem.duration}, course, ("given", decay)


def _on_grid(problem: Problem, smooth: Smooth, term: Term) -> Array | None:
    """A term (n_trajectory, n_grid) on the smooth; None where it is not defined."""
    rows = []
    for r in range(problem.n_trajectory):
        with np.errstate(all="ignore"):
            value = term.evaluate(grid_values(problem, smooth, r))
        rows.append(np.broadcast_to(value, (problem.n_cell + 1,)))
    out = np.array(rows, float)
    return out if np.isfinite(out).all() else None


def _integrated(problem: Problem, theta: Array, d: float, state: int) -> Array:
    """Solution (n_trajectory, n_grid) of ``z' = theta - d z`` and of what doses give to it.

    It begins where it would stand if `theta` had always grown as it does at first, or at the
    value that is known.
    """
    out = np.empty_like(theta)
    known = problem.study.initial.get(problem.library.states[state])
    first = max(1, int(BEGINNING * theta.shape[1]))
    for r in range(len(theta)):
        h = problem.cell[r]
        begin, later = theta[r, 0], theta[r, first]
        growth = np.log(later / begin) / (first * h) if begin > 0 and later > begin else 0.0
        z = known if known is not None else begin / max(d + growth, 1.0 / problem.duration)
        fade = np.exp(-d * h)
        given = np.diff(problem.schedule.given_at(r, problem.grid(r))[:, state])
        out[r, 0] = z
        for i in range(1, theta.shape[1]):
            z = z * fade + 0.5 * h * (theta[r, i] + theta[r, i - 1] * fade) + given[i - 1]
            out[r, i] = z
    return out


def _multiplied(problem: Problem, rate: Array) -> Array:
    """Solution (n_trajectory, n_grid) of ``z' = rate z`` from 1."""
    steps = 0.5 * (rate[:, 1:] + rate[:, :-1]) * problem.cell[:, None]
    log = np.concatenate([np.zeros((len(rate), 1)), np.cumsum(steps, axis=1)], axis=1)
    return np.where(np.abs(log).max() < 60.0, np.exp(np.clip(log, -60.0, 60.0)), np.nan)


class _Judge:
    """Weak regression of the measured equations on terms with a latent state among them."""

    def __init__(self, problem: Problem, smooth: Smooth, state: int) -> None:
        self.problem, self.smooth, self.state = problem, smooth, state
        library, name = problem.library, problem.library.states[state]
        self.with_latent = [k for k, t in enumerate(library.terms) if name in t.variables]
        unseen = {library.states[e] for e in problem.unseen_states} - {name}
        #: Terms of every measured equation.
        self.equations = []
        for e in np.nonzero(problem.seen[: problem.n_state])[0].tolist():
            columns = [c for c in library.columns_of(e) if not problem.prior.excluded[c]]
            terms = {library.columns[c].term for c in columns}
            known = [k for k in terms if not unseen & set(library.terms[k].variables)]
            self.equations.append((e, sorted(known)))
        self.phi, theta, sides = [], [], []
        for r, on_grid in enumerate(terms_on_grids(problem, library, smooth)):
            n_most = max(3, min(MAX_TEST_FUNCTIONS, problem.times(r).size - 1))
            phi, dphi = test_functions(problem.grid(r), n_most)
            self.phi.append(phi)
            theta.append(phi @ on_grid)
            sides.append(-dphi @ smooth.continuous[r])
        self.theta, self.sides = np.concatenate(theta), np.concatenate(sides)

    def score(self, course: Array) -> float:
        """Badness of the measured equations: ``n log(squares) + terms log n``, summed."""
        if not np.isfinite(course).all() or not course.any():
            return np.inf
        theta, library = self.theta.copy(), self.problem.library
        name, rows = library.states[self.state], 0
        course = course / np.abs(course).max()
        for r, phi in enumerate(self.phi):
            values = grid_values(self.problem, self.smooth, r) | {name: course[r]}
            part = slice(rows, rows + len(phi))
            rows += len(phi)
            with np.errstate(all="ignore"):
                own = [library.terms[k].evaluate(values) for k in self.with_latent]
            theta[part, self.with_latent] = phi @ np.nan_to_num(np.stack(own, axis=1))
        return sum(_badness(theta[:, terms], self.sides[:, e]) for e, terms in self.equations)


def _badness(features: Array, side: Array) -> float:
    """Least ``n log(squares) + k log n`` on the path of forward selection."""
    n, norm = side.size, np.linalg.norm(features, axis=0)
    usable = norm > 1e-10 * max(norm.max(initial=0.0), 1e-300)
    rest = features[:, usable] / norm[usable]
    residual, total = side.copy(), max(float(side @ side), 1e-300)
    best = n * np.log(total)
    for k in range(1, min(MOST_TERMS, rest.shape[1]) + 1):
        length = np.linalg.norm(rest, axis=0)
        gain = np.where(length > 1e-5, np.abs(residual @ rest) / np.maximum(length, 1e-5), 0.0)
        i = int(np.argmax(gain))
        if gain[i] <= 0.0:
            break
        chosen = rest[:, i] / length[i]
        residual = residual - chosen * (chosen @ residual)
        rest = rest - np.outer(chosen, chosen @ rest)
        squares = max(float(residual @ residual), 1e-12 * total)
        best = min(best, n * np.log(squares) + k * np.log(n))
    return float(best)


def held_structure(problem: Problem, chosen: list[Guess]) -> ColumnPrior:
    """Beliefs while the data are still nudged: latent equations keep the terms of their guesses."""
    prior = problem.prior
    required, excluded = prior.required.copy(), prior.excluded.copy()
    for guess in chosen:
        for c in problem.library.columns_of(guess.state):
            if not problem.library.columns[c].is_reaction and not prior.required[c]:
                excluded[c] = c not in guess.coefficients
                required[c] = c in guess.coefficients
    return prior._replace(required=required, excluded=excluded)


def with_course(problem: Problem, guess: Guess, scale: float) -> Guess:
    """The same guess in units in which its course is `scale` times as large."""
    coefficients = {}
    name = problem.library.states[guess.state]
    for c, value in guess.coefficients.items():
        in_itself = name in problem.library.term_of(c).variables
        coefficients[c] = value if in_itself else value * scale
    return replace(guess, course=guess.course * scale, coefficients=coefficients)

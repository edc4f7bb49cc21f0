"""Starts for states that were never measured: guesses at their course along the smoothed data.

For each way a hidden state ``z`` may be made, ``z' = p theta - d z`` or ``z' = (a theta - d) z``
with a term ``theta`` of what was measured, the course is integrated along the smooths and judged by
the weak regression of the measured equations with ``z`` as one more state (METHODS section 4.4).
The best few become small models each; around the best of these the search goes on, while the
latent's own equation keeps the terms of its guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError
from twinlab.expressions import POWER, Term
from twinlab.knowledge import ColumnPrior

from .frame import Point
from .problem import Problem
from .smoothing import Smooth
from .sparse_weak import MOST_TERMS, Sparse, WeakRows
from .weak import grid_values, relative_states

Array = NDArray[np.float64]
Rates = tuple[float, ...]
Try: TypeAlias = tuple[float, "Making", Rates]

#: Decay rates tried, times the duration of a record; growth by a term at its mean, likewise.
DECAYS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
GROWTHS = (-32.0, -16.0, -8.0, -4.0, 4.0, 8.0, 16.0)
#: Guesses that are followed.
KEPT = 10
#: Terms of a measured equation at most in the small models that a guess begins with.
SPARSE_TERMS = (2, 5)
#: Largest logarithm of growth along a record.
MOST_GROWTH = 60.0
GROWS, FADES_FROM = "grows by", "fades from"
#: Factor between decay rates (which are negative) from which on one kind is followed twice.
APART = 4.0
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


def guesses(problem: Problem, smooth: Smooth, state: int, sd: Array) -> list[Guess]:
    """The best guesses at one latent state, best first.

    Parameters
    ----------
    problem : Problem
    smooth : Smooth
        Holds the courses of everything else.
    state : int
    sd : (n_observable,) array
        Standard deviation of the noise, roughly.
    """
    judge = WeakRows(problem, smooth, sd, without=[e for e in problem.unseen_states if e != state])
    made: list[Try] = []
    for making, rates in _makings(problem, smooth, state):
        badness = judge.badness(state, making.course(rates))
        if np.isfinite(badness):
            made.append((badness, making, rates))
    made.sort(key=lambda found: found[0])
    best = {making.kind: (badness, making, rates) for badness, making, rates in reversed(made)}
    kept = sorted(best.values(), key=lambda found: found[0])[:KEPT]
    # A growth is not linear in its rate and initial value: one try may be far from it.  And over
    # decades the slower of two phases described as a fast one that is missing is as good to the
    # regression, while as a model it falls below zero.
    grown = [found for found in made if found[1].kind[0] == GROWS]
    phases = made if any(found[1].kind[0] == FADES_FROM for found in made) else []
    for found in (*grown, *phases):
        if len(kept) < KEPT and _another(found, kept):
            kept.append(found)
    return [
        Guess(state, making.coefficients(rates), making.course(rates), badness, making.kind)
        for badness, making, rates in kept
    ]


def _another(found: Try, kept: Sequence[Try]) -> bool:
    """Whether a try is more than a slight change of what is kept of its kind."""
    _, making, rates = found
    same = [own for _, other, own in kept if other is making]
    if making.kind[0] == GROWS or not rates:
        return rates not in same
    return all(min(own[0], rates[0]) < APART * max(own[0], rates[0]) for own in same)


@dataclass(frozen=True)
class Making:
    """One way in which a hidden state may be made, its rates left open.

    Attributes
    ----------
    kind : tuple
    columns : tuple of int
        Of its own equation, one for each rate.
    course : callable
        Of the rates: the course (n_trajectory, n_grid).
    fixed : tuple of int
        Columns of coefficient 1.
    """

    kind: tuple[str, int]
    columns: tuple[int, ...]
    course: Callable[[Rates], Array]
    fixed: tuple[int, ...] = ()

    def coefficients(self, rates: Rates) -> dict[int, float]:
        """Own equation; a rate of zero is no term."""
        own = dict.fromkeys(self.fixed, 1.0)
        return own | {c: rate for c, rate in zip(self.columns, rates, strict=True) if rate}


def _makings(problem: Problem, smooth: Smooth, state: int) -> Iterator[tuple[Making, Rates]]:
    """Every way in which a state may be made, with the rates to be tried."""
    library, name = problem.library, problem.library.states[state]
    unseen = {library.states[e] for e in problem.unseen_states} - {name}
    own = {
        library.terms[library.columns[c].term]: c
        for c in library.columns_of(state)
        if not library.columns[c].is_reaction and not problem.prior.excluded[c]
    }
    decay = own.get(Term.product({name: 1.0}))
    fading = [-d / problem.duration for d in DECAYS if d == 0.0 or decay is not None]
    own_decay = () if decay is None else (decay,)

    def made(theta: Array) -> Callable[[Rates], Array]:
        return lambda rates: _integrated(problem, theta, -sum(rates), state)

    def faded(first: Array) -> Callable[[Rates], Array]:
        course = made(np.zeros((problem.n_trajectory, problem.n_cell + 1)))
        return lambda rates: first[:, None] * course(rates)

    def grown(theta: Array) -> Callable[[Rates], Array]:
        return lambda rates: _multiplied(problem, rates[0] * theta + sum(rates[1:]))

    for term, column in own.items():
        if unseen & set(term.variables):
            continue
        powers = {f.variable: f for f in term.factors}
        if name not in powers:
            theta = _on_grid(problem, smooth, term)
            if theta is None or not theta.any():
                continue
            making = Making(("made from", column), own_decay, made(theta), (column,))
            for d in fading:
                yield making, (d,) * len(own_decay)
            continue
        factor = powers[name]
        others = [f for f in term.factors if f.variable != name]
        if factor.kind != POWER or factor.exponent != 1.0 or not others:
            continue
        theta = _on_grid(problem, smooth, Term(tuple(others)))
        size = 0.0 if theta is None else float(np.abs(theta).mean()) * problem.duration
        if theta is None or not size:
            continue
        making = Making((GROWS, column), (column, *own_decay), grown(theta))
        for a in GROWTHS:
            for d in fading[::2]:
                yield making, (a / size, *((d,) * len(own_decay)))
    if decay is not None:
        zero = np.zeros((problem.n_trajectory, problem.n_cell + 1))
        dosed = problem.schedule.given[:, state].any() or problem.schedule.rate[:, state].any()
        alone = [Making(("given" if dosed else "fades", decay), own_decay, made(zero))]
        if not dosed and name not in problem.study.initial:
            # over decades subjects differ by more than a rate does: all of them started alike
            for e in relative_states(problem):
                first = smooth.mean[:, 0, e] / problem.scale[e]
                alone.append(Making((FADES_FROM, e), own_decay, faded(first)))
        for making in alone:
            for d in fading[1:]:
                yield making, (d,)


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
    value that is known; where nothing makes it, at 1.
    """
    out = np.empty_like(theta)
    known = problem.study.initial.get(problem.library.states[state])
    first = max(1, int(BEGINNING * theta.shape[1]))
    for r in range(len(theta)):
        h = problem.cell[r]
        begin, later = theta[r, 0], theta[r, first]
        growth = np.log(later / begin) / (first * h) if begin > 0 and later > begin else 0.0
        z = known if known is not None else begin / max(d + growth, 1.0 / problem.duration)
        z = 1.0 if known is None and not theta[r].any() else z
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
    return np.exp(log) if np.abs(log).max() < MOST_GROWTH else np.full(log.shape, np.nan)


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


def sparse_points(problem: Problem, smooth: Smooth, own: Sequence[Guess]) -> tuple[Point, ...]:
    """Models of the guessed equations and of sparse ones of all that was measured.

    One for each number of terms that an equation may have at most, since what is left by an error
    in the guessed course asks for more than the truth has; then those in which a hidden state
    makes a measured one that decays, as along a chain of compartments, or changes the rate of one
    that grows or decays by itself, as a predator does; the other equations are the best of few
    terms, or of all without a hidden state.
    """
    rows, library = WeakRows(problem, smooth, smooth.sd), problem.library
    paths = rows.paths()

    def best(most: int, among: list[list[Sparse]]) -> list[Sparse]:
        return [min(path[: most + 1], key=lambda sparse: sparse.badness) for path in among]

    ways = [best(most, paths) for most in SPARSE_TERMS]
    hidden = [guess.state for guess in own]
    apart = WeakRows(problem, smooth, smooth.sd, without=hidden).paths() if hidden else paths
    others = [ways[0], best(MOST_TERMS, apart)]
    for name in (library.states[e] for e in hidden):
        for q, (e, columns) in enumerate(rows.equations):
            seen = library.states[e]
            for powers in ({name: 1.0}, {name: 1.0, seen: 1.0}):
                pair = {Term.product(powers), Term.product({seen: 1.0})}
                chosen = [c for c in columns if library.term_of(c) in pair]
                if len(chosen) == len(pair):
                    made = rows.regression(e, chosen)
                    ways += [[*other[:q], made, *other[q + 1 :]] for other in others]
    out: dict[tuple[int, ...], Point] = {}
    for way in ways:
        values = {c: w for guess in own for c, w in guess.coefficients.items()}
        for sparse in way:
            values.update(zip(sparse.terms, sparse.coefficients.tolist(), strict=True))
        for c in np.nonzero(problem.prior.required)[0].tolist():  # whatever else a model holds
            values.setdefault(
                c, float(np.clip(0.0, problem.prior.lower[c], problem.prior.upper[c]))
            )
        columns = sorted(values)
        if tuple(columns) not in out:
            w = np.array([values[c] for c in columns])
            point = Point(np.array(columns, np.int64), w, smooth.mean[:, 0, :].copy())
            out[tuple(columns)] = point
    return tuple(out.values())

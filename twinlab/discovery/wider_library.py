"""Terms that a library does not hold, and a problem that holds them besides.

The extension is fixed: what people add when a library has failed them.  It is used to criticise
a fit and to propose terms, never to fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from twinlab.expressions import (
    EXPONENTIAL,
    HILL_ACTIVATION,
    HILL_REPRESSION,
    LOGARITHM,
    MAX_FACTORS,
    POWER,
    Factor,
    Term,
)
from twinlab.knowledge import ColumnPrior, complexity_cost
from twinlab.library import Column, Library

from .problem import Problem
from .result import Settings
from .signs import sign_log_odds

Array = NDArray[np.float64]

#: Columns of an extension at most; families are added in order while there is room.
MOST_COLUMNS = 900
#: Half saturations of the extension, as quantiles of the data, and Hill coefficients.
QUANTILES, COEFFICIENTS = (0.25, 0.5, 0.75), (1.0, 2.0, 4.0)


def candidate_terms(problem: Problem) -> Iterator[list[Term]]:
    """Families of terms, the most usual first.

    Monomials to one degree more than the library's (at most four); Michaelis-Menten and Hill
    functions of every variable that is never negative, at the quartiles of its data; a variable
    times such a function of another; exponential decays and logarithms; ratios.
    """
    library = problem.library
    names = library.names
    degree = max((_degree(term) for term in library.terms), default=1)
    for total in range(min(degree + 1, 4) + 1):
        yield _monomials(names, total)
    level = {name: _levels(problem, i) for i, name in enumerate(names)}
    positive = [name for name in names if level[name]]
    atoms = {
        name: [
            Factor(kind, name, n, k)
            for n in COEFFICIENTS
            for k in level[name]
            for kind in (HILL_ACTIVATION, HILL_REPRESSION)
        ]
        for name in positive
    }
    yield [Term((atom,)) for name in positive for atom in atoms[name]]
    yield [
        Term((Factor(POWER, other, 1.0), atom))
        for name in positive
        for atom in atoms[name]
        for other in names
        if other != name or atom.kind == HILL_ACTIVATION
    ]
    yield [
        Term((Factor(EXPONENTIAL, name, 1.0, float(f"{-1.0 / k:.3g}")),))
        for name in positive
        for k in level[name]
    ]
    strictly = [n for n in positive if _lowest(problem, names.index(n)) > 0.0]
    yield [Term((Factor(LOGARITHM, name, 1.0, 1.0), Factor(POWER, name, 1.0))) for name in strictly]
    yield [
        Term((Factor(POWER, other, 1.0), Factor(POWER, name, -1.0)))
        for name in strictly
        for other in names
        if other != name
    ]


def _degree(term: Term) -> int:
    powers = [f.exponent for f in term.factors]
    plain = all(f.kind == POWER and f.exponent > 0 for f in term.factors)
    return int(sum(powers)) if plain else 1


def _monomials(names: tuple[str, ...], total: int) -> list[Term]:
    terms = []
    for combination in combinations_with_replacement(names, total):
        powers = {name: combination.count(name) for name in combination}
        if len(powers) <= MAX_FACTORS:
            terms.append(Term.product(powers))
    return terms


def _data(problem: Problem, variable: int) -> Array:
    """Measured values of a state, or those of an input over time."""
    if variable < problem.n_state:
        column = problem.measured[:, variable]
        if np.isfinite(column).any():
            return column[np.isfinite(column)]
        return problem.scale[variable : variable + 1]
    values = [
        problem.schedule.inputs_at(r, problem.grid(r))[:, variable - problem.n_state]
        for r in range(problem.n_trajectory)
    ]
    return np.concatenate(values)


def _lowest(problem: Problem, variable: int) -> float:
    return float(_data(problem, variable).min())


def _levels(problem: Problem, variable: int) -> list[float]:
    """Quartiles of a variable that is never negative, to three digits; none for another."""
    values = _data(problem, variable)
    if values.min() < 0.0 or not (values > 0.0).any():
        return []
    quartiles = np.quantile(values[values > 0.0], QUANTILES)
    return list(dict.fromkeys(float(f"{v:.3g}") for v in quartiles))


def _barred(problem: Problem) -> list[set[str]]:
    """Variables that knowledge keeps out of each equation: all their candidates are excluded."""
    library, out = problem.library, []
    for e in range(problem.n_state):
        of = [(c, set(library.term_of(c).variables)) for c in library.columns_of(e)]
        told = set().union(*(names for c, names in of if problem.prior.excluded[c]))
        open_ = set().union(*(names for c, names in of if not problem.prior.excluded[c]))
        out.append(told - open_)
    return out


def extended(problem: Problem, active: NDArray[np.int64], settings: Settings) -> Problem:
    """The problem over a model's columns and the terms that its library lacks.

    Parameters
    ----------
    problem : Problem
    active : (k,) int array
        Columns of the model, which come first; the rest of the library is left out.
    settings : Settings

    Returns
    -------
    Problem
        Of at most ``MOST_COLUMNS`` columns besides: a family that would go beyond is left out
        with those after it.  New columns have no beliefs but the cost of their complexity; a
        variable that knowledge keeps out of an equation is kept out here too.
    """
    library, prior = problem.library, problem.prior
    there = {
        (column.stoichiometry[0][0], library.terms[column.term])
        for column in library.columns
        if not column.is_reaction
    }
    columns = [library.columns[c] for c in active]
    barred = _barred(problem)
    place = {term: k for k, term in enumerate(library.terms)}
    for family in candidate_terms(problem):
        new = [
            (state, term)
            for term in dict.fromkeys(family)
            for state in range(problem.n_state)
            if (state, term) not in there and not barred[state] & set(term.variables)
        ]
        if len(columns) - active.size + len(new) > MOST_COLUMNS:
            break
        for state, term in new:
            there.add((state, term))
            columns.append(Column(((state, 1.0),), place.setdefault(term, len(place)), "extension"))
    wider = Library(
        library.states,
        library.inputs,
        tuple(place),
        tuple(columns),
        library.units,
        latent=library.latent,
    )
    cost = complexity_cost(wider, settings.complexity)[active.size :]
    more = len(columns) - active.size
    return replace(
        problem,
        library=wider,
        terms=wider.table(),
        entries=wider.entries(),
        prior=ColumnPrior(
            np.append(prior.log_odds[active], 0.0 - cost),
            np.append(prior.required[active], np.zeros(more, bool)),
            np.append(prior.excluded[active], np.zeros(more, bool)),
            np.append(prior.sign[active], np.zeros(more, np.int64)),
            np.append(prior.lower[active], np.full(more, -np.inf)),
            np.append(prior.upper[active], np.full(more, np.inf)),
            np.append(prior.spread[active], np.zeros(more)),
            None if prior.table is None else prior.table.restricted(active, more),
        ),
        sign_log_odds=sign_log_odds(wider, problem.nonnegative, settings.positivity),
    )

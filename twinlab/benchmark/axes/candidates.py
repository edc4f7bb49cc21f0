"""The library axis: true terms among few or many decoys, rational terms, truth removed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from twinlab.expressions import HILL_ACTIVATION, HILL_REPRESSION, Term, parse_term
from twinlab.library import Column, Library

from ..systems import BenchmarkSystem
from .streams import stream

Array = NDArray[np.float64]
Pair = tuple[int, Term]  #: a state and a term in its equation
MULTIPLES: Mapping[str, int] = {"x2": 2, "x5": 5, "x20": 20}
QUANTILES = (0.25, 0.5, 0.75)  #: of the clean data, for half saturations
COEFFICIENTS = (1, 2, 4)  #: Hill coefficients of decoys
FINE_QUANTILES = (0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9)
FINE_COEFFICIENTS = (1, 2, 3, 4)
#: Degree of monomials and whether the fine grid is used, until there are decoys enough.
WIDTHS = ((2, False), (3, False), (4, True), (6, True))
MANY_NAMES = 8  #: with more variables than these, monomials begin at degree 2, else at 3


def case_library(
    system: BenchmarkSystem, kind: str, clean: Sequence[Array], seed: int
) -> tuple[Library, tuple[str, str] | None]:
    """Library of a cell over all states, and the true (state, term) taken out, if any.

    'default' is the system's own.  'rational' adds Hill functions of every state (half
    saturations at the quartiles of the clean data; coefficients 1, 2, 4).  'x2', 'x5', 'x20'
    hold the true terms and decoys, so many that the columns are that multiple of the true ones;
    each contains the smaller ones of the same seed.  'removed' lacks one true term in one
    equation.

    Parameters
    ----------
    system : BenchmarkSystem
    kind : str
    clean : sequence of (n_time, n_state) arrays
        Where half saturations of decoys are taken from.
    seed : int
    """
    library = system.library()
    if kind == "default":
        return library, None
    if kind == "rational":
        extra = saturating_terms(system, clean)
        return library + Library.user_terms(library.names, extra, inputs=library.inputs), None
    true = true_pairs(system)
    rng = stream(f"library {kind == 'removed'}", system.name, seed)
    if kind == "removed":
        state, term = true[rng.integers(len(true))]
        gone = library.find(library.states[state], term.text)
        keep = (column for column in range(len(library.columns)) if column != gone)
        return library.restrict(keep), (library.states[state], term.text)
    n_decoy = (MULTIPLES[kind] - 1) * len(true)
    pool = decoy_pool(system, clean, max(MULTIPLES.values()) * len(true))
    chosen = [pool[i] for i in rng.permutation(len(pool))[:n_decoy]]
    return library_of(library, true + chosen), None


def true_pairs(system: BenchmarkSystem) -> list[Pair]:
    """True terms with the index of their state."""
    names = (*system.states, *system.inputs)
    return [
        (state, parse_term(text, names))
        for state, row in enumerate(system.equations.values())
        for text in row
    ]


def library_of(like: Library, pairs: Iterable[Pair]) -> Library:
    """Library of the states, inputs and units of another, with given terms in the equations."""
    places: dict[Term, int] = {}
    columns = []
    for state, term in sorted(pairs, key=lambda pair: (pair[0], pair[1].text)):
        place = places.setdefault(term, len(places))
        columns.append(Column(((state, 1.0),), place, _family(term), term.text))
    return Library(like.states, like.inputs, tuple(places), tuple(columns), like.units)


def _family(term: Term) -> str:
    saturating = [f.variable for f in term.factors if f.kind in (HILL_ACTIVATION, HILL_REPRESSION)]
    return f"hill:{saturating[0]}" if saturating else "polynomial"


def decoy_pool(system: BenchmarkSystem, clean: Sequence[Array], enough: int) -> list[Pair]:
    """False terms of every equation: the system's library, monomials, Hill functions, products.

    Monomials have degree 3 or less (2 for more than eight variables).  Where these are not
    `enough`, the degree rises, the grid of half saturations becomes finer, and exponentials
    come in.
    """
    library = system.library()
    names = library.names
    true = set(true_pairs(system))
    own = [library.term_of(column) for column in range(len(library.columns))]
    pairs: list[Pair] = []
    for degree, fine in WIDTHS[len(names) <= MANY_NAMES :]:
        monomials = Library.polynomial(names, degree=degree).terms
        texts = saturating_terms(system, clean, fine)
        saturating = [parse_term(text, names) for text in texts]
        products = [
            parse_term(f"{name}*{term.text}", names)
            for term in saturating
            for name in names
            if name not in term.variables
        ]
        terms = dict.fromkeys((*own, *monomials, *saturating, *products))
        pairs = [(s, t) for t in terms for s in range(len(library.states)) if (s, t) not in true]
        if len(pairs) >= enough:
            break
    return pairs


def saturating_terms(
    system: BenchmarkSystem, clean: Sequence[Array], fine: bool = False
) -> list[str]:
    """Hill functions of every state that is ever positive; exponentials too on the fine grid.

    A state of which the system's own library has repression gets repression, the others
    activation: both together and the constant would be linearly dependent, and the truth not
    unique.
    """
    own = system.library().terms
    repressing = {f.variable for t in own for f in t.factors if f.kind == HILL_REPRESSION}
    levels = FINE_QUANTILES if fine else QUANTILES
    coefficients = FINE_COEFFICIENTS if fine else COEFFICIENTS
    terms = []
    for name, column in zip(system.states, np.concatenate(clean).T, strict=True):
        positive = column[column > 0]
        if not positive.size:
            continue
        word = "repress" if name in repressing else "hill"
        grid = dict.fromkeys(f"{value:.2g}" for value in np.quantile(positive, levels))
        halves = [half for half in grid if float(half) > 0]
        terms += [f"{word}({name},{half},{n})" for half in halves for n in coefficients]
        if fine:
            terms += [f"exp(-{name}/{half})" for half in halves]
    return terms


def observed_part(library: Library, hidden: Sequence[str]) -> Library:
    """Library without the equations of hidden states and without terms that hold them."""
    if not hidden:
        return library
    states = tuple(state for state in library.states if state not in hidden)
    columns = []
    places: dict[Term, int] = {}
    for number, column in enumerate(library.columns):
        state, term = library.states[library.column_state(number)], library.term_of(number)
        if state in states and not set(term.variables) & set(hidden):
            place = places.setdefault(term, len(places))
            target = ((states.index(state), 1.0),)
            columns.append(Column(target, place, column.family, column.source))
    units = {name: unit for name, unit in library.units.items() if name not in hidden}
    return Library(states, library.inputs, tuple(places), tuple(columns), units)

"""Conserved totals, enforced by what the library holds.

Every candidate is made to conserve the totals by itself, so that each model, each posterior draw
and each simulation does, to rounding and without a weight to tune.  A plain column, which changes
one state alone, cannot; in its place come transfers: the same rate taken from one state and given
to another.  With several totals these are the vectors of smallest support that change none of
them (circuits; Rockafellar 1969, The elementary vectors of a subspace of R^N): every vector that
conserves is a sum of them, so that no conserving model is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError
from twinlab.expressions import Term, known_names
from twinlab.library import REACTION, Column, Library
from twinlab.library.assembly import check_size

from .items import Conserved, error_at

Array = NDArray[np.float64]

#: Sets of states looked at for circuits, at most.
MOST_SETS = 20_000
#: Weights and changes that differ by less, relative to the largest, are equal.
ROUNDING = 1e-9
#: Stoichiometric numbers are written as ratios of whole numbers up to this.
LARGEST_NUMBER = 60


def weight_matrix(conserved: Sequence[Conserved], states: Sequence[str]) -> Array:
    """Weights (n_total, n_state).

    Raises
    ------
    UserError
        A total over a state that does not exist.
    """
    out = np.zeros((len(conserved), len(states)))
    for row, total in zip(out, conserved, strict=True):
        for state, weight in total.weights:
            if state not in states:
                raise error_at(
                    total.place,
                    f"The conserved total {total.label} holds '{state}', which is no state.",
                    known_names(state, tuple(states)),
                )
            row[states.index(state)] = weight
    return out


def circuits(weights: Array) -> list[dict[int, float]]:
    """Changes of smallest support that leave all weighted sums as they are.

    Parameters
    ----------
    weights : (n_total, n_state) array

    Returns
    -------
    list of mapping of state index to change
        Over the states that some total holds; the first change is -1 or a whole negative number.

    Raises
    ------
    UserError
        There are too many sets of states to look at.
    """
    held = [int(i) for i in np.nonzero(np.abs(weights).max(axis=0) > 0)[0]]
    rank = int(np.linalg.matrix_rank(weights)) if weights.size else 0
    found: list[dict[int, float]] = []
    seen = 0
    for size in range(1, rank + 2):
        for chosen in combinations(held, size):
            seen += 1
            if seen > MOST_SETS:
                raise UserError(
                    "These conserved totals hold too many states to list what conserves them.",
                    mend="Give the flows as reactions instead.",
                )
            if any(set(other) <= set(chosen) for other in found):
                continue
            own = weights[:, chosen]
            _, singular, right = np.linalg.svd(own)
            null = size - int((singular > ROUNDING * np.abs(weights).max()).sum())
            vector = right[-1]
            if null == 1 and np.abs(vector).min() > ROUNDING:
                found.append(dict(zip(chosen, _whole(vector), strict=True)))
    return found


def _whole(vector: Array) -> list[float]:
    """The vector scaled so that its first number is negative, and all are whole if they can be."""
    scaled = -vector / vector[0]
    parts = [Fraction(v).limit_denominator(LARGEST_NUMBER) for v in scaled]
    if any(abs(float(p) - v) > ROUNDING for p, v in zip(parts, scaled, strict=True)):
        return [float(v) for v in scaled]
    common = int(np.lcm.reduce([p.denominator for p in parts]))
    return [float(p * common) for p in parts]


def conserving(library: Library, conserved: Sequence[Conserved]) -> Library:
    """The library with what changes a conserved total replaced by transfers.

    A term becomes a transfer between states if it is a candidate in the equation of one of them.

    Parameters
    ----------
    library : Library
    conserved : sequence of Conserved

    Raises
    ------
    UserError
        A total over an unknown state, a reaction that changes a total, or too many columns.
    """
    if not conserved:
        return library
    weights = weight_matrix(conserved, library.states)
    changed = np.abs(weights).max(axis=0) > 0
    kept: list[Column] = []
    terms_of: dict[int, list[int]] = {}
    for column in library.columns:
        if conserves(column, weights):
            kept.append(column)
        elif column.is_reaction:
            raise _breaks(column, weights, conserved)
        else:
            terms_of.setdefault(column.stoichiometry[0][0], []).append(column.term)
    assert all(changed[state] for state in terms_of)
    there = {(column.stoichiometry, column.term) for column in kept}
    reverse = {(tuple((s, -v) for s, v in n), t) for n, t in there}
    made = []
    for change in circuits(weights):
        numbers = tuple(sorted(change.items()))
        offered = dict.fromkeys(t for state in change for t in terms_of.get(state, ()))
        for term in offered:
            # A curated reaction stands for the transfer of the same rate, either way round.
            if (numbers, term) not in there | reverse:
                text = _text(library, numbers, library.terms[term])
                made.append(Column(numbers, term, REACTION, text))
        check_size(len(kept) + len(made), "The library of conserving transfers")
    return replace(library, columns=(*kept, *made))


def conserves(column: Column, weights: Array) -> bool:
    """Whether a column changes none of the weighted sums."""
    change = np.zeros(weights.shape[1])
    for state, value in column.stoichiometry:
        change[state] = value
    scale = np.abs(weights) @ np.abs(change)
    return bool((np.abs(weights @ change) <= ROUNDING * np.maximum(scale, 1e-300)).all())


def _breaks(column: Column, weights: Array, conserved: Sequence[Conserved]) -> UserError:
    broken = next(
        total
        for total, row in zip(conserved, weights, strict=True)
        if not conserves(column, row[None])
    )
    return error_at(
        broken.place,
        f"The reaction {column.source} changes the total {broken.label}, which is said to be "
        "conserved.",
        "Correct the reaction, or remove the total.",
    )


def _text(library: Library, numbers: tuple[tuple[int, float], ...], term: Term) -> str:
    """The transfer written as a reaction with its rate."""

    def side(sign: int) -> str:
        parts = [
            library.states[s] if abs(v) == 1 else f"{abs(v):g} {library.states[s]}"
            for s, v in numbers
            if v * sign > 0
        ]
        return " + ".join(parts)

    return f"{side(-1)} -> {side(1)}".strip() + f" : {term.text}"

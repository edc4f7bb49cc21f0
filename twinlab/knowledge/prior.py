"""Beliefs as one row of numbers per library column, the form the selector reads."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import ExpressionError, UserError
from twinlab.expressions import parse_term, suggestion
from twinlab.library import Library
from twinlab.library.reactions import parse_reactions

from .belief import Belief


class ColumnPrior(NamedTuple):
    """Prior of every column of a library.

    Attributes
    ----------
    log_odds : (n_column,) float64
        Prior log-odds of inclusion, the cost of complexity included.
    required, excluded : (n_column,) bool
    sign : (n_column,) int64
        -1, 0 or 1; agrees with the bounds.
    lower, upper : (n_column,) float64
        Bounds of the coefficient; infinite where there is none.
    """

    log_odds: NDArray[np.float64]
    required: NDArray[np.bool_]
    excluded: NDArray[np.bool_]
    sign: NDArray[np.int64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]


def complexity_cost(library: Library, complexity: float) -> NDArray[np.float64]:
    """Nats a column costs: `complexity` for each factor of its term beyond the first.

    Factors are counted with their powers: ``x`` and ``1`` cost nothing, ``x^2*y`` costs two, a
    Hill function (which counts two) costs one.
    """
    per_term = [complexity * max(0.0, term.complexity - 1.0) for term in library.terms]
    return np.array([per_term[column.term] for column in library.columns], float)


def column_prior(beliefs: Iterable[Belief], library: Library, complexity: float) -> ColumnPrior:
    """Match beliefs with columns.

    Raises
    ------
    UserError
        A belief names a state or term the library does not have, or two beliefs contradict.
    """
    n = len(library.columns)
    prior = ColumnPrior(
        0.0 - complexity_cost(library, complexity),
        np.zeros(n, bool),
        np.zeros(n, bool),
        np.zeros(n, np.int64),
        np.full(n, -np.inf),
        np.full(n, np.inf),
    )
    index = column_index(library)
    for belief in beliefs:
        column = index.get(library_key(belief, library))
        if column is None:
            raise _missing(belief, library)
        _apply(belief, prior, column)
    return prior


def column_index(library: Library) -> dict[tuple[str, str], int]:
    """Column of every (state, canonical term) and of every ("", reaction)."""
    index: dict[tuple[str, str], int] = {}
    for number, column in enumerate(library.columns):
        if column.is_reaction:
            index["", column.source] = number
        else:
            state = library.states[column.stoichiometry[0][0]]
            index[state, library.terms[column.term].text] = number
    return index


def library_key(belief: Belief, library: Library) -> tuple[str, str]:
    """Key of a belief in `column_index`, checked against the library's names.

    Raises
    ------
    UserError
        No such state, or the term does not parse with the library's names.
    """
    if belief.is_reaction:
        found = parse_reactions(belief.term, library.names)
        if len(found) != 1:
            raise UserError(
                f"A belief is about one direction: {belief.term}.",
                mend="Write the two directions as two beliefs.",
            )
        return "", found[0].text
    library.state_index(belief.state)
    try:
        return belief.state, parse_term(belief.term, library.names).text
    except ExpressionError as error:
        problem = f"In a belief about the equation of '{belief.state}': {error.problem}"
        raise ExpressionError(problem, error.text, error.position, mend=error.mend) from error


def _missing(belief: Belief, library: Library) -> UserError:
    if belief.is_reaction:
        known = [c.source for c in library.columns if c.is_reaction]
        problem = f"The library has no reaction {belief.term}, which a belief names."
    else:
        wanted = {belief.state}
        known = [term for state, term in column_index(library) if state in wanted]
        problem = (
            f"The library has no term {belief.term} in the equation of '{belief.state}', "
            "which a belief names."
        )
    nearest = suggestion(belief.term, known)
    hint = f"Did you mean {nearest}? " if nearest else ""
    return UserError(problem, mend=f"{hint}Add it to the library, or remove the belief.")


def _apply(belief: Belief, prior: ColumnPrior, column: int) -> None:
    prior.log_odds[column] += belief.log_odds
    prior.required[column] |= belief.required
    prior.excluded[column] |= belief.excluded
    lower, upper = belief.bounds
    # Sign and bounds say the same thing twice, so that a reader of either is right.
    if belief.sign > 0:
        lower = max(lower, 0.0)
    if belief.sign < 0:
        upper = min(upper, 0.0)
    prior.lower[column] = max(prior.lower[column], lower)
    prior.upper[column] = min(prior.upper[column], upper)
    lower, upper = float(prior.lower[column]), float(prior.upper[column])
    if prior.required[column] and prior.excluded[column]:
        raise UserError(f"{belief.label} is both required and excluded.", mend="Choose one.")
    if lower > upper or (lower == upper == 0 and prior.required[column]):
        raise UserError(f"The bounds and signs given for {belief.label} leave no value.")
    both_zero = lower == 0 == upper
    prior.sign[column] = 0 if both_zero else int(lower >= 0) - int(upper <= 0)
    assert not math.isnan(lower) and not math.isnan(upper)

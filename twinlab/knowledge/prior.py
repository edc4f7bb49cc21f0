"""Knowledge as one row of numbers per library column, the form the selector reads."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import ExpressionError, UserError
from twinlab.expressions import parse_term, suggestion
from twinlab.library import Library
from twinlab.library.reactions import parse_reactions

from .belief import Belief
from .edge_table import LEVELS, EdgeTable, edge_table
from .edges import any_probability, base_odds, edge_shift
from .items import CuratedReaction, error_at

if TYPE_CHECKING:
    from .knowledge import Knowledge

Array = NDArray[np.float64]
#: Columns a belief is about, each with its share: what one unit of the column adds to the
#: believed state.
Shares = list[tuple[int, float]]


class ColumnPrior(NamedTuple):
    """Prior of every column of a library.

    Attributes
    ----------
    log_odds : (n_column,) float64
        Prior log-odds of inclusion, the cost of complexity included, what edges say left out.
    required, excluded : (n_column,) bool
    sign : (n_column,) int64
        -1, 0 or 1; agrees with the bounds.
    lower, upper : (n_column,) float64
        Bounds of the coefficient; infinite where there is none.
    spread : (n_column,) float64
        Log-odds by which a search column by column follows the edges (`EdgeTable.spread`).
    table : EdgeTable or None
        What the edges say of a support as a whole.
    """

    log_odds: Array
    required: NDArray[np.bool_]
    excluded: NDArray[np.bool_]
    sign: NDArray[np.int64]
    lower: Array
    upper: Array
    spread: Array
    table: EdgeTable | None = None

    @property
    def search_odds(self) -> Array:
        """Log-odds (n_column,) that a search column by column goes by."""
        return self.log_odds + self.spread

    def trusting(self, reliability: float) -> ColumnPrior:
        """The same, its search trusting the edges that far."""
        if self.table is None:
            return self
        return self._replace(spread=self.table.spread(reliability))

    @property
    def held(self) -> NDArray[np.bool_]:
        """Required columns whose coefficient is given: known parts of the dynamics."""
        return self.required & (self.lower == self.upper)


def complexity_cost(library: Library, complexity: float) -> Array:
    """Nats a column costs: `complexity` for each factor of its term beyond the first.

    Factors are counted with their powers: ``x`` and ``1`` cost nothing, ``x^2*y`` costs two, a
    Hill function (which counts two) costs one.
    """
    per_term = [complexity * max(0.0, term.complexity - 1.0) for term in library.terms]
    return np.array([per_term[column.term] for column in library.columns], float)


def column_prior(
    knowledge: Knowledge,
    library: Library,
    complexity: float,
    nonnegative: Collection[str] | None = None,
) -> ColumnPrior:
    """Match knowledge with columns; `nonnegative` variables tell the signs of edges.

    Raises
    ------
    UserError
        Something names a state or term the library does not have, or two items contradict.
    """
    n = len(library.columns)
    own = 0.0 - complexity_cost(library, complexity)
    table = edge_table(knowledge.edges, knowledge.complete, library, own, nonnegative)
    prior = ColumnPrior(
        own.copy(),
        np.zeros(n, bool),
        np.zeros(n, bool),
        np.zeros(n, np.int64),
        np.full(n, -np.inf),
        np.full(n, np.inf),
        np.zeros(n),
        table,
    ).trusting(float(LEVELS.mean()))
    own = own + base_odds(library)
    for belief in knowledge.beliefs:
        _apply(belief, prior, belief_columns(belief, library), own)
    for reaction in knowledge.reactions:
        belief = as_belief(reaction)
        _apply(belief, prior, belief_columns(belief, library), own)
    for part in knowledge.known_terms(library):
        belief = Belief(
            part.state, part.term, required=True, lower=part.value, upper=part.value,
            place=part.place,
        )  # fmt: skip
        _apply(belief, prior, belief_columns(belief, library), own)
    return prior


def as_belief(reaction: CuratedReaction) -> Belief:
    """What a curated reaction says about its column: a rate constant is not negative."""
    return Belief(
        "", reaction.text, required=reaction.required, sign=1, log_odds=reaction.log_odds,
        source=reaction.source, place=reaction.place,
    )  # fmt: skip


def belief_columns(belief: Belief, library: Library) -> Shares:
    """Columns a belief is about, with their shares.

    A reaction of one state may stand in the library as a plain column, and a term of an equation
    in several transfers.

    Raises
    ------
    UserError
        No such state or column, or a term that does not parse with the library's names.
    """
    key = library_key(belief, library)
    column = column_index(library).get(key)
    if column is not None:
        return [(column, 1.0)]
    found = _same_effect(key, library)
    if not found:
        raise _missing(belief, library)
    return found


def _same_effect(key: tuple[str, str], library: Library) -> Shares:
    """Columns that do what a key says under another name."""
    columns = list(enumerate(library.columns))
    if key[0]:
        state = library.states.index(key[0])
        return [
            (c, dict(column.stoichiometry)[state])
            for c, column in columns
            if library.terms[column.term].text == key[1] and state in dict(column.stoichiometry)
        ]
    reaction = parse_reactions(key[1], library.names)[0]
    change = reaction.on_states(library.states)
    found: Shares = []
    for c, column in columns:
        own = column.stoichiometry
        alike = own == change or [s for s, _ in own] == [s for s, _ in change][:1] * len(change)
        if alike and library.terms[column.term] == reaction.rate:
            found.append((c, own[0][1] / change[0][1]))
    return found


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
    return error_at(belief.place, problem, f"{hint}Add it to the library, or remove the belief.")


def belief_shift(belief: Belief, columns: Shares, own: Array) -> float:
    """What a belief adds to the log-odds of each of its columns.

    For one column its log-odds; for several the shift that moves the probability of at least one
    of them by these log-odds.
    """
    if len(columns) == 1 or not belief.log_odds:
        return belief.log_odds
    odds = own[[c for c, _ in columns]]
    before = any_probability(odds)
    moved = math.log(before) - math.log1p(-before) + belief.log_odds
    return edge_shift(odds, 1.0 / (1.0 + math.exp(-moved)))


def _apply(belief: Belief, prior: ColumnPrior, columns: Shares, own: Array) -> None:
    certain = belief.required or belief.lower is not None or belief.upper is not None
    if len(columns) > 1 and certain:
        raise error_at(
            belief.place,
            f"{belief.label} may be part of {len(columns)} transfers: it cannot be said which is "
            "required or bounded.",
            'Write the belief about the transfer, as a reaction such as "S -> I : S*I".',
        )
    shift = belief_shift(belief, columns, own)
    for column, share in columns:
        prior.log_odds[column] += shift
        prior.required[column] |= belief.required
        prior.excluded[column] |= belief.excluded
        _bound(belief, prior, column, share)


def _bound(belief: Belief, prior: ColumnPrior, column: int, share: float) -> None:
    lower, upper = belief.bounds
    # Sign and bounds say the same thing twice, so that a reader of either is right.
    if belief.sign > 0:
        lower = max(lower, 0.0)
    if belief.sign < 0:
        upper = min(upper, 0.0)
    lower, upper = sorted((lower / share, upper / share))
    prior.lower[column] = max(prior.lower[column], lower)
    prior.upper[column] = min(prior.upper[column], upper)
    lower, upper = float(prior.lower[column]), float(prior.upper[column])
    if prior.required[column] and prior.excluded[column]:
        raise error_at(
            belief.place, f"{belief.label} is both required and excluded.", "Choose one."
        )
    if lower > upper or (lower == upper == 0 and prior.required[column]):
        raise error_at(
            belief.place, f"The bounds and signs given for {belief.label} leave no value."
        )
    both_zero = lower == 0 == upper
    prior.sign[column] = 0 if both_zero else int(lower >= 0) - int(upper <= 0)
    assert not math.isnan(lower) and not math.isnan(upper)

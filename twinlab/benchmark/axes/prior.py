"""Prior knowledge of some true edges, with some of them wrong."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from twinlab.expressions import parse_term
from twinlab.knowledge import Belief, Knowledge
from twinlab.library import Library

from ..systems import Equations

LOG_ODDS = 3.0  #: inclusion odds of 20 to 1 for each edge that is told
SOURCE = "simulated prior knowledge"


def prior_knowledge(
    library: Library, truth: Equations, share: float, wrong: float, rng: np.random.Generator
) -> Knowledge:
    """Inclusion odds on a share of the true edges; a share of these is replaced by false ones.

    An edge is a term in the equation of a state.  The number told is ``share`` of the true edges
    in the library, rounded, and at least one; of these ``wrong``, rounded, are replaced by
    candidates that are not true, drawn from the library.

    Parameters
    ----------
    library : Library
    truth : mapping of state to mapping of term to coefficient
    share, wrong : float
        Between 0 and 1.
    rng : Generator
    """
    if share <= 0:
        return Knowledge()
    true = true_columns(library, truth)
    told = max(1, round(share * len(true)))
    n_wrong = round(wrong * told)
    false = [column for column in range(len(library.columns)) if column not in set(true)]
    right = [true[i] for i in rng.permutation(len(true))[: told - n_wrong]]
    swapped = [false[i] for i in rng.permutation(len(false))[:n_wrong]]
    return Knowledge(tuple(_belief(library, column) for column in sorted(right + swapped)))


def true_columns(library: Library, truth: Equations) -> list[int]:
    """Columns of the true terms, in the library's order; true terms it lacks are left out."""
    wanted: Collection[tuple[str, str]] = {
        (state, parse_term(term, library.names).text)
        for state, row in truth.items()
        for term in row
    }
    return [
        number
        for number in range(len(library.columns))
        if (library.states[library.column_state(number)], library.term_of(number).text) in wanted
    ]


def _belief(library: Library, column: int) -> Belief:
    state = library.states[library.column_state(column)]
    return Belief(state, library.term_of(column).text, log_odds=LOG_ODDS, source=SOURCE)

"""Prior knowledge as users have it: some of the true edges, some of what is told wrong."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from twinlab.expressions import parse_term
from twinlab.knowledge import Edge, Knowledge
from twinlab.knowledge.edges import derivative_sign
from twinlab.library import Library

from ..systems import Equations

CONFIDENCE = 0.9  #: of each edge that is told, right or wrong
SOURCE = "simulated prior knowledge"
Pair = tuple[str, str]  #: regulator and target


def prior_knowledge(
    library: Library, truth: Equations, share: float, wrong: float, rng: np.random.Generator
) -> Knowledge:
    """An edge table of a share of the true edges; a share of these is replaced by wrong ones.

    The number told is ``share`` of the true edges, rounded, and at least one; of these ``wrong``,
    rounded, are replaced.  A wrong edge is one that is not there; where there are not enough of
    them, a true one with the wrong sign.

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
    true = true_edges(library, truth)
    told = max(1, round(share * len(true)))
    n_wrong = round(wrong * told)
    pairs = list(true)
    right = [pairs[i] for i in rng.permutation(len(pairs))]
    false = [(a, b) for b in library.states for a in library.names if (a, b) not in true]
    absent = [false[i] for i in rng.permutation(len(false))[:n_wrong]]
    edges = {pair: true[pair] for pair in right[: told - n_wrong]}
    edges |= {pair: int(rng.choice([-1, 1])) for pair in absent}
    signed = [pair for pair in right[told - n_wrong :] if true[pair]]
    edges |= {pair: -true[pair] for pair in signed[: n_wrong - len(absent)]}
    return Knowledge(
        edges=tuple(
            Edge(pair[0], pair[1], sign, CONFIDENCE, SOURCE) for pair, sign in sorted(edges.items())
        )
    )


def true_edges(library: Library, truth: Equations) -> dict[Pair, int]:
    """Every (regulator, target) of the truth with its sign; 0 where it is not one sign."""
    out: dict[Pair, int] = {}
    for target, row in truth.items():
        signs: dict[str, set[int]] = {}
        for text, value in row.items():
            term = parse_term(text, library.names)
            for name in term.variables:
                slope = derivative_sign(term, name, library.names)
                signs.setdefault(name, set()).add(int(np.sign(value)) * slope)
        for name, found in signs.items():
            out[name, target] = found.pop() if len(found) == 1 else 0
    return out


def wrong_edges(knowledge: Knowledge, library: Library, truth: Equations) -> set[Pair]:
    """Edges told that are not there, or have another sign."""
    true = true_edges(library, truth)
    return {
        edge.key
        for edge in knowledge.edges
        if edge.key not in true or edge.sign * true[edge.key] < 0
    }


def named_shares(
    named: Collection[Pair], knowledge: Knowledge, library: Library, truth: Equations
) -> tuple[float, float]:
    """Share of the wrong edges that are named, and of the right ones; NaN where there are none."""
    wrong = wrong_edges(knowledge, library, truth)
    right = {edge.key for edge in knowledge.edges} - wrong
    shares = (len(own & set(named)) / len(own) if own else float("nan") for own in (wrong, right))
    first, second = shares
    return first, second


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

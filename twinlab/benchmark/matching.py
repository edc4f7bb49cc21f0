"""When a term that was found is a true one: constants of Hill functions may be near, not equal."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Protocol

from twinlab.expressions import HILL_ACTIVATION, HILL_REPRESSION, Factor, Term, parse_term

Edge = tuple[str, str]
#: A half saturation or Hill coefficient this near the true one (as a fraction) is the true term:
#: methods may refine them, and no estimate is exact.
CONSTANT_TOLERANCE = 0.1


class Edges(Container[Edge], Iterable[Edge], Protocol):
    """A set of (state, canonical term), or a mapping from them."""


def matched_text(state: str, text: str, true: Edges, names: Sequence[str]) -> Edge:
    """The true (state, term) that a term stands for, or its own canonical text.

    Parameters
    ----------
    state, text : str
    true : set or mapping of (state, canonical term)
    names : sequence of str
        Variables a term may use.
    """
    term = parse_term(text, names)
    if (state, term.text) in true or not any(saturates(f) for f in term.factors):
        return state, term.text
    for other_state, other in true:
        if other_state == state and alike(term, parse_term(other, names)):
            return state, other
    return state, term.text


def saturates(factor: Factor) -> bool:
    """Whether a factor is a Hill function."""
    return factor.kind in (HILL_ACTIVATION, HILL_REPRESSION)


def alike(term: Term, other: Term, tolerance: float = CONSTANT_TOLERANCE) -> bool:
    """Same factors, but for constants of Hill functions within `tolerance` of the other's."""
    if len(term.factors) != len(other.factors):
        return False
    for a, b in zip(term.factors, other.factors, strict=True):
        if (a.kind, a.variable) != (b.kind, b.variable):
            return False
        near = all(
            abs(x - y) <= tolerance * abs(y)
            for x, y in ((a.exponent, b.exponent), (a.constant, b.constant))
        )
        if not (near if saturates(a) else a == b):
            return False
    return True

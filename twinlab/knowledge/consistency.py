"""Contradictions within one piece of knowledge, refused with both places named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from twinlab.errors import ExpressionError, UserError
from twinlab.expressions import FUNCTIONS, parse_sum

from .belief import NAME, Belief, canonical_text
from .items import Conserved, CuratedReaction, Edge, KnownPart, Place, error_at


class _Placed(Protocol):
    @property
    def place(self) -> Place: ...

    @property
    def label(self) -> str: ...


Key = TypeVar("Key")
Item = TypeVar("Item", bound=_Placed)


def check_consistency(
    beliefs: Sequence[Belief],
    edges: Sequence[Edge],
    known: Sequence[KnownPart],
    reactions: Sequence[CuratedReaction],
    conserved: Sequence[Conserved],
) -> None:
    """Refuse items that contradict each other; what needs a library is checked with it.

    Raises
    ------
    UserError
        Two items about the same thing, or a known term that a belief excludes or gives another
        sign or bounds; the message names the lines of both.
    """
    told = _unique("beliefs", ((b.key, b) for b in beliefs))
    _unique("edges", ((e.key, e) for e in edges))
    listed = _unique("reactions", ((r.key, r) for r in reactions))
    _unique("conserved totals", ((c.name, c) for c in conserved))
    for key, reaction in listed.items():
        if (belief := told.get(key)) is not None and belief.excluded:
            raise clash(reaction, belief, f"{reaction.label} is listed as a reaction and excluded")
    seen: dict[tuple[str, str], KnownPart] = {}
    for part in known:
        for key, value in known_keys(part):
            if key in seen:
                raise clash(part, seen[key], f"{_named(key)} is known twice")
            seen[key] = part
            if key in told:
                _check_belief(part, value, told[key])


def known_keys(part: KnownPart) -> list[tuple[tuple[str, str], float]]:
    """Key (as that of a belief) and coefficient of everything a known part holds.

    A sum that cannot be parsed gives nothing: the error comes when it is matched with a library,
    where the names are known and the message can help.
    """
    if part.is_reaction:
        return [(("", canonical_text(part.rate)), part.coefficient)]
    names = [name for name in NAME.findall(part.rate) if name not in FUNCTIONS]
    try:
        terms = parse_sum(part.rate, names)
    except ExpressionError:
        return []
    return [((part.state, term.text), part.coefficient * value) for value, term in terms]


def clash(one: _Placed, other: _Placed, problem: str) -> UserError:
    """The error of two items that contradict each other, with the lines of both."""
    first, second = sorted((one.place, other.place))
    where = f" (lines {first[1]} and {second[1]})" if first and second else ""
    return error_at(second or first, f"{problem}{where}.", "Keep one of the two.")


def _unique(what: str, pairs: Iterable[tuple[Key, Item]]) -> dict[Key, Item]:
    found: dict[Key, Item] = {}
    for key, item in pairs:
        if key in found:
            raise clash(item, found[key], f"There are two {what} about {item.label}")
        found[key] = item
    return found


def _named(key: tuple[str, str]) -> str:
    return f"d {key[0]}/dt: {key[1]}" if key[0] else key[1]


def _check_belief(part: KnownPart, value: float, belief: Belief) -> None:
    lower, upper = belief.bounds
    if belief.excluded:
        raise clash(part, belief, f"{belief.label} is known and excluded")
    if belief.sign * value < 0:
        word = "positive" if belief.sign > 0 else "negative"
        raise clash(part, belief, f"{belief.label} is known to be {value:g} and said to be {word}")
    if not lower <= value <= upper:
        raise clash(part, belief, f"{belief.label} is known to be {value:g}, outside its bounds")

"""From a list of column recipes to numbered terms and ordered columns without duplicates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from twinlab.errors import UserError
from twinlab.expressions import Term

from .column import REACTION, Column

MAX_COLUMNS = 20_000

#: A term, its family, and what the user wrote for it (or nothing).
Made = tuple[Term, str, str]


class Spec(NamedTuple):
    """A column before its term has a number."""

    stoichiometry: tuple[tuple[int, float], ...]
    term: Term
    family: str
    source: str


def check_size(n_columns: int, what: str) -> None:
    """Refuse a library that is too large to be built.

    Raises
    ------
    UserError
        There would be more than `MAX_COLUMNS` columns; the message holds the count.
    """
    if n_columns > MAX_COLUMNS:
        raise UserError(
            f"{what} would have {n_columns:,} columns; the limit is {MAX_COLUMNS:,}.",
            mend="Take a lower degree, fewer variables or a smaller grid of constants.",
        )


def assemble(
    specs: Iterable[Spec],
) -> tuple[tuple[Term, ...], tuple[Column, ...], list[tuple[int, Spec]]]:
    """Number terms by first appearance; order columns by state, then term, reactions last.

    Returns
    -------
    terms : tuple of Term
    columns : tuple of Column
    dropped : list of (int, Spec)
        Duplicates left out, each with the index of the column that stands for it.
    """
    kept: dict[tuple[object, Term], Spec] = {}
    again: list[Spec] = []
    # Plain columns first, so that a term stands for a reaction of the same effect ("-> A").
    for spec in sorted(specs, key=lambda spec: spec.family == REACTION):
        if kept.setdefault((spec.stoichiometry, spec.term), spec) is not spec:
            again.append(spec)
    number: dict[Term, int] = {}
    for spec in kept.values():
        number.setdefault(spec.term, len(number))

    def order(spec: Spec) -> tuple[bool, int, int]:
        # The sort is stable: reactions stay in the order they were written in.
        if spec.family == REACTION:
            return True, 0, 0
        return False, spec.stoichiometry[0][0], number[spec.term]

    ordered = sorted(kept.values(), key=order)
    place = {(spec.stoichiometry, spec.term): i for i, spec in enumerate(ordered)}
    columns = tuple(
        Column(spec.stoichiometry, number[spec.term], spec.family, spec.source) for spec in ordered
    )
    return tuple(number), columns, [(place[s.stoichiometry, s.term], s) for s in again]

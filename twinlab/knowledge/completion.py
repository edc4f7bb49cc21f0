"""The library that knowledge asks for: curated reactions, conserving transfers, known parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twinlab.errors import ExpressionError, UserError
from twinlab.expressions import Term, parse_sum
from twinlab.library import REACTION, Column, Library
from twinlab.library.reactions import Reaction, parse_reactions

from .conservation import ROUNDING, conserving, weight_matrix
from .items import Conserved, CuratedReaction, KnownPart, Place, error_at

if TYPE_CHECKING:
    from .knowledge import Knowledge

#: Family of columns that only a known part holds.
KNOWN = "known"


class KnownTerm(NamedTuple):
    """One term of a known part: its equation (empty: a reaction), text, coefficient and place."""

    state: str
    term: str
    value: float
    place: Place


def known_terms(parts: Sequence[KnownPart], library: Library) -> list[KnownTerm]:
    """Known parts term by term, parsed with the library's names.

    Raises
    ------
    UserError
        An unknown state or name; the message has the file and line.
    """
    found = []
    for part in parts:
        try:
            if part.is_reaction:
                text = _reaction(part.rate, library).text
                found.append(KnownTerm("", text, part.coefficient, part.place))
                continue
            library.state_index(part.state)
            for value, term in parse_sum(part.rate, library.names):
                found.append(KnownTerm(part.state, term.text, value * part.coefficient, part.place))
        except UserError as error:
            raise _placed(error, part) from error
    return found


def complete(library: Library, knowledge: Knowledge) -> Library:
    """Add what knowledge needs to a library, and take out what it rules out.

    Curated reactions and known parts become columns; with conserved totals, columns that change
    a total give way to transfers.  A library that was completed before is returned equal.

    Raises
    ------
    UserError
        Something names what does not exist, or a known part changes a conserved total.
    """
    if not (knowledge.known or knowledge.reactions or knowledge.conserved):
        return library
    curated = [(_parsed(r, library), r) for r in knowledge.reactions]
    library = _with(library, [_column(made, library) for made, _ in curated])
    known = known_terms(knowledge.known, library)
    plain, flows = [k for k in known if k.state], [k for k in known if not k.state]
    library = _with(library, [_column(_reaction(k.term, library), library) for k in flows])
    if knowledge.conserved:
        _check_known(plain, knowledge.conserved, library)
        names = {(k.state, k.term) for k in plain}
        keep = [
            c
            for c, column in enumerate(library.columns)
            if column.is_reaction or _name(library, column) not in names or column.family != KNOWN
        ]
        library = conserving(library.restrict(keep), knowledge.conserved)
    columns = [
        (((library.states.index(k.state), 1.0),), _term(k, library), KNOWN, k.term) for k in plain
    ]
    return _with(library, columns)


_Made = tuple[tuple[tuple[int, float], ...], Term, str, str]


def _with(library: Library, made: Sequence[_Made]) -> Library:
    """The library with further columns (stoichiometry, term, family, source)."""
    there = {_effect(c.stoichiometry, library.terms[c.term]) for c in library.columns}
    new = [item for item in made if _effect(*item[:2]) not in there]
    if not new:
        return library
    terms = tuple(dict.fromkeys(term for _, term, _, _ in new))
    columns = tuple(
        Column(numbers, terms.index(term), family, source) for numbers, term, family, source in new
    )
    return library + Library(library.states, library.inputs, terms, columns, library.units)


def _effect(change: tuple[tuple[int, float], ...], term: Term) -> tuple[object, Term]:
    """What columns share that differ in their coefficient alone, if at all.

    A reaction of one state whose plain column is there is that column, with its own share.
    """
    return (change[0][0] if len(change) == 1 else change), term


def _column(reaction: Reaction, library: Library) -> _Made:
    return reaction.on_states(library.states), reaction.rate, REACTION, reaction.text


def _reaction(text: str, library: Library) -> Reaction:
    found = parse_reactions(text, library.names)
    if len(found) != 1:
        raise UserError(
            f"{text} is two reactions.", mend="Write the two directions as two entries."
        )
    return found[0]


def _parsed(reaction: CuratedReaction, library: Library) -> Reaction:
    try:
        made = _reaction(reaction.text, library)
        made.on_states(library.states)
    except UserError as error:
        raise _placed(error, reaction) from error
    return made


def _placed(error: UserError, item: KnownPart | CuratedReaction) -> UserError:
    """The error with the place of the item; a caret is kept in the problem."""
    if not item.place or error.file:
        return error
    problem = error.problem
    if isinstance(error, ExpressionError):
        problem = f"{problem} In: {error.text}"
    return error_at(item.place, problem, error.mend)


def _term(known: KnownTerm, library: Library) -> Term:
    return parse_sum(known.term, library.names)[0][1]


def _name(library: Library, column: Column) -> tuple[str, str]:
    return library.states[column.stoichiometry[0][0]], library.terms[column.term].text


def _check_known(
    known: Sequence[KnownTerm], conserved: Sequence[Conserved], library: Library
) -> None:
    """Known terms of equations must leave the totals as they are, taken together."""
    weights = weight_matrix(conserved, library.states)
    for term in dict.fromkeys(k.term for k in known):
        change = np.zeros(len(library.states))
        own = [k for k in known if k.term == term]
        for k in own:
            change[library.states.index(k.state)] += k.value
        scale = float(np.abs(change).max())
        for total, row in zip(conserved, weights, strict=True):
            if abs(float(row @ change)) > ROUNDING * scale * float(np.abs(row).max()):
                here = total.place
                lines = f" (lines {here[1]} and {own[0].place[1]})" if here and own[0].place else ""
                raise error_at(
                    own[0].place or here,
                    f"The known part {term} of d {own[0].state}/dt changes the total "
                    f"{total.label}, which is said to be conserved{lines}.",
                    "Write where it goes, as a reaction or in the other equations.",
                )

"""Reactions: "2 A + B -> C" to a stoichiometry and a rate term."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from twinlab.errors import ExpressionError, UserError
from twinlab.expressions import MAX_FACTORS, Term, known_names, parse_term, shown

MAX_LENGTH = 500
MAX_NUMBER = 100
_SPECIES = re.compile(r"\s*(?:([0-9]+)\s*\*?\s*)?([^\W\d]\w*)\s*")


@dataclass(frozen=True)
class Reaction:
    """What goes in, what comes out, and how fast.

    Attributes
    ----------
    reactants, products : tuple of (str, int)
        Species and stoichiometric number.
    rate : Term
    text : str
        Canonical text; the rate only where it is not mass action.
    """

    reactants: tuple[tuple[str, int], ...]
    products: tuple[tuple[str, int], ...]
    rate: Term
    text: str

    def on_states(self, states: Sequence[str]) -> tuple[tuple[int, float], ...]:
        """Net stoichiometric numbers of the states; inputs are not consumed.

        Raises
        ------
        UserError
            No state changes.
        """
        net = dict.fromkeys(states, 0)
        for sign, side in ((-1, self.reactants), (1, self.products)):
            for name, number in side:
                if name in net:
                    net[name] += sign * number
        changed = tuple((i, float(net[name])) for i, name in enumerate(states) if net[name])
        if not changed:
            raise UserError(
                f"The reaction {self.text} changes no state.",
                mend="Its two sides must differ in at least one state.",
            )
        return changed


def parse_reactions(text: str, names: Sequence[str]) -> list[Reaction]:
    """Parse one line: one reaction, or two for "<->".

    Raises
    ------
    ExpressionError
        Not a reaction of known species; the caret shows where.
    """
    if not isinstance(text, str):
        raise UserError(f"A reaction must be text, not {shown(text)}.", mend="Write it in quotes.")
    if len(text) > MAX_LENGTH:
        raise UserError(f"A reaction has at most {MAX_LENGTH} characters; this one {len(text)}.")
    text = "".join(" " if c.isspace() else c if c.isprintable() else "�" for c in text)
    both, colon, rate_text = text.partition(":")
    arrow = "<->" if "<->" in both else "->"
    at = both.find(arrow)
    if at < 0:
        raise ExpressionError(
            "A reaction needs an arrow.", text, len(both.rstrip()), mend='Write "S + E -> C".'
        )
    right = at + len(arrow)
    reactants = _side(text, 0, at, names)
    products = _side(text, right, len(both), names)
    if not colon:
        forward = _mass_action(text, reactants, names)
        made = [_reaction(reactants, products, forward, "")]
        if arrow == "<->":
            backward = _mass_action(text, products, names)
            made.append(_reaction(products, reactants, backward, ""))
        return made
    if arrow == "<->":
        raise ExpressionError(
            "A reversible reaction has two rates.",
            text,
            len(both),
            mend="Write the two directions as two reactions, each with its rate.",
        )
    rate = _rate(text, rate_text, len(both) + 1, names)
    return [_reaction(reactants, products, rate, f" : {rate.text}")]


def _rate(text: str, rate_text: str, offset: int, names: Sequence[str]) -> Term:
    try:
        return parse_term(rate_text, names)
    except ExpressionError as error:
        raise ExpressionError(
            error.problem, text, offset + error.position, mend=error.mend
        ) from error


def _side(text: str, start: int, end: int, names: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Species between two positions; the same species twice adds up."""
    if not text[start:end].strip():
        return ()
    total: dict[str, int] = {}
    position = start
    while True:
        match = _SPECIES.match(text, position, end)
        if match is None:
            offending = position + len(text[position:end]) - len(text[position:end].lstrip())
            decimal = re.compile(r"[0-9]*\.[0-9]").match(text, offending)
            if decimal:
                raise ExpressionError(
                    "A stoichiometric number must be a whole number.", text, offending
                )
            raise ExpressionError(
                "A species is missing here.", text, offending, mend='Write "2 A + B -> C".'
            )
        number, name = match.groups()
        if name not in names:
            raise ExpressionError(
                f"There is no variable '{name}'.",
                text,
                match.start(2),
                mend=known_names(name, names),
            )
        count = int(number) if number and len(number) < 4 else 1 if not number else MAX_NUMBER + 1
        if not 1 <= count <= MAX_NUMBER:
            raise ExpressionError(
                f"A stoichiometric number must be 1 to {MAX_NUMBER}.", text, match.start(1)
            )
        total[name] = total.get(name, 0) + count
        position = match.end()
        if position >= end:
            return tuple(total.items())
        if text[position] != "+":
            raise ExpressionError(f"A + is missing before '{text[position]}'.", text, position)
        position += 1


def _mass_action(text: str, reactants: tuple[tuple[str, int], ...], names: Sequence[str]) -> Term:
    if len(reactants) > MAX_FACTORS:
        raise ExpressionError(
            f"Mass action of more than {MAX_FACTORS} different partners is not supported.",
            text,
            0,
            mend="Write the steps as reactions of their own, or give a rate after a colon.",
        )
    return Term.product(dict(reactants))


def _reaction(
    reactants: tuple[tuple[str, int], ...],
    products: tuple[tuple[str, int], ...],
    rate: Term,
    suffix: str,
) -> Reaction:
    def written(side: tuple[tuple[str, int], ...]) -> str:
        return " + ".join(name if n == 1 else f"{n} {name}" for name, n in side)

    text = f"{written(reactants)} -> {written(products)}".strip()
    return Reaction(reactants, products, rate, text + suffix)

"""Recursive-descent parser of the term language: text to expression tree.

Grammar (``^`` and ``**`` are the same, bind tighter than a sign and group from the right)::

    sum     = product { ("+" | "-") product }
    product = signed { ("*" | "/") signed }
    signed  = ("+" | "-") signed | power
    power   = atom [ ("^" | "**") signed ]
    atom    = number | name | function "(" sum { "," sum } ")" | "(" sum ")"
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from twinlab.errors import ExpressionError

from .messages import known_names, suggestion
from .tokens import (
    BAD,
    END,
    MAX_LENGTH,
    NAME,
    NUMBER,
    Token,
    clean,
    refuse,
    tokenize,
)
from .tree import Call, Chain, Name, Negate, Node, Number, Raise, Step

#: Functions and how they are written.
FUNCTIONS = {
    "hill": "hill(x, K, n)",
    "repress": "repress(x, K, n)",
    "mm": "mm(x, K)",
    "exp": "exp(x)",
    "log": "log(x)",
    "sqrt": "sqrt(x)",
    "sin": "sin(x)",
    "cos": "cos(x)",
}
MAX_DEPTH = 50


def parse_tree(text: str, names: Sequence[str]) -> tuple[Node, str]:
    """Parse `text` to a tree; return it with the text as errors should show it.

    Raises
    ------
    ExpressionError
        The text is not in the language; `position` is the offending character.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"A term has at most {MAX_LENGTH} characters; this one has {len(text)}.",
            clean(text[:60]) + "...",
            60,
        )
    text = clean(text)
    parser = _Parser(text, names)
    node = parser.sum()
    if parser.token.kind != END:
        raise parser.unexpected()
    return node, text


class _Parser:
    """One pass over the tokens; `token` is the next one not yet used."""

    def __init__(self, text: str, names: Sequence[str]) -> None:
        self.text, self.names = text, names
        self.tokens = tokenize(text)
        self.index = 0
        self.depth = 0
        if self.token.kind == END:
            raise self.error(
                "The term is empty.", self.token, 'Write a product such as "x*y", or 1.'
            )

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def advance(self) -> Token:
        token = self.token
        self.index += 1
        return token

    def error(self, problem: str, token: Token, mend: str | None = None) -> ExpressionError:
        return ExpressionError(problem, self.text, token.position, mend=mend)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"The term is nested deeper than {MAX_DEPTH} levels.", self.token)

    def sum(self) -> Node:
        return self.chain(self.product, ("+", "-"))

    def product(self) -> Node:
        return self.chain(self.signed, ("*", "/"))

    def chain(self, part, operators: tuple[str, ...]) -> Node:  # type: ignore[no-untyped-def]
        first = part()
        steps = []
        while self.token.text in operators:
            operator = self.advance()
            steps.append(Step(operator.text, part(), operator.position))
        return Chain(first, tuple(steps), steps[0].position) if steps else first

    def signed(self) -> Node:
        if self.token.text not in ("+", "-"):
            return self.power()
        sign = self.advance()
        self.deeper()
        operand = self.signed()
        self.depth -= 1
        return Negate(operand, sign.position) if sign.text == "-" else operand

    def power(self) -> Node:
        base = self.atom()
        if self.token.text not in ("^", "**"):
            return base
        operator = self.advance()
        self.deeper()
        exponent = self.signed()
        self.depth -= 1
        return Raise(base, exponent, operator.position)

    def atom(self) -> Node:
        token = self.token
        if token.kind == NUMBER:
            return self.number(self.advance())
        if token.kind == NAME:
            self.advance()
            return self.call(token) if self.token.text == "(" else self.name(token)
        if token.text == "(":
            self.advance()
            self.deeper()
            node = self.sum()
            self.close(token)
            self.depth -= 1
            return node
        raise self.unexpected(operand=True)

    def number(self, token: Token) -> Number:
        value = float(token.text)
        if math.isinf(value):
            raise self.error("The number is too large.", token, "The limit is about 1e308.")
        if value == 0 and any(c in "123456789" for c in token.text.lower().split("e")[0]):
            raise self.error("The number is too small.", token, "The limit is about 1e-308.")
        return Number(value, token.position)

    def name(self, token: Token) -> Name:
        if token.text in FUNCTIONS:
            raise self.error(
                f"'{token.text}' is a function.", token, f"Write {FUNCTIONS[token.text]}."
            )
        if token.text not in self.names:
            mend = known_names(token.text, self.names)
            raise self.error(f"There is no variable '{token.text}'.", token, mend)
        return Name(token.text, token.position)

    def call(self, token: Token) -> Call:
        name = token.text
        if name not in FUNCTIONS:
            if name in self.names:
                raise self.error(
                    f"'{name}' is a variable, not a function.", token, f"Write {name}*(...)."
                )
            nearest = suggestion(name, FUNCTIONS)
            listed = f"The functions are {', '.join(FUNCTIONS)}."
            mend = f"Did you mean '{nearest}'? {listed}" if nearest else listed
            raise self.error(f"There is no function '{name}'.", token, mend)
        opening = self.advance()
        self.deeper()
        arguments: list[Node] = []
        while self.token.text != ")":
            if arguments and self.token.text == ",":
                self.advance()
            arguments.append(self.sum())
            if self.token.text != ",":
                break
        wanted = FUNCTIONS[name].count(",") + 1
        if self.token.text == ")" and len(arguments) != wanted:
            raise self.error(
                f"{name} takes {wanted} argument{'s' * (wanted > 1)}, not {len(arguments)}.",
                self.token if len(arguments) < wanted else token,
                f"Write {FUNCTIONS[name]}.",
            )
        self.close(opening)
        self.depth -= 1
        return Call(name, tuple(arguments), token.position)

    def close(self, opening: Token) -> None:
        if self.token.text == ")":
            self.advance()
        elif self.token.kind == END:
            raise self.error("This parenthesis is never closed.", opening, "Add a ).")
        else:
            raise self.unexpected()

    def unexpected(self, *, operand: bool = False) -> ExpressionError:
        """Error for a token that cannot stand where it stands."""
        token = self.token
        if token.kind == BAD:
            return refuse(token, self.text)
        if token.kind == END:
            return self.error("Something is missing at the end.", token, "Add a variable.")
        if operand:
            wanted = "A variable, a number or a parenthesis"
            return self.error(f"{wanted} is missing before '{token.text}'.", token)
        if token.text == ")":
            return self.error("This parenthesis was never opened.", token, "Remove it or add a (.")
        if token.text == ",":
            mend = "A comma separates the arguments of a function; a decimal is written 0.5."
            return self.error("This comma has no meaning here.", token, mend)
        return self.error(
            f"An operator is missing before '{token.text}'.", token, "Write * for a product."
        )

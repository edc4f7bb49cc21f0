"""Splits the text of an expression into tokens; whatever is not on the list is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass

from twinlab.errors import ExpressionError

NUMBER, NAME, SYMBOL, END, BAD = "number", "name", "symbol", "end", "bad"
SYMBOLS = ("**", "+", "-", "*", "/", "^", "(", ")", ",")
MAX_LENGTH = 500

_NUMBER = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_MENDS = {
    **dict.fromkeys("×·⋅∙•", "Write * for a product."),
    **dict.fromkeys("−–—", "Write - for a minus sign."),
    **dict.fromkeys("÷∕", "Write / for a division."),
    **dict.fromkeys("\"'`‘’“”", "Names are written without quotes."),
    **dict.fromkeys("[]{}", "Use round parentheses ( )."),
    "²": "Write ^2 for a square.",
    "³": "Write ^3 for a cube.",
    "√": "Write sqrt(...) for a square root.",
    ".": "A dot is allowed only inside a number, such as 0.5.",
    "=": "Write the term alone, without an equation around it.",
}


@dataclass(frozen=True)
class Token:
    """A piece of the text, its kind and the index of its first character."""

    kind: str
    text: str
    position: int


def clean(text: str) -> str:
    """Make every kind of white space a blank, so that a caret stands where it should."""
    return "".join(" " if c.isspace() else c if c.isprintable() else "�" for c in text)


def tokenize(text: str) -> list[Token]:
    """Split `text`; a character without meaning becomes a token of kind BAD.

    The parser refuses it when it gets there, so that errors are reported from left to right.
    """
    tokens = []
    position = 0
    while position < len(text):
        token = _next(text, position)
        if token is not None:
            tokens.append(token)
        position += len(token.text) if token else 1
    return [*tokens, Token(END, "", len(text.rstrip()))]


def _next(text: str, position: int) -> Token | None:
    character = text[position]
    if character == " ":
        return None
    if number := _NUMBER.match(text, position):
        return Token(NUMBER, number.group(), position)
    if character.isidentifier():
        end = position + 1
        while end < len(text) and text[position : end + 1].isidentifier():
            end += 1
        return Token(NAME, text[position:end], position)
    for symbol in SYMBOLS:
        if text.startswith(symbol, position):
            return Token(SYMBOL, symbol, position)
    return Token(BAD, character, position)


def refuse(token: Token, text: str) -> ExpressionError:
    """Error for a character that is not in the language."""
    mend = _MENDS.get(token.text, "Allowed are + - * / ^ ( ) , numbers and names.")
    return ExpressionError(
        f"The character {token.text} has no meaning in a term.", text, token.position, mend=mend
    )

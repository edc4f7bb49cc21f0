"""The expression tree: what was written, each node with the place it was written at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Number:
    """A literal number."""

    value: float
    position: int


@dataclass(frozen=True)
class Name:
    """A variable."""

    name: str
    position: int


@dataclass(frozen=True)
class Negate:
    """A minus sign in front of something."""

    operand: Node
    position: int


@dataclass(frozen=True)
class Raise:
    """``base ^ exponent``; `position` is that of the operator."""

    base: Node
    exponent: Node
    position: int


@dataclass(frozen=True)
class Step:
    """An operator and what follows it, in a chain of equal precedence."""

    operator: str
    operand: Node
    position: int


@dataclass(frozen=True)
class Chain:
    """Products and quotients, or sums and differences, from left to right.

    A chain is one node however long, so that depth comes only from nesting.
    """

    first: Node
    steps: tuple[Step, ...]
    position: int


@dataclass(frozen=True)
class Call:
    """A function with its arguments."""

    function: str
    arguments: tuple[Node, ...]
    position: int


Node = Number | Name | Negate | Raise | Chain | Call

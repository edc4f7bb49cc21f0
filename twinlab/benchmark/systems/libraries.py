"""Makers of candidate libraries, for the files of the systems."""

from __future__ import annotations

from collections.abc import Sequence

from twinlab.library import Library

from .base import LibraryMaker


def polynomial(degree: int, extra: Sequence[str] = ()) -> LibraryMaker:
    """All monomials up to a total degree, and further terms in every equation."""

    def make(states: tuple[str, ...], inputs: tuple[str, ...]) -> Library:
        library = Library.polynomial(states + inputs, degree=degree, inputs=inputs)
        if extra:
            library = library + Library.user_terms(states + inputs, extra, inputs=inputs)
        return library

    return make


def with_hill(
    degree: int,
    half_saturation: Sequence[float],
    coefficient: Sequence[float],
    role: str,
    variables: Sequence[str] | None = None,
    extra: Sequence[str] = (),
) -> LibraryMaker:
    """`polynomial` and a grid of Hill functions of some variables (all states by default)."""

    def make(states: tuple[str, ...], inputs: tuple[str, ...]) -> Library:
        hill = Library.hill(
            states + inputs,
            variables if variables is not None else states,
            half_saturation,
            coefficient,
            role,
            inputs=inputs,
        )
        return polynomial(degree, extra)(states, inputs) + hill

    return make


def own_terms(library: Library) -> Library:
    """Keep the terms of each equation that hold its own state, as in population models."""
    keep = [
        number
        for number, column in enumerate(library.columns)
        if library.states[library.column_state(number)] in library.terms[column.term].variables
    ]
    return library.restrict(keep)

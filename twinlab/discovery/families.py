"""Families of saturating terms: one role of one variable in one equation, whatever its constants.

The atoms of a Hill grid are not rival mechanisms but one mechanism at several constants: what is
asked of the data is whether the family is there, and then where its constants lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from twinlab.expressions import HILL_ACTIVATION, HILL_REPRESSION, Factor, Term
from twinlab.expressions.numbers import tidy
from twinlab.library import Library

from .result import FamilyInclusion, RankedModel

Array = NDArray[np.float64]
#: Stoichiometry and factors without the constants of Hill functions.
Key = tuple[tuple[tuple[int, float], ...], tuple[Factor, ...]]
SATURATING = (HILL_ACTIVATION, HILL_REPRESSION)
ROLE = {HILL_ACTIVATION: "activation", HILL_REPRESSION: "repression"}


@dataclass(frozen=True)
class Family:
    """Columns that differ in the constants of their Hill functions alone.

    Attributes
    ----------
    stoichiometry : tuple of (int, float)
        Of every column.
    template : tuple of Factor
        The factors, constants of Hill functions set to 1.
    columns : tuple of int
        Columns of the library, ascending.
    hill_free : bool
        Whether some atom has a Hill coefficient other than 1: else the family is
        Michaelis-Menten, and its Hill coefficient stays 1.
    """

    stoichiometry: tuple[tuple[int, float], ...]
    template: tuple[Factor, ...]
    columns: tuple[int, ...]
    hill_free: bool

    @property
    def key(self) -> Key:
        """What all its columns share."""
        return self.stoichiometry, self.template

    @cached_property
    def places(self) -> tuple[int, ...]:
        """Which factors saturate."""
        return tuple(i for i, f in enumerate(self.template) if f.kind in SATURATING)

    @property
    def form(self) -> tuple[object, ...]:
        """Key without the role: activation and repression are one up to ``1 - h``."""
        plain = (
            replace(f, kind=HILL_ACTIVATION) if f.kind in SATURATING else f for f in self.template
        )
        return self.stoichiometry, tuple(sorted(plain, key=lambda f: f.sort_key))

    @property
    def rest(self) -> Term:
        """The term without its saturating factors."""
        return Term(tuple(f for f in self.template if f.kind not in SATURATING))

    def constants(self, library: Library, column: int) -> Array:
        """Log half saturation and log Hill coefficient (n_place, 2) of one of its atoms."""
        factors = library.term_of(column).factors
        pairs = [(factors[i].constant, factors[i].exponent) for i in self.places]
        return np.log(np.array(pairs))

    def term(self, constants: Array) -> Term:
        """The term with other constants, logarithms (n_place, 2) as `constants` gives them."""
        factors = list(self.template)
        for i, (half, n) in zip(self.places, np.exp(constants), strict=True):
            # Constants given as 3.95 come back from their logarithm as 3.95.
            factors[i] = replace(factors[i], constant=tidy(half), exponent=tidy(n))
        return Term(tuple(factors))


def template_of(term: Term) -> tuple[Factor, ...] | None:
    """Factors with the constants of Hill functions set to 1.

    None where none saturates, or where two of one role and variable could change places.
    """
    blank = tuple(
        replace(f, constant=1.0, exponent=1.0) if f.kind in SATURATING else f for f in term.factors
    )
    own = [f for f in blank if f.kind in SATURATING]
    return blank if own and len(set(own)) == len(own) else None


def families_of(library: Library) -> tuple[Family, ...]:
    """Families of a library in the order of their first columns."""
    members: dict[Key, list[int]] = {}
    for number, column in enumerate(library.columns):
        template = template_of(library.terms[column.term])
        if template is not None:
            members.setdefault((column.stoichiometry, template), []).append(number)
    out = []
    for (stoichiometry, template), columns in members.items():
        factors = [f for c in columns for f in library.term_of(c).factors if f.kind in SATURATING]
        free = any(f.exponent != 1.0 for f in factors)
        out.append(Family(stoichiometry, template, tuple(columns), free))
    return tuple(out)


def family_inclusion(
    library: Library, models: Sequence[RankedModel]
) -> tuple[FamilyInclusion, ...]:
    """Probability that a family is in its equation at all, whichever of its atoms stands for it.

    Parameters
    ----------
    library : Library
        Refined terms included.
    models : sequence of RankedModel
        Their probabilities sum to 1.
    """
    out = []
    for family in families_of(library):
        saturating = [family.template[i] for i in family.places]
        rest = family.rest
        out.append(
            FamilyInclusion(
                _equation(library, family.stoichiometry),
                tuple(f.variable for f in saturating),
                tuple(ROLE[f.kind] for f in saturating),
                rest.text if rest.factors else "",
                family.columns,
                0.0,
            )
        )
    return with_probabilities(out, models)


def with_probabilities(
    families: Iterable[FamilyInclusion], models: Sequence[RankedModel]
) -> tuple[FamilyInclusion, ...]:
    """Families with their probabilities under other models of the same library."""
    held = [(m.probability, set(m.columns.tolist())) for m in models]
    return tuple(
        replace(f, probability=min(sum(p for p, own in held if not own.isdisjoint(f.columns)), 1.0))
        for f in families
    )


def _equation(library: Library, stoichiometry: Iterable[tuple[int, float]]) -> str:
    return ", ".join(library.states[state] for state, _ in stoichiometry)

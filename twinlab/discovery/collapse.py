"""From a support with atoms of Hill families to models with one free term a family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .families import Family, families_of
from .shapes import Scales, Shaped, ShapedModel

Array = NDArray[np.float64]

#: Hill coefficients that are tried as whole numbers.
WHOLE = (1.0, 2.0, 3.0, 4.0)
#: Of a Hill family's prior odds the share of a free coefficient; the whole numbers share the rest.
FREE_SHARE = 0.5
MAX_VARIANTS = 8

#: A term of a support that stands for a family: (family, log constants, coefficient).
Atom = tuple[Family, Array, float]
#: A model and the coefficients to start it from.
Candidate = tuple[ShapedModel, Array]


class Families:
    """The families of a library that may be refined, and which columns belong to them.

    Required columns stay as they are: the user has said what they are.
    """

    def __init__(self, scales: Scales) -> None:
        self.scales = scales
        problem, prior = scales.frame.problem, scales.frame.prior
        self.library = problem.library
        self.of_column: dict[int, Family] = {}
        allowed = ~prior.required & ~prior.excluded
        for family in families_of(self.library):
            columns = tuple(c for c in family.columns if allowed[c])
            for column in columns:
                self.of_column[column] = replace(family, columns=columns)
        self.plain_column = {
            (c.stoichiometry, self.library.terms[c.term]): i
            for i, c in enumerate(self.library.columns)
            if allowed[i]
        }

    def touches(self, columns: Iterable[int]) -> bool:
        """Whether some column is an atom of a family."""
        return any(int(c) in self.of_column for c in columns)

    def shaped(self, family: Family, constants: Array) -> Shaped:
        """A term of a family: its Hill coefficients free, or 1 for Michaelis-Menten."""
        odds = self.scales.frame.prior.log_odds[list(family.columns)]
        log_prior = float(np.logaddexp.reduce(odds))
        constants = constants.copy()
        if not family.hill_free:
            constants[:, 1] = 0.0
            return Shaped(family, constants, (False,) * len(constants), log_prior)
        free = (True,) * len(constants)
        return Shaped(family, constants, free, log_prior + len(free) * np.log(FREE_SHARE))

    def held(self, term: Shaped, place: int, hill: float) -> Shaped:
        """The term with one Hill coefficient held at a whole number."""
        constants = term.constants.copy()
        constants[place, 1] = np.log(hill)
        free = tuple(f and p != place for p, f in enumerate(term.hill_free))
        share = np.log((1.0 - FREE_SHARE) / len(WHOLE)) - np.log(FREE_SHARE)
        return replace(
            term, constants=constants, hill_free=free, log_prior=float(term.log_prior + share)
        )

    def collapse(
        self, columns: Iterable[int], coefficients: Iterable[float], extra: Mapping[int, Shaped]
    ) -> list[Candidate]:
        """Models with one free term for each family of a support.

        Activation and repression by one variable in one equation are the same up to a constant
        term; where a support holds both, either alone is tried, with and without the constant.

        Parameters
        ----------
        columns, coefficients
            The support; numbers beyond the library's columns are refined terms of `extra`.
        extra : mapping of int to Shaped
        """
        plain: dict[int, float] = {}
        forms: dict[object, dict[Family, list[Atom]]] = {}
        for column, w in zip(map(int, columns), map(float, coefficients), strict=True):
            if column in extra:
                family, constants = extra[column].family, extra[column].constants
            elif column in self.of_column:
                family = self.of_column[column]
                constants = family.constants(self.library, column)
                w *= self.library.term_of(column).scale
            else:
                plain[column] = w
                continue
            forms.setdefault(family.form, {}).setdefault(family, []).append((family, constants, w))
        choices = [self._choices(atoms) for atoms in forms.values()]
        out = []
        for combination in list(product(*choices))[:MAX_VARIANTS]:
            atoms = [atom for atom, _ in combination]
            constant = {c: 0.0 for _, c in combination if c is not None}
            out.append(self._candidate(constant | plain, atoms))
        return out

    def _choices(self, members: dict[Family, list[Atom]]) -> list[tuple[Atom, int | None]]:
        """One atom for a form, and the column of the constant that may go with it."""
        out: list[tuple[Atom, int | None]] = []
        for family, atoms in members.items():
            sizes = [self.scales.size(f.term(c)) for f, c, _ in atoms]
            largest = int(np.argmax([abs(a[2]) * s for a, s in zip(atoms, sizes, strict=True)]))
            total = sum(a[2] * s for a, s in zip(atoms, sizes, strict=True)) / sizes[largest]
            own = atoms[largest][2]
            # Atoms that nearly cancel say little about the size of their sum.
            atom = (*atoms[largest][:2], total if abs(total) > 0.1 * abs(own) else own)
            out.append((atom, None))
            constant = self.plain_column.get((family.stoichiometry, family.rest))
            if len(members) > 1 and constant is not None:
                out.append((atom, constant))
        return out

    def _candidate(self, plain: Mapping[int, float], atoms: list[Atom]) -> Candidate:
        order = sorted(plain)
        atoms = sorted(atoms, key=lambda atom: atom[0].columns)
        model = ShapedModel(
            np.array(order, np.int64), tuple(self.shaped(family, c) for family, c, _ in atoms)
        )
        return model, np.array([*(plain[c] for c in order), *(w for _, _, w in atoms)])

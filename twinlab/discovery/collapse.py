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
#: Where a single Hill function is sought that is near a sum of them: points of the smooth, half
#: saturations in prior sd from the middle of the variable's range, and Hill coefficients.
MAX_POINTS = 200
HALF_GRID = np.linspace(-1.6, 1.6, 13)
HILL_GRID = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0)

#: A term of a support that stands for a family: (family, log constants, coefficient).
Atom = tuple[Family, Array, float]
#: An atom for a form, and coefficients of plain columns that go with it (None: left out).
Choice = tuple[Atom, dict[int, float | None]]
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
        values = scales.values
        step = max(1, next(iter(values.values())).size // MAX_POINTS)
        self.points = {name: value[::step] for name, value in values.items()}
        self._grids: dict[object, tuple[Array, Array]] = {}
        self.by_form: dict[object, list[Family]] = {}
        for family in dict.fromkeys(self.of_column.values()):
            self.by_form.setdefault(family.form, []).append(family)
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

        A single atom gives its family one start.  Several of one form (one variable in one
        equation, either role) are replaced by the one Hill function nearest to their sum, as
        activation and as repression, with and without the constant that turns one into the other.

        Parameters
        ----------
        columns, coefficients
            The support; numbers beyond the library's columns are refined terms of `extra`.
        extra : mapping of int to Shaped
        """
        plain: dict[int, float] = {}
        forms: dict[object, list[Atom]] = {}
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
            forms.setdefault(family.form, []).append((family, constants, w))
        choices = [self._choices(form, atoms, plain) for form, atoms in forms.items()]
        out = []
        for combination in list(product(*choices))[:MAX_VARIANTS]:
            constants_of = {c: w for choice in combination for c, w in choice[1].items()}
            own = {c: w for c, w in (plain | constants_of).items() if w is not None}
            out.append(self._candidate(own, [atom for atom, _ in combination]))
        return out

    def _choices(self, form: object, atoms: list[Atom], plain: Mapping[int, float]) -> list[Choice]:
        """One atom for a form, and what becomes of the constant that may go with it."""
        if len(atoms) == 1 or len(atoms[0][0].places) > 1:
            return [(max(atoms, key=self._weight), {})]
        family = atoms[0][0]
        column = self.plain_column.get((family.stoichiometry, family.rest))
        rest = family.rest.evaluate(self.points)
        curve = sum(w * f.term(c).evaluate(self.points) for f, c, w in atoms)
        curve = np.nan_to_num(curve + plain.get(-1 if column is None else column, 0.0) * rest)
        out: list[tuple[float, Choice]] = []
        for other in self.by_form[form]:
            alone, atom, _ = self._nearest(other, curve, None)
            out.append((alone, (atom, {} if column is None else {column: None})))
            if column is not None:
                _, atom, w = self._nearest(other, curve, rest)
                out.append((np.inf, (atom, {column: w})))
        # The sort is stable: those with a constant come last.
        return [choice for _, choice in sorted(out, key=lambda pair: pair[0])]

    def _weight(self, atom: Atom) -> float:
        """How much an atom contributes."""
        family, constants, w = atom
        return abs(w) * self.scales.size(family.term(constants))

    def _nearest(
        self, family: Family, curve: Array, rest: Array | None
    ) -> tuple[float, Atom, float]:
        """The term of a family nearest to a curve on the smooth, maybe with a constant.

        Returns
        -------
        misfit : float
        atom : Atom
        constant : float
            Coefficient of `rest`; 0 without one.
        """
        constants, terms = self._grid(family)
        if rest is None:
            w = (terms @ curve) / np.maximum((terms**2).sum(axis=1), 1e-300)
            own = np.zeros(len(w))
            misfit = ((curve - w[:, None] * terms) ** 2).sum(axis=1)
        else:
            # What is left of each when its share of `rest` is taken out (Frisch and Waugh 1933).
            unit = rest / np.sqrt((rest**2).sum())
            inner = terms - np.outer(terms @ unit, unit)
            outer = curve - (curve @ unit) * unit
            w = (inner @ outer) / np.maximum((inner**2).sum(axis=1), 1e-300)
            misfit = ((outer - w[:, None] * inner) ** 2).sum(axis=1)
            own = ((curve - w[:, None] * terms) @ rest) / (rest**2).sum()
        best = int(np.argmin(misfit))
        atom = (family, constants[best], float(w[best]))
        return float(misfit[best]), atom, float(own[best])

    def _grid(self, family: Family) -> tuple[Array, Array]:
        """Log constants (n, 1, 2) of a fine grid and its terms (n, n_point) on the smooth."""
        if family.key not in self._grids:
            variable = family.template[family.places[0]].variable
            centre, spread = self.scales.log_half(variable)
            hills = np.log(HILL_GRID if family.hill_free else (1.0,))
            pairs = list(product(centre + spread * HALF_GRID, hills))
            constants = np.array(pairs)[:, None, :]
            terms = [np.nan_to_num(family.term(c).evaluate(self.points)) for c in constants]
            self._grids[family.key] = constants, np.array(terms)
        return self._grids[family.key]

    def mirrored(self, model: ShapedModel, coefficients: Array) -> list[Candidate]:
        """The model with one term in the other role, ``h = 1 - r``, with and without the 1."""
        out = []
        k = len(model.plain)
        for i, term in enumerate(model.terms):
            others = [f for f in self.by_form[term.family.form] if f.key != term.family.key]
            if len(term.family.places) > 1 or not others:
                continue
            column = self.plain_column.get((term.family.stoichiometry, term.family.rest))
            plain = dict(zip(model.plain.tolist(), coefficients[:k].tolist(), strict=True))
            w = float(coefficients[k + i])
            mirror = replace(term, family=others[0])
            terms = (*model.terms[:i], mirror, *model.terms[i + 1 :])
            rest = coefficients[k:].copy()
            rest[i] = -w
            both = [{c: v for c, v in plain.items() if c != column}]
            if column is not None:
                both.append(plain | {column: plain.get(column, 0.0) + w})
            for own in both:
                order = sorted(own)
                start = np.concatenate([[own[c] for c in order], rest])
                out.append((ShapedModel(np.array(order, np.int64), terms), start))
        return out

    def _candidate(self, plain: Mapping[int, float], atoms: list[Atom]) -> Candidate:
        order = sorted(plain)
        atoms = sorted(atoms, key=lambda atom: atom[0].columns)
        model = ShapedModel(
            np.array(order, np.int64), tuple(self.shaped(family, c) for family, c, _ in atoms)
        )
        return model, np.array([*(plain[c] for c in order), *(w for _, _, w in atoms)])

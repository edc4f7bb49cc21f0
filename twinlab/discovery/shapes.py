"""Models whose saturating terms have free constants, their priors and their tables.

With ``h = x^n/(K^n + x^n)``: ``dh/dlog K = -n h (1 - h)`` and ``dh/dlog n = n log(x/K) h (1 - h)``;
repression is ``1 - h``.  Times its coefficient each is one more column of the sensitivities, so
that the constants are fitted by the same Gauss-Newton equations as everything else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twinlab.expressions import HILL_REPRESSION, Term, TermTable, term_table
from twinlab.expressions.kinds import HILL_BY_COEFFICIENT, HILL_BY_HALF
from twinlab.library import Entries

from .families import Family
from .problem import Problem
from .steps import Columns, Frame
from .weak import grid_values

Array = NDArray[np.float64]

#: Prior of a Hill coefficient: log-normal around 2.
LOG_HILL_MEAN, LOG_HILL_SD = float(np.log(2.0)), 0.7
#: Prior of a half saturation: log-normal, its central 90 % the variable's range (5 % to 95 %
#: quantile), but never narrower than this.
LEAST_LOG_HALF_SD = 1.0
#: Constants stay within this many prior standard deviations, and coefficients in this range.
FARTHEST = 3.0
HILL_RANGE = (float(np.log(0.2)), float(np.log(12.0)))


@dataclass(frozen=True)
class Shaped:
    """A term whose constants are refined.

    Attributes
    ----------
    family : Family
    constants : (n_place, 2) array
        Log half saturation and log Hill coefficient of each saturating factor.
    hill_free : tuple of bool
        Whether the Hill coefficient of each is refined too.
    log_prior : float
        Log prior odds of the term: all the atoms it stands for.
    """

    family: Family
    constants: Array
    hill_free: tuple[bool, ...]
    log_prior: float

    @property
    def term(self) -> Term:
        """The term at its constants."""
        return self.family.term(self.constants)

    @property
    def held(self) -> tuple[float, ...]:
        """Hill coefficients that are not free."""
        pairs = zip(self.hill_free, self.constants[:, 1], strict=True)
        return tuple(round(float(np.exp(n)), 9) for free, n in pairs if not free)

    @property
    def free(self) -> list[tuple[int, int]]:
        """(place, 0 for log K or 1 for log n) of every free constant."""
        return [(p, q) for p, free in enumerate(self.hill_free) for q in ((0, 1) if free else (0,))]


@dataclass(frozen=True)
class ShapedModel:
    """Columns of the library as they are, and terms whose constants are refined.

    Coefficients and equations are in the order of `plain`, then `terms`; the free constants
    follow.
    """

    plain: Columns
    terms: tuple[Shaped, ...]

    @property
    def parameters(self) -> list[tuple[int, int, int]]:
        """(term, place, 0 for log K or 1 for log n) of every free constant."""
        return [(i, p, q) for i, term in enumerate(self.terms) for p, q in term.free]

    @property
    def values(self) -> Array:
        """Logarithms of the free constants."""
        return np.array([self.terms[i].constants[p, q] for i, p, q in self.parameters])

    def moved(self, values: Array) -> ShapedModel:
        """The model with other values of the free constants."""
        constants = [term.constants.copy() for term in self.terms]
        for (i, p, q), value in zip(self.parameters, values, strict=True):
            constants[i][p, q] = value
        terms = (replace(t, constants=c) for t, c in zip(self.terms, constants, strict=True))
        return replace(self, terms=tuple(terms))

    @property
    def signature(self) -> tuple[object, ...]:
        """Columns, families and Hill coefficients that are held, whatever the other constants."""
        terms = [(repr(t.family.key), t.hill_free, t.held) for t in self.terms]
        return tuple(self.plain.tolist()), tuple(sorted(terms))


class Scales:
    """Sizes of terms on the smooth, from which priors of a refined term follow.

    Parameters
    ----------
    frame : Frame
        Its problem holds the library's own columns alone.
    """

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        problem = frame.problem
        parts = [grid_values(problem, frame.smooth, r) for r in range(problem.n_trajectory)]
        self._slab: dict[object, float] = {}
        self.values = {n: np.concatenate([p[n] for p in parts]) for n in problem.library.names}

    def size(self, term: Term) -> float:
        """Root mean square of a term."""
        return float(np.sqrt(np.mean(np.nan_to_num(term.evaluate(self.values)) ** 2))) + 1e-300

    def log_half(self, variable: str) -> tuple[float, float]:
        """Mean and sd of the prior of a log half saturation."""
        values = self.values[variable]
        largest = float(np.abs(values).max()) or 1.0
        low, high = np.log(np.maximum(np.quantile(values, (0.05, 0.95)), 1e-3 * largest))
        return 0.5 * (low + high), max(0.5 * (high - low) / 1.645, LEAST_LOG_HALF_SD)

    def precision(self, term: Shaped) -> float:
        """Slab precision of a refined term: that of its atoms, scaled by the term's size."""
        library, family = self.frame.problem.library, term.family
        if family.key not in self._slab:
            logs = [
                np.log(self.frame.precision[c]) - 2.0 * np.log(self.size(library.term_of(c)))
                for c in family.columns
            ]
            self._slab[family.key] = float(np.exp(np.mean(logs)))
        return self._slab[family.key] * self.size(term.term) ** 2

    def constants_prior(self, model: ShapedModel) -> tuple[Array, Array, Array]:
        """Mean and sd of the free constants, and bounds (n, 2)."""
        mean, sd = [], []
        for i, p, q in model.parameters:
            family = model.terms[i].family
            half = self.log_half(family.template[family.places[p]].variable)
            mean.append(LOG_HILL_MEAN if q else half[0])
            sd.append(LOG_HILL_SD if q else half[1])
        centre, spread = np.array(mean), np.array(sd)
        bounds = np.stack([centre - FARTHEST * spread, centre + FARTHEST * spread], axis=1)
        for row, (_, _, q) in enumerate(model.parameters):
            if q:
                bounds[row] = HILL_RANGE
        return centre, spread, bounds


class Tables:
    """Tables of a shaped model for the kernels, and of the derivatives by its constants.

    Parameters
    ----------
    problem : Problem
    model : ShapedModel
        Its constants and coefficients are put in by `set`, for it and for moved ones.
    everything : bool
        Whether the equations are in all columns of the library, not just those of the model.

    Attributes
    ----------
    active : (TermTable, Entries)
        What is simulated: plain columns, then the model's terms.
    table, entries
        What the equations are in: the same, or all columns and then the model's terms; the
        derivatives follow.
    n_coefficient, n_column : int
        Columns of `table` without and with the derivatives.
    places : (k,) int array
        Where among them the model's own coefficients are.
    """

    def __init__(self, problem: Problem, model: ShapedModel, everything: bool = False) -> None:
        own = term_table((t.term for t in model.terms), problem.library.names)
        plain = problem.active(model.plain)
        n_base = problem.n_column if everything else len(model.plain)
        base = (problem.terms, problem.entries) if everything else plain
        self.active = _appended(*plain, len(model.plain), model, own)
        table, entries = _appended(*base, n_base, model, own)
        self.n_coefficient = n_base + len(model.terms)
        self.n_column = self.n_coefficient + len(model.parameters)
        self.places = np.concatenate(
            [
                model.plain if everything else np.arange(n_base),
                np.arange(n_base, self.n_coefficient),
            ]
        ).astype(np.int64)
        n_term = table.factor_count.size
        # Which rows of each table are whose: (table, row, term of the model).
        n_active = self.active[0].factor_count.size
        self._rows = [
            *((0, n_active - len(model.terms) + i, i) for i in range(len(model.terms))),
            *((1, n_term - len(model.terms) + i, i) for i in range(len(model.terms))),
            *((1, n_term + row, i) for row, (i, _, _) in enumerate(model.parameters)),
        ]
        self.table, self.entries = self._with_derivatives(table, entries, model)
        self._value = self.entries.value.copy()

    def _with_derivatives(
        self, table: TermTable, entries: Entries, model: ShapedModel
    ) -> tuple[TermTable, Entries]:
        n_term = table.factor_count.size
        first = n_term - len(model.terms)
        more = TermTable._make(part[[first + i for i, _, _ in model.parameters]] for part in table)
        rows = []
        for row, (i, p, q) in enumerate(model.parameters):
            family = model.terms[i].family
            place = family.places[p]
            repressed = family.template[place].kind == HILL_REPRESSION
            more.factor_kind[row, place] = HILL_BY_COEFFICIENT if q else HILL_BY_HALF
            # dh/dlog K = -n h (1 - h), dh/dlog n = n log(x/K) h (1 - h); repression is 1 - h.
            sign = -1.0 if repressed == bool(q) else 1.0
            rows += [
                (state, n_term + row, self.n_coefficient + row, sign * value)
                for state, value in family.stoichiometry
            ]
        joined = TermTable._make(np.concatenate(pair) for pair in zip(table, more, strict=True))
        return joined, with_rows(entries, rows)

    def set(self, model: ShapedModel, coefficients: Array) -> None:
        """Put in constants, and what stands before the derivatives: coefficients times n."""
        pairs = [np.exp(term.constants) for term in model.terms]
        for which, row, i in self._rows:
            table = self.table if which else self.active[0]
            for place, (half, hill) in zip(model.terms[i].family.places, pairs[i], strict=True):
                table.constant[row, place], table.exponent[row, place] = half, hill
        by = np.ones(self.n_column)
        for row, (i, p, _) in enumerate(model.parameters):
            by[self.n_coefficient + row] = coefficients[len(model.plain) + i] * pairs[i][p][1]
        np.multiply(self._value, by[self.entries.column], out=self.entries.value)


def _appended(
    table: TermTable, entries: Entries, n_column: int, model: ShapedModel, own: TermTable
) -> tuple[TermTable, Entries]:
    """Tables with the terms of a model as further columns."""
    n_term = table.factor_count.size
    rows = [
        (state, n_term + i, n_column + i, value)
        for i, term in enumerate(model.terms)
        for state, value in term.family.stoichiometry
    ]
    joined = TermTable._make(np.concatenate(pair) for pair in zip(table, own, strict=True))
    return joined, with_rows(entries, rows)


def with_rows(entries: Entries, rows: list[tuple[int, int, int, float]]) -> Entries:
    """Entries with more (state, term, column, value), sorted by state."""
    if not rows:
        return entries
    state, term, column, value = zip(*rows, strict=True)
    joined = Entries(
        np.concatenate([entries.state, np.array(state, np.int64)]),
        np.concatenate([entries.term, np.array(term, np.int64)]),
        np.concatenate([entries.column, np.array(column, np.int64)]),
        np.concatenate([entries.value, np.array(value, float)]),
    )
    order = np.argsort(joined.state, kind="stable")
    return Entries._make(np.ascontiguousarray(part[order]) for part in joined)

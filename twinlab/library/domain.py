"""Where a term is not defined on the data: logarithms, roots and reciprocals of wrong values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError
from twinlab.expressions import (
    LOGARITHM,
    POWER,
    Factor,
    Term,
    evaluate_factor,
    format_number,
)
from twinlab.study import Study

from .library import Library

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Undefined:
    """The first measured value at which a term is not defined.

    Attributes
    ----------
    term : int
        Index into the library's terms.
    text : str
        The term.
    variable, subject : str
    time, value : float
    reason : str
        What the term needs.
    affected, total : int
        Measured values of the variable that do not meet the need, and all.
    """

    term: int
    text: str
    variable: str
    subject: str
    time: float
    value: float
    reason: str
    affected: int
    total: int

    @property
    def problem(self) -> str:
        """One sentence for people."""
        return (
            f"The term {self.text} is not defined where {self.variable} is "
            f"{format_number(self.value)} (subject {self.subject}, time "
            f"{format_number(self.time, 6)}): {self.reason}. That holds for {self.affected} of "
            f"{self.total} values of {self.variable}."
        )


def check_domain(library: Library, study: Study) -> None:
    """Refuse a library with a term that is not defined on the data.

    Variables that the study does not measure are passed over.

    Raises
    ------
    UserError
        Names the first such term, the variable, subject, time and value.
    """
    for place in undefined_places(library, study):
        raise UserError(
            place.problem,
            mend="Leave the term out, or correct or leave out the values.",
        )


def undefined_places(library: Library, study: Study) -> Iterator[Undefined]:
    """First place of every term that is not defined on all measured values."""
    measured = {name: _Measured(study, name) for name in library.names if name in study.variables}
    for number in sorted({column.term for column in library.columns}):
        term = library.terms[number]
        for factor in term.factors:
            if factor.variable not in measured:
                continue
            found = measured[factor.variable]
            bad, reason = _outside(factor, found.value)
            if bad.any():
                yield found.place(number, term, bad, reason)
                break


class _Measured:
    """All measured values of one variable, and where each was measured."""

    def __init__(self, study: Study, name: str) -> None:
        index = study.variables.index(name)
        self.name, self.study = name, study
        values = [trajectory.value[:, index] for trajectory in study.trajectories]
        rows = [(i, j) for i, v in enumerate(values) for j in np.flatnonzero(np.isfinite(v))]
        self.rows = rows
        self.value = np.array([values[i][j] for i, j in rows], float)

    def place(self, number: int, term: Term, bad: NDArray[np.bool_], reason: str) -> Undefined:
        first = int(np.argmax(bad))
        trajectory, row = self.rows[first]
        return Undefined(
            number,
            term.text,
            self.name,
            self.study.labels[trajectory],
            float(self.study.trajectories[trajectory].time[row]),
            float(self.value[first]),
            reason,
            int(bad.sum()),
            len(bad),
        )


def _outside(factor: Factor, value: Array) -> tuple[NDArray[np.bool_], str]:
    """Which values a factor is not defined for, and what it needs."""
    whole = factor.exponent == int(factor.exponent)
    nowhere = np.zeros(value.shape, bool)
    if factor.kind == LOGARITHM:
        sign = "positive" if factor.constant > 0 else "negative"
        return factor.constant * value <= 0, f"a logarithm needs {sign} values"
    if factor.kind == POWER and factor.exponent < 0:
        # Between values of both signs a trajectory passes through zero, where it is infinite.
        one_sign = whole and (np.all(value > 0) or np.all(value < 0))
        return nowhere if one_sign else value <= 0, "a reciprocal needs positive values"
    if factor.kind == POWER and not whole:
        return value < 0, "a root or fractional power needs values that are not negative"
    result = evaluate_factor(factor.kind, value, factor.exponent, factor.constant)
    return ~np.isfinite(result), "the result is too large to compute with"

"""Terms as numeric tables, the form the kernels read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .kinds import MAX_FACTORS
from .term import Term


class TermTable(NamedTuple):
    """Arrays of a list of terms; row k is term k.

    Unused slots hold kind 0, variable 0, exponent 1 and constant 1 and are not to be read.

    Attributes
    ----------
    factor_count : (n_term,) int64
    factor_kind : (n_term, 3) int64
        Codes of ``twinlab.expressions.kinds``.
    factor_variable : (n_term, 3) int64
        Index into the names the table was made with.
    exponent, constant : (n_term, 3) float64
    scale : (n_term,) float64
    """

    factor_count: NDArray[np.int64]
    factor_kind: NDArray[np.int64]
    factor_variable: NDArray[np.int64]
    exponent: NDArray[np.float64]
    constant: NDArray[np.float64]
    scale: NDArray[np.float64]


def term_table(terms: Iterable[Term], names: Sequence[str]) -> TermTable:
    """Put terms into arrays.

    Raises
    ------
    KeyError
        A term uses a variable that is not in `names`.
    """
    terms = tuple(terms)
    place = {name: i for i, name in enumerate(names)}
    shape = (len(terms), MAX_FACTORS)
    table = TermTable(
        np.array([len(term.factors) for term in terms], np.int64),
        np.zeros(shape, np.int64),
        np.zeros(shape, np.int64),
        np.ones(shape),
        np.ones(shape),
        np.array([term.scale for term in terms], np.float64),
    )
    for row, term in enumerate(terms):
        for slot, factor in enumerate(term.factors):
            table.factor_kind[row, slot] = factor.kind
            table.factor_variable[row, slot] = place[factor.variable]
            table.exponent[row, slot] = factor.exponent
            table.constant[row, slot] = factor.constant
    return table

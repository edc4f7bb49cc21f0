"""Which columns an edge speaks of, how probable they are anyway, and the signs it speaks for.

An edge says that at least one of the terms of its target's equation holds its regulator, not that
all do.  With independent columns of prior probability ``q_c`` that is ``p = 1 - prod_c (1 - q_c)``
(noisy-or; Pearl 1988, Probabilistic Reasoning, section 4.3.2).
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from twinlab.expressions import (
    EXPONENTIAL,
    HILL_ACTIVATION,
    HILL_REPRESSION,
    LOGARITHM,
    POWER,
    Factor,
    Term,
    known_names,
)
from twinlab.library import Library

from .belief import MACHINE_CAP
from .items import Edge, error_at

Array = NDArray[np.float64]
Columns = NDArray[np.int64]

#: Terms an equation is expected to have; sets the odds of a column nobody speaks of.
EXPECTED_EACH = 2.0
#: Confidence is taken to lie within this of 0 and 1.
CERTAIN = 1e-6


def edge_columns(edge: Edge, library: Library) -> Columns:
    """Columns of the target's equation whose term involves the regulator.

    Raises
    ------
    UserError
        The target is no state, or the regulator neither state nor input.
    """
    for role, name, names in (
        ("target", edge.target, library.states),
        ("regulator", edge.regulator, library.names),
    ):
        if name not in names:
            kind = "state" if role == "target" else "state or input"
            raise error_at(
                edge.place,
                f"The {role} of the edge {edge.label} is '{name}', which is no {kind}.",
                known_names(name, names),
            )
    found = [
        c for c in library.columns_of(edge.target) if edge.regulator in library.term_of(c).variables
    ]
    return np.array(found, np.int64)


def base_odds(library: Library) -> float:
    """Prior log-odds of a column that nobody speaks of.

    ``(k + 1)/(2 C - k - 1)``, as a beta-binomial(1, C) prior of the size has it for one more term
    in a model of the expected size ``k``: a little warier than the flat prior that models have, so
    that what is told is not lost in small libraries.
    """
    n = len(library.columns)
    k = min(EXPECTED_EACH * len(library.states), 0.5 * n)
    return float(np.log((k + 1.0) / (2.0 * n - k - 1.0)))


def any_probability(odds: Array) -> float:
    """Probability that at least one of independent columns of these log-odds is in."""
    # log(1 - q) = -log(1 + exp(odds))
    return float(-np.expm1(-np.logaddexp(0.0, odds).sum()))


def edge_shift(odds: Array, probability: float) -> float:
    """The shift of all log-odds that makes `any_probability` a given number, capped.

    Parameters
    ----------
    odds : (n,) array
        Log-odds of the columns without it; none gives 0.
    probability : float
    """
    if odds.size == 0:
        return 0.0
    wanted = min(max(probability, CERTAIN), 1.0 - CERTAIN)
    low, high = -MACHINE_CAP, MACHINE_CAP
    for _ in range(60):  # monotone in the shift: bisection
        middle = 0.5 * (low + high)
        if any_probability(odds + middle) < wanted:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def edge_directions(
    edge: Edge, library: Library, nonnegative: Collection[str] | None = None
) -> Array:
    """Signs (n_column,) of the coefficients that an edge speaks for; 0 where it does not.

    The sign of an edge is that of the derivative of the column by the regulator.

    Parameters
    ----------
    edge : Edge
    library : Library
    nonnegative : names, optional
        Variables that are never negative; all, if absent.
    """
    known = set(library.names if nonnegative is None else nonnegative)
    out = np.zeros(len(library.columns))
    if edge.sign:
        for c in edge_columns(edge, library).tolist():
            share = dict(library.columns[c].stoichiometry)[library.state_index(edge.target)]
            slope = derivative_sign(library.term_of(c), edge.regulator, known)
            out[c] = edge.sign * slope * np.sign(share)
    return out


def derivative_sign(term: Term, name: str, nonnegative: Collection[str]) -> int:
    """Sign of the derivative of a term by a variable; 0 where it is not the same everywhere.

    That of ``x*repress(y,1,2)`` by y is -1 where x is never negative.
    """
    sign = int(np.sign(term.scale))
    slope = 0
    for factor in term.factors:
        if factor.variable == name:
            own = _slope(factor, name in nonnegative)
            if own == 0 or slope not in (0, own):
                return 0
            slope = own
        elif not _positive(factor, factor.variable in nonnegative):
            return 0
    return sign * slope


def _positive(factor: Factor, nonnegative: bool) -> bool:
    if factor.kind == POWER:
        return nonnegative or factor.exponent % 2 == 0
    return factor.kind in (HILL_ACTIVATION, HILL_REPRESSION, EXPONENTIAL)


def _slope(factor: Factor, nonnegative: bool) -> int:
    if factor.kind == POWER:
        odd = factor.exponent % 2 == 1
        return int(np.sign(factor.exponent)) if nonnegative or (odd and factor.exponent > 0) else 0
    if factor.kind == EXPONENTIAL:
        return int(np.sign(factor.constant))
    return {HILL_ACTIVATION: 1, HILL_REPRESSION: -1, LOGARITHM: 1}.get(factor.kind, 0)

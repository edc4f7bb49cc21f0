"""Answers that hold states the data do not: judged against all equations, up to the states' units.

Nothing in the data tells the unit of a state that is never measured.  Before an answer is judged,
its hidden states are brought to the true ones' units by least squares between the two courses; a
coefficient then changes by the powers of the state in its term and in its equation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from twinlab.expressions import POWER, parse_term

from .cells import BenchmarkCase
from .scoring import Answer

Array = NDArray[np.float64]
Edge = tuple[str, str]


def names_hidden(answer: Answer, case: BenchmarkCase) -> bool:
    """Whether an answer has equations of hidden states."""
    return bool(set(case.hidden) & set(answer.equations))


def whole(case: BenchmarkCase) -> BenchmarkCase:
    """The case for an answer that has equations of its hidden states: all of truth and library."""
    return replace(
        case,
        library=case.full_library,
        truth=case.full_truth,
        truth_in_library=case.removed is None,
    )


def in_true_units(answer: Answer, case: BenchmarkCase) -> Answer:
    """The same answer with its hidden states in the units of the true ones."""
    factor = {
        name: _factor(np.concatenate(answer.hidden[name]), _course(case, k))
        for k, name in enumerate(case.hidden)
        if name in answer.hidden
    }
    names = (*case.system.states, *case.system.inputs)

    def unit(state: str, text: str) -> float:
        out = factor.get(state, 1.0)
        for f in parse_term(text, names).factors:
            if f.variable in factor and f.kind == POWER:
                out /= float(np.sign(factor[f.variable])) ** round(f.exponent) * (
                    abs(factor[f.variable]) ** f.exponent
                )
        return out

    def scaled(table: Mapping[Edge, tuple[float, float]]) -> dict[Edge, tuple[float, float]]:
        return {
            key: (min(u * low, u * high), max(u * low, u * high))
            for key, (low, high) in table.items()
            for u in (unit(*key),)
        }

    posterior = answer.posterior
    if posterior is not None:
        draws = {key: unit(*key) * values for key, values in posterior.coefficients.items()}
        posterior = replace(posterior, coefficients=draws)
    return replace(
        answer,
        equations={
            state: {text: unit(state, text) * value for text, value in row.items()}
            for state, row in answer.equations.items()
        },
        intervals=scaled(answer.intervals),
        intervals50=scaled(answer.intervals50),
        posterior=posterior,
    )


def _course(case: BenchmarkCase, k: int) -> Array:
    return np.concatenate([values[:, k] for values in case.hidden_states])


def _factor(found: Array, true: Array) -> float:
    """Least squares through the origin; 1 where the courses have nothing in common."""
    if found.shape != true.shape or not np.isfinite(found).all():
        return 1.0
    squares = float(found @ found)
    factor = float(found @ true) / squares if squares > 0 else 0.0
    return factor if factor != 0.0 else 1.0

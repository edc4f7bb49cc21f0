"""Fitted constants of Hill functions: their intervals and their draws."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from .problem import Problem
from .result import DrawnConstants, RankedModel, RefinedShape
from .steps import Fit

Array = NDArray[np.float64]

#: Drawn logarithms stay this near the optimum: further out a Laplace posterior says nothing.
FARTHEST_DRAW = 3.0


def refined_shapes(
    problem: Problem, fit: Fit, covariance: Array, freedom: float
) -> tuple[RefinedShape, ...]:
    """Constants of a fit with their 90 % intervals (Student t of the logarithm).

    Parameters
    ----------
    problem : Problem
        Its library holds the refined terms.
    fit : Fit
        With free constants.
    covariance : (m, m) array
        Of the logarithms, in the order of ``fit.free``.
    freedom : float
    """
    reach = stdtrit(freedom, 0.95) * np.sqrt(np.maximum(np.diag(covariance), 0.0))
    spread = {
        key: np.exp(r * np.array([-1.0, 1.0])) for key, r in zip(fit.free, reach, strict=True)
    }
    out = []
    for column, place in dict.fromkeys((c, f) for c, f, _ in fit.free):
        factor = problem.library.term_of(column).factors[place]
        free = (column, place, 1) in spread
        out.append(
            RefinedShape(
                column,
                place,
                factor.constant,
                factor.constant * spread[column, place, 0],
                factor.exponent,
                factor.exponent * (spread[column, place, 1] if free else np.ones(2)),
                free,
            )
        )
    return tuple(out)


def empty_constants(
    problem: Problem, models: Sequence[RankedModel], n: int
) -> DrawnConstants | None:
    """Constants as the library has them for `n` draws; None where no model has fitted ones."""
    keys = sorted({(s.column, s.factor) for m in models for s in m.shapes})
    if not keys:
        return None
    factors = [problem.library.term_of(c).factors[f] for c, f in keys]
    value = np.array([[f.constant, f.exponent] for f in factors])
    column, place = np.array(keys, np.int64).T
    return DrawnConstants(column.copy(), place.copy(), np.tile(value, (n, 1, 1)))


def set_constants(constants: DrawnConstants, part: slice, model: RankedModel, moved: Array) -> None:
    """Put draws of a model's log constants, moved (n, m) from its optimum, into their rows."""
    moved = np.clip(moved, -FARTHEST_DRAW, FARTHEST_DRAW)
    row = 0
    for shape in model.shapes:
        place = np.nonzero((constants.column == shape.column) & (constants.factor == shape.factor))[
            0
        ][0]
        constants.value[part, place, 0] = shape.half_saturation * np.exp(moved[:, row])
        row += 1
        if shape.hill_free:
            constants.value[part, place, 1] = shape.hill_coefficient * np.exp(moved[:, row])
            row += 1

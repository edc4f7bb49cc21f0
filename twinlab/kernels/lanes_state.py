"""Work space of trajectories integrated side by side (``lanes``)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compiled import jit

Array = NDArray[np.float64]


class Lanes(NamedTuple):
    """State and work space; the last axis of each array is the lane.

    Attributes
    ----------
    t, h, error : (width,) arrays
    point : (n_state + n_input, width) array
        State of a stage, then the inputs.
    x, before : (n_state, width) arrays
        State at `t`; state of the last stage but one.
    theta : (n_term, width) array
    k : (7, n_state, width) array
        Slopes of the stages.
    coefficients : (n_column, width) array
    constant, inverse, exponent : (n_term, 3, width) arrays
        Of the terms' factors; inverses of the constants.
    hill : (2, width) array
    poly : (5, n_state, width) array
        Polynomials of the continuous extension over a step, lowest power first.
    draw, next, steps, stiff, rejected : (width,) int arrays
        Draw in each lane (-1: none), index of its next output, steps tried, stiff steps in a row,
        whether the last step was refused.
    """

    t: Array
    h: Array
    error: Array
    point: Array
    x: Array
    before: Array
    theta: Array
    k: Array
    coefficients: Array
    constant: Array
    inverse: Array
    exponent: Array
    hill: Array
    poly: Array
    draw: NDArray[np.int64]
    next: NDArray[np.int64]
    steps: NDArray[np.int64]
    stiff: NDArray[np.int64]
    rejected: NDArray[np.int64]


def empty_lanes(n_state: int, n_input: int, n_term: int, n_column: int, width: int) -> Lanes:
    """Empty lanes, `width` of them, for models of a size."""
    shapes = (
        (), (), (), (n_state + n_input,), (n_state,), (n_state,), (n_term,), (7, n_state),
        (n_column,), (n_term, 3), (n_term, 3), (n_term, 3), (2,),
        (5, n_state),
    )  # fmt: skip
    arrays = [np.ones((*shape, width)) for shape in shapes]
    return Lanes._make((*arrays, *(np.full(width, -1) for _ in range(5))))


@jit
def load(i, r, initial, start, coefficients, constants, exponents, lanes):
    """Put draw `r` into lane `i`; a negative step asks for its first."""
    for e in range(initial.shape[1]):
        lanes.x[e, i] = initial[r, e]
    for j in range(coefficients.shape[1]):
        lanes.coefficients[j, i] = coefficients[r, j]
    source, power_source = min(r, constants.shape[0] - 1), min(r, exponents.shape[0] - 1)
    for n in range(constants.shape[1]):
        for f in range(constants.shape[2]):
            lanes.constant[n, f, i] = constants[source, n, f]
            lanes.inverse[n, f, i] = 1.0 / constants[source, n, f]
            lanes.exponent[n, f, i] = exponents[power_source, n, f]
    lanes.t[i], lanes.h[i], lanes.draw[i], lanes.next[i] = start, -1.0, r, 1
    lanes.steps[i] = lanes.stiff[i] = lanes.rejected[i] = 0

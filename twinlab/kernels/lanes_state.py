"""Work space of trajectories integrated side by side (``lanes``)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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
    constant, exponent : (n_term, 3, width) arrays
    hill : (2, width) array
    weight : (7,) array
        Weights of the continuous extension, of one lane.
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
    exponent: Array
    hill: Array
    weight: Array
    draw: NDArray[np.int64]
    next: NDArray[np.int64]
    steps: NDArray[np.int64]
    stiff: NDArray[np.int64]
    rejected: NDArray[np.int64]


def empty_lanes(n_state: int, n_input: int, n_term: int, n_column: int, width: int) -> Lanes:
    """Empty lanes, `width` of them, for models of a size."""
    shapes = (
        (), (), (), (n_state + n_input,), (n_state,), (n_state,), (n_term,), (7, n_state),
        (n_column,), (n_term, 3), (n_term, 3), (2,),
    )  # fmt: skip
    arrays = [np.ones((*shape, width)) for shape in shapes]
    return Lanes._make((*arrays, np.zeros(7), *(np.full(width, -1) for _ in range(5))))

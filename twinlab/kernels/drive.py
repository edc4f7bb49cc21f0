"""What acts on trajectories from outside: inputs, nudging, and the events that cut them.

An event (a bolus, the start or end of an infusion, a jump of an input) ends one stretch of a
trajectory and begins the next.  Within a stretch everything is continuous, so that integrators
lose no order (Hairer, Norsett and Wanner 1993, Solving ODEs I, II.6).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]


class Drive(NamedTuple):
    """Outside influences on one or all trajectories, and the stretches these consist of.

    Attributes
    ----------
    origin, step : (n_trajectory,) arrays
        Start and cell width of each trajectory's grid of `target`.
    target : (n_trajectory, n_cell, 4, n_state) array
        What the states are nudged to, less what events have given: continuous, as cubic
        coefficients, highest power first.
    kappa : (n_state,) array
        Nudging rates; all zero: no nudging.
    first : (n_trajectory + 1,) int array
        Stretches of trajectory ``r`` are ``first[r]:first[r + 1]``.
    trajectory : (n_stretch,) int array
    begin : (n_stretch,) array
        Start of each stretch, increasing within a trajectory; its first also holds for whatever
        is before.
    rate : (n_stretch, n_state) array
        Added to ``dx/dt`` (infusions).
    jump : (n_stretch, n_state) array
        Added to the state where the stretch begins (boluses); zero for first stretches.
    given : (n_stretch, n_state) array
        All that events have added up to the stretch's beginning, `jump` included.
    knot : (n_stretch, n_piece) array
        Starts of the inputs' pieces, increasing; infinite past the last one.
    inputs : (n_stretch, n_piece, 4, n_input) array
        Cubic coefficients of the inputs from each knot on.
    """

    origin: Array
    step: Array
    target: Array
    kappa: Array
    first: Index
    trajectory: Index
    begin: Array
    rate: Array
    jump: Array
    given: Array
    knot: Array
    inputs: Array


def eventless_drive(
    origin: Array, step: Array, target: Array, kappa: Array, knot: Array, inputs: Array
) -> Drive:
    """Drive of trajectories of one stretch each; the arguments are fields of `Drive`."""
    n, d = len(origin), kappa.size
    none = np.zeros((n, d))
    return Drive(
        origin, step, target, kappa, np.arange(n + 1), np.arange(n), origin, none, none, none,
        knot, inputs,
    )  # fmt: skip


def no_drive(n_trajectory: int, n_state: int) -> Drive:
    """Neither inputs nor nudging nor events."""
    return eventless_drive(
        np.zeros(n_trajectory),
        np.ones(n_trajectory),
        np.zeros((n_trajectory, 1, 4, n_state)),
        np.zeros(n_state),
        np.zeros((n_trajectory, 1)),
        np.zeros((n_trajectory, 1, 4, 0)),
    )


def linear_pieces(time: Array, value: Array) -> Array:
    """Pieces (n_time, 4, n_input) from each time on, linear between them, constant at the end.

    Parameters
    ----------
    time : (n_time,) array, increasing
    value : (n_time, n_input) array
    """
    out = np.zeros((len(time), 4, value.shape[1]))
    out[:, 3] = value
    out[:-1, 2] = np.diff(value, axis=0) / np.diff(time)[:, None]
    return out


def stretches(time: Array, trajectory: int, drive: Drive) -> Iterator[tuple[int, slice, Array]]:
    """Stretches from ``time[0]`` on: row, outputs, and their times between those of both ends."""
    first, last = int(drive.first[trajectory]), int(drive.first[trajectory + 1]) - 1
    begin = drive.begin[first + 1 : last + 1]
    row, start, i = first + int(np.searchsorted(begin, time[0])), float(time[0]), 1
    while i < time.size:
        end = min(float(time[-1]), drive.begin[row + 1]) if row < last else float(time[-1])
        stop = int(np.searchsorted(time, end, side="right"))
        yield row, slice(i, stop), np.unique(np.concatenate(([start], time[i:stop], [end])))
        row, start, i = row + 1, end, stop

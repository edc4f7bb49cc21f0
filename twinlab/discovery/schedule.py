"""Doses and inputs of all trajectories as one table of stretches, from event to event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twinlab.kernels import Drive, linear_pieces
from twinlab.study import Dose, Study, Trajectory

Array = NDArray[np.float64]

#: Events within this share of a trajectory of a measured time are at that time.
SAME_TIME = 1e-9


@dataclass(frozen=True)
class Schedule:
    """Stretches of all trajectories; the attributes are those of ``twinlab.kernels.Drive``."""

    first: NDArray[np.int64]
    trajectory: NDArray[np.int64]
    begin: Array
    rate: Array
    jump: Array
    given: Array
    knot: Array
    inputs: Array

    @property
    def has_events(self) -> bool:
        """Whether anything is given to a state, or a trajectory has several stretches."""
        return self.begin.size >= self.first.size

    def drive(self, origin: Array, step: Array, target: Array, kappa: Array) -> Drive:
        """Drive of the kernels with a nudging target (its continuous part)."""
        return Drive(
            origin, step, target, kappa, self.first, self.trajectory, self.begin, self.rate,
            self.jump, self.given, self.knot, self.inputs,
        )  # fmt: skip

    def rows(self, trajectory: int) -> slice:
        """Stretches of one trajectory."""
        return slice(int(self.first[trajectory]), int(self.first[trajectory + 1]))

    def events(self, trajectory: int) -> Array:
        """Times at which a stretch ends and another begins."""
        return self.begin[self.rows(trajectory)][1:]

    def _place(self, trajectory: int, time: Array) -> NDArray[np.int64]:
        """Stretch of each time; that before the event at the time of an event."""
        return int(self.first[trajectory]) + np.searchsorted(self.events(trajectory), time)

    def given_at(self, trajectory: int, time: Array) -> Array:
        """All that was given to each state (n_time, n_state) by the times, before an event."""
        row = self._place(trajectory, time)
        return self.given[row] + self.rate[row] * (time - self.begin[row])[:, None]

    def inputs_at(self, trajectory: int, time: Array) -> Array:
        """Inputs (n_time, n_input) at the times, before an event."""
        row = self._place(trajectory, time)
        # numpy has no search by rows: pieces that have begun, the first one always
        piece = np.maximum((self.knot[row] <= time[:, None]).sum(axis=1) - 1, 0)
        u = np.maximum(time - self.knot[row, piece], 0.0)[:, None]
        a, b, c, d = np.moveaxis(self.inputs[row, piece], 1, 0)
        return np.asarray(((a * u + b) * u + c) * u + d, float)

    def one(self, trajectory: int) -> Schedule:
        """The schedule of one trajectory alone."""
        rows = self.rows(trajectory)
        cut = {
            name: np.ascontiguousarray(getattr(self, name)[rows])
            for name in ("begin", "rate", "jump", "given", "knot", "inputs")
        }
        n = rows.stop - rows.start
        return Schedule(np.array([0, n]), np.zeros(n, np.int64), **cut)

    def with_inputs(self, grid: Array, pieces: Array) -> Schedule:
        """Further inputs, the same for all trajectories.

        Parameters
        ----------
        grid : (n_cell + 1,) array
        pieces : (n_cell, 4, n_more) array
            Cubic coefficients from each time of the grid but the last one on.
        """
        if self.inputs.shape[3] == 0:
            n = self.begin.size
            knot, inputs = np.tile(grid[:-1], (n, 1)), np.tile(pieces, (n, 1, 1, 1))
            return replace(self, knot=knot, inputs=np.ascontiguousarray(inputs))
        knots, tables = [], []
        for knot, own in zip(self.knot, self.inputs, strict=True):
            real = np.isfinite(knot)
            union = np.unique(np.concatenate([knot[real], grid[:-1]]))
            both = (_refined(knot[real], own[real], union), _refined(grid[:-1], pieces, union))
            knots.append(union)
            tables.append(np.concatenate(both, axis=2))
        knot, inputs = _padded(knots, tables)
        return replace(self, knot=knot, inputs=inputs)


def _refined(knot: Array, pieces: Array, at: Array) -> Array:
    """The same piecewise cubic with pieces from other knots on, among them its own."""
    place = np.maximum(np.searchsorted(knot, at, side="right") - 1, 0)
    before = at < knot[place]
    u = np.where(before, 0.0, at - knot[place])[:, None]
    a, b, c, d = np.moveaxis(pieces[place], 1, 0)
    out = np.stack(
        [a, 3 * a * u + b, (3 * a * u + 2 * b) * u + c, ((a * u + b) * u + c) * u + d], axis=1
    )
    out[before, :3] = 0.0
    return out


def _padded(knots: Sequence[Array], tables: Sequence[Array]) -> tuple[Array, Array]:
    """Pieces of all stretches in one table, short ones filled up behind."""
    n_piece = max(k.size for k in knots)
    knot = np.full((len(knots), n_piece), np.inf)
    inputs = np.zeros((len(knots), n_piece, 4, tables[0].shape[2]))
    for row, (k, table) in enumerate(zip(knots, tables, strict=True)):
        knot[row, : k.size], inputs[row, : k.size] = k, table
    return knot, inputs


def make_schedule(
    study: Study,
    arriving: Sequence[Sequence[Dose]],
    states: Sequence[str],
    inputs: Sequence[str],
) -> Schedule:
    """Cut trajectories into stretches at every bolus and at both ends of every infusion.

    Parameters
    ----------
    study : Study
        Its last variables are the inputs.
    arriving : sequence of n_trajectory sequences of Dose
        As they reach the model (`arriving_doses`).
    states, inputs : sequences of str
        An infusion into an input raises it by its rate while it lasts.
    """
    rows: list[tuple[float, Array, Array, Array]] = []
    knots: list[Array] = []
    tables: list[Array] = []
    first = [0]
    for t, own in zip(study.trajectories, arriving, strict=True):
        doses = [_snapped(dose, t.time) for dose in own]
        begin = _begins(doses, float(t.time[0]))
        given = np.zeros(len(states))
        for n, start in enumerate(begin):
            if n:
                given = given + rows[-1][1] * (start - rows[-1][0])
            rate, raised = (_rates(doses, start, n == 0, names) for names in (states, inputs))
            jump = np.zeros(len(states))
            for dose in doses if n else ():
                if dose.duration == 0 and dose.time == start:
                    jump[states.index(dose.target)] += dose.amount
            given = given + jump
            rows.append((start, rate, jump, given))
            ends = (start if n else -np.inf, begin[n + 1] if n + 1 < len(begin) else np.inf)
            knot, value = _measured_inputs(t, len(inputs), ends)
            knots.append(knot)
            tables.append(linear_pieces(knot, value + raised))
        first.append(len(rows))
    return Schedule(
        np.array(first, np.int64),
        np.repeat(np.arange(len(arriving)), np.diff(first)),
        np.array([row[0] for row in rows]),
        np.ascontiguousarray([row[1] for row in rows]),
        np.ascontiguousarray([row[2] for row in rows]),
        np.ascontiguousarray([row[3] for row in rows]),
        *_padded(knots, tables),
    )


def _snapped(dose: Dose, time: Array) -> Dose:
    """A dose whose time, if it is within rounding of a measured one, is just that."""
    gap = SAME_TIME * max(float(time[-1] - time[0]), abs(dose.time))

    def snap(t: float) -> float:
        nearest = float(time[np.argmin(np.abs(time - t))])
        return nearest if abs(nearest - t) <= gap else t

    start = snap(dose.time)
    end = snap(dose.time + dose.duration)
    return replace(dose, time=start, duration=end - start if dose.duration > 0 else 0.0)


def _begins(doses: Sequence[Dose], origin: float) -> list[float]:
    """Starts of the stretches: the trajectory's own, then every event from there on."""
    times = {d.time for d in doses} | {d.time + d.duration for d in doses}
    return [origin, *sorted(t for t in times if t >= origin)]


def _rates(doses: Sequence[Dose], start: float, before: bool, names: Sequence[str]) -> Array:
    """Rates of infusion into the targets `names` in the stretch that begins at `start`."""
    out = np.zeros(len(names))
    for d in doses:
        runs = (
            d.time < start < d.time + d.duration
            if before
            else (d.time <= start < d.time + d.duration)
        )
        if runs and d.target in names:
            out[list(names).index(d.target)] += d.amount / d.duration
    return out


def _measured_inputs(
    trajectory: Trajectory, n_input: int, ends: tuple[float, float]
) -> tuple[Array, Array]:
    """Times and values between which inputs are linear, within the ends of a stretch."""
    if n_input == 0:
        return trajectory.time[:1], np.zeros((1, 0))
    time, value = trajectory.time, trajectory.value[:, -n_input:]
    inner = time[np.isfinite(value).any(axis=1)]
    edges = np.array([e for e in ends if np.isfinite(e)])
    knot = np.unique(np.concatenate([inner[(inner > ends[0]) & (inner < ends[1])], edges]))
    columns = []
    for column in value.T:
        seen = np.isfinite(column)
        columns.append(np.interp(knot, time[seen], column[seen]))
    return knot, np.stack(columns, axis=1)

"""Fits of whole records that go through states of their own at many times: multiple shooting.

A simulated trajectory that is long, or chaotic, is a wild function of its initial state, and a fit
of it stands still in narrow, bent valleys.  Here every piece of a record has an initial state,
which is fitted too, and that the pieces meet is a constraint that need hold only in the end (Bock
1983; Albersmeyer and Diehl 2010, SIAM J. Optim. 20, 1655, on why that is less nonlinear).  Each
step is that of sequential quadratic programming with an exact penalty (Nocedal and Wright 2006,
section 18.3 and eq. 18.27) on Gauss-Newton equations.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinlab.kernels import OK, Drive, Initial, piece_equations

from .noise import Noise
from .problem import Problem
from .smoothing import Smooth
from .steps import Frame, Point, fit_tolerance

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

#: Length of a piece in length scales of the smooth, and the fewest times it holds.
PIECE, FEWEST_TIMES = 2.0, 4
#: States of pieces that are fitted at most: the equations of a step are dense.
MOST_STATES = 300
#: Steps, and how often one is halved before its damping is raised.
STEPS, HALVINGS = 25, 6
#: It ends where pieces miss each other by less than this, in sds of each state, and a step promises
#: to lower the cost by less than that.
GAP, STANDSTILL = 1e-5, 1e-3
#: Marquardt's damping to begin with, at least and at most.
DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-4, 1e-9, 1e4
#: Price of a gap over the multiplier of its constraint, and the share of the promised fall of the
#: penalised cost that a step must keep.
DEARER, KEPT = 1.5, 1e-4


@dataclass(frozen=True)
class Pieces:
    """Records cut into pieces.

    Attributes
    ----------
    start : (n_piece + 1,) int array
        Rows of piece ``i`` are ``start[i]:start[i + 1]``.
    owner : (n_piece,) int array
        Trajectory of each.
    begin, end : (n_piece,) arrays
        Times; the last piece of a trajectory, which meets no other, ends where it begins.
    """

    start: Rows
    owner: Rows
    begin: Array
    end: Array

    @property
    def meeting(self) -> Rows:
        """Pieces that another one follows."""
        return np.nonzero(self.end > self.begin)[0]

    @property
    def first(self) -> Rows:
        """The first piece of each trajectory."""
        return np.nonzero(np.diff(self.owner, prepend=-1))[0]


def cut(problem: Problem, smooth: Smooth) -> Pieces:
    """Cut records into pieces of `PIECE` length scales, or longer ones where there are many."""
    share = MOST_STATES / (problem.n_state * problem.n_trajectory)
    starts: list[int] = []
    owner: list[int] = []
    for r, (a, b) in enumerate(pairwise(problem.start)):
        length = problem.time[b - 1] - problem.time[a]
        wanted = min(np.ceil(length / (PIECE * smooth.length.min())), share)
        n = max(1, min(int(wanted), (b - a) // FEWEST_TIMES))
        starts += (a + (np.arange(n) * (b - a)) // n).tolist()
        owner += [r] * n
    begin = problem.time[starts]
    same = np.append(np.diff(owner) == 0, False)
    end = np.where(same, np.append(begin[1:], 0.0), begin)
    return Pieces(np.array([*starts, problem.start[-1]]), np.array(owner), begin, end)


def drive_of(drive: Drive, owner: Rows) -> Drive:
    """What acts on pieces: all that acts on the trajectory of each."""
    each = np.diff(drive.first)[owner]
    rows = np.concatenate([np.arange(drive.first[r], drive.first[r + 1]) for r in owner])
    own = {name: getattr(drive, name)[owner] for name in ("origin", "step", "target")}
    stretches = ("begin", "rate", "jump", "given", "knot", "inputs")
    return drive._replace(
        first=np.concatenate(([0], np.cumsum(each))),
        trajectory=np.repeat(np.arange(owner.size), each),
        **own,
        **{name: getattr(drive, name)[rows] for name in stretches},
    )


def lifted(frame: Frame, point: Point, noise: Noise) -> Point | None:
    """A model fitted to whole records through the states of their pieces.

    Parameters
    ----------
    frame : Frame
        Of the whole records; nothing varies.
    point : Point
        Its coefficients are begun with; pieces begin at the smooth of the data.
    noise : Noise

    Returns
    -------
    Point or None
        None where the model cannot be simulated, its pieces do not come together, or records are so
        many that none is cut.
    """
    pieces = cut(frame.problem, frame.smooth)
    if not pieces.meeting.size:
        return None
    return _Lifted(frame, pieces, point.columns, noise).fit(point.coefficients)


class _Here(NamedTuple):
    """Where a fit in pieces stands: `values` are coefficients, then states.

    The Gauss-Newton equations are of half the cost; gaps are ends of pieces less the beginnings
    that follow, in sds.
    """

    values: Array
    cost: float
    hessian: Array
    gradient: Array
    gap: Array
    jacobian: Array

    def penalised(self, price: float) -> float:
        return self.cost + price * float(np.abs(self.gap).sum())


class _Lifted:
    """The fit of one model in pieces."""

    def __init__(self, frame: Frame, pieces: Pieces, columns: Rows, noise: Noise) -> None:
        problem = frame.problem
        self.columns, self.scale, self.pieces = columns, problem.scale, pieces
        self.begun = frame.smooth.at_data[pieces.start[:-1], : problem.n_state]
        self.terms, self.entries = problem.active(columns)
        self.drive = drive_of(problem.drive(), pieces.owner)
        self.tolerance = fit_tolerance(problem)
        self.precision = frame.precision[columns]
        free = np.full(self.begun.size, np.inf)
        self.lower = np.append(frame.prior.lower[columns], -free)
        self.upper = np.append(frame.prior.upper[columns], free)
        mean, precision = np.zeros(self.begun.shape), np.zeros(self.begun.shape)
        mean[pieces.first], precision[pieces.first] = frame.initial_prior
        self.prior = Initial(mean, precision)
        self.data = noise.data(problem)._replace(start=pieces.start)

    def fit(self, coefficients: Array) -> Point | None:
        """Go on until the pieces meet and the cost stands still."""
        here = self.at(np.append(coefficients, self.begun))
        price, damping = 0.0, DAMPING
        for _ in range(STEPS):
            if here is None:
                return None
            found = self.step(here, damping)
            if found is None:
                return None
            step, multiplier = found
            price = max(price, 2.0 * DEARER * float(np.abs(multiplier).max(initial=0.0)))
            fall = 2.0 * here.gradient @ step - step @ here.hessian @ step
            missed = np.abs(here.gap).max(initial=0.0)
            if missed < GAP and fall < STANDSTILL:
                return self.point(here)
            fall += price * np.abs(here.gap).sum()
            share, new = self.shortened(here, step, price, float(fall))
            if new is None:
                damping = 10.0 * max(damping, DAMPING)
                if damping > MOST_DAMPING:
                    return None
                continue
            here = new
            if share == 1.0:
                damping = max(damping / 5.0, LEAST_DAMPING)
        return None

    def shortened(
        self, here: _Here, step: Array, price: float, fall: float
    ) -> tuple[float, _Here | None]:
        """The longest share of a step that lowers the penalised cost, and where it leads."""
        share = 1.0
        for _ in range(HALVINGS):
            new = self.at(np.clip(here.values + share * step, self.lower, self.upper))
            bar = here.penalised(price) - KEPT * share * fall
            if new is not None and new.penalised(price) < bar:
                return share, new
            share *= 0.5
        return share, None

    def point(self, here: _Here) -> Point:
        """The model of whole records: where their first pieces begin."""
        k = self.columns.size
        states = here.values[k:].reshape(self.begun.shape)
        return Point(self.columns, here.values[:k], states[self.pieces.first])

    def at(self, values: Array) -> _Here | None:
        """Simulate all pieces; None where one cannot be."""
        (n, d), k = self.begun.shape, self.columns.size
        w, states = values[:k].copy(), values[k:].reshape(n, d).copy()
        pieces = self.pieces
        status, cost, h_w, g_w, h_x, g_x, cross, end, by_w, by_x = piece_equations(
            states, w, pieces.begin, pieces.end, self.terms, self.entries, self.data, self.prior,
            self.drive, self.tolerance, self.precision,
        )  # fmt: skip
        parts = (cost, h_w, h_x, cross, by_w, by_x)
        if status != OK or not all(np.isfinite(part).all() for part in parts):
            return None
        hessian = np.zeros((values.size, values.size))
        hessian[:k, :k] = h_w
        meet = pieces.meeting
        jacobian = np.zeros((meet.size, d, values.size))
        jacobian[:, :, :k] = by_w[meet]
        place = k + np.arange(n * d).reshape(n, d)
        for r in range(n):
            hessian[place[r][:, None], place[r]] = h_x[r]
            hessian[:k, place[r]], hessian[place[r], :k] = cross[r], cross[r].T
        for i, r in enumerate(meet):
            jacobian[i][:, place[r]] = by_x[r]
            jacobian[i][:, place[r + 1]] = -np.eye(d)
        jacobian /= self.scale[:, None]
        gap = (end[meet] - states[meet + 1]) / self.scale
        gradient = np.append(g_w, g_x)
        return _Here(
            values, float(cost), hessian, gradient, gap.ravel(), jacobian.reshape(gap.size, -1)
        )

    def step(self, here: _Here, damping: float) -> tuple[Array, Array] | None:
        """A damped step and the multipliers of the gaps; what is at a bound does not cross it."""
        held = self.lower == self.upper
        while True:
            solved = _constrained(here, damping, held)
            if solved is None:
                return None
            step = solved[0]
            out = (here.values <= self.lower) & (step < 0.0)
            out |= (here.values >= self.upper) & (step > 0.0)
            if not (out & ~held).any():
                return solved
            held = held | out


def _constrained(
    here: _Here, damping: float, held: NDArray[np.bool_]
) -> tuple[Array, Array] | None:
    """Minimise the quadratic model of the cost under the linearised gaps (KKT equations)."""
    matrix, slope, gradient = here.hessian.copy(), here.jacobian.copy(), here.gradient.copy()
    matrix[held], matrix[:, held], slope[:, held], gradient[held] = 0.0, 0.0, 0.0, 0.0
    n = gradient.size
    diagonal = matrix.diagonal() * (1.0 + damping)
    diagonal = np.where(diagonal > 0.0, diagonal, 1.0)
    matrix[np.diag_indices(n)] = diagonal
    unit = np.sqrt(diagonal)
    whole = np.zeros((n + here.gap.size, n + here.gap.size))
    whole[:n, :n] = matrix / unit / unit[:, None]
    whole[n:, :n] = slope / unit
    whole[:n, n:] = whole[n:, :n].T
    try:
        solved = np.asarray(np.linalg.solve(whole, np.append(gradient / unit, -here.gap)), float)
    except np.linalg.LinAlgError:
        return None
    return solved[:n] / unit, solved[n:]

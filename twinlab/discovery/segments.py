"""Long records are searched in pieces, which are joined again at the end.

Over many turns of an oscillation, or a chaotic record, the squares of a simulated trajectory have
countless local minima, and the nudged continuation must take very small steps.  In pieces, each
with an initial state of its own, the same regression is smooth (multiple shooting; Bock 1983,
Baake et al. 1992, Phys. Rev. A 45, 5524).  The models found are then polished over pieces that
grow little by little, until they run freely through every whole record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import cache, partial
from itertools import pairwise, repeat

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError
from twinlab.knowledge import Knowledge
from twinlab.study import Study, Trajectory
from twinlab.study.dosing import arriving_doses, doses_between

from .noise import Noise
from .problem import Problem, make_problem
from .result import Gram, Settings
from .search import MAX_ROUNDS, Weighed, prepare_frame
from .smoothing import Smooth
from .steps import Frame, Point, polish_point

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
WeighAgain = Callable[
    [Frame, Iterable[tuple[Point, Noise]], int], tuple[list[Weighed], Gram | None]
]

#: A record is searched in pieces if it is longer than this many length scales of its smooth.
LONG = 30.0
#: Length of a piece in such length scales, and the fewest times it must hold.
PIECE, FEWEST_TIMES = 12.0, 50
#: Models carried from pieces to longer ones.
MOST_JOINED = 8
#: Iterations of the fits of such a model, and a rise of its misfit by which it has broken off.
CARRIED, BREAK = 12, 1.1
#: Shares of the pieces to whose beginnings such a model is fitted, one after the other.
BEGINNINGS = (0.3, 0.45, 0.6, 0.75, 0.88)
#: How much longer the pieces become at once.
GROWTH = 1.4
#: A remainder of fewer times than this is left to the piece before it.
SHORTEST = 5
#: A model is given up if its misfit on whole records is this much larger than on the pieces.
LARGEST_RISE = 1.5


def piece_share(problem: Problem, smooth: Smooth) -> float:
    """Share of each record that a piece is to hold; 1 for ordinary ones."""
    length = float(smooth.length.min())
    fewest = int(np.diff(problem.start).min())
    if problem.duration <= LONG * length or problem.library.inputs:
        return 1.0
    wanted = int(np.ceil(problem.duration / (PIECE * length)))
    return 1.0 / max(1, min(wanted, fewest // FEWEST_TIMES))


def split_study(study: Study, share: float) -> Study:
    """Cut every trajectory into pieces of that share of its times, and a shorter last one."""
    pieces = [piece for t in study.trajectories for piece in _pieces(t, share)]
    return replace(study, trajectories=tuple(pieces))


def _pieces(trajectory: Trajectory, share: float) -> Iterable[Trajectory]:
    n = trajectory.time.size
    length = max(SHORTEST, int(np.ceil(share * n)))
    edges = [*range(0, n, length), n]
    if len(edges) > 2 and edges[-1] - edges[-2] < SHORTEST:
        del edges[-2]
    for a, b in pairwise(edges):
        label = f"{trajectory.subject} from {trajectory.time[a]:.4g}"
        yield replace(
            _rows(trajectory, a, b), subject=label if len(edges) > 2 else trajectory.subject
        )


def _rows(trajectory: Trajectory, a: int, b: int) -> Trajectory:
    """Rows `a` to `b` of a trajectory."""
    cut = {
        name: getattr(trajectory, name)[a:b]
        for name in ("time", "value", "count", "spread", "sd", "censored")
    }
    # The time between two pieces belongs to neither, and nothing given in it does.
    end = np.inf if b == trajectory.time.size else trajectory.time[b - 1]
    return replace(
        trajectory, doses=doses_between(trajectory.doses, trajectory.time[a], end), **cut
    )


def _beginnings(study: Study, share: float) -> Study:
    """That share of every trajectory, from its first time on."""
    return replace(
        study,
        trajectories=tuple(
            _rows(t, 0, max(min(SHORTEST, t.time.size), int(np.ceil(share * t.time.size))))
            for t in study.trajectories
        ),
    )


def join(
    problem: Problem,
    knowledge: Knowledge,
    settings: Settings,
    precision: Array,
    share: float,
    weighed: Sequence[Weighed],
    weigh_again: WeighAgain,
    executor: Executor,
) -> tuple[Frame, list[Weighed], Gram] | None:
    """Carry models from pieces to whole records; longer pieces also tell the models apart.

    Parameters
    ----------
    problem : Problem
        The whole records.
    knowledge : Knowledge
    settings : Settings
    precision : (n_column,) array
        The slab the models were found with; it is kept.
    share : float
        Share of a record that each piece held.
    weighed : sequence of Weighed
        Models on the pieces, by descending evidence.
    weigh_again : callable
        Weighs models on a frame, and their neighbours in so many rounds (`rescore`).
    executor : Executor
        Threads.

    Returns
    -------
    frame, models, gram
        Of the whole records, or None if the models could not be followed to there.
    """
    misfit = weighed[0].fit.cost
    while True:
        share *= GROWTH
        last = share >= 1.0
        longer = problem if last else cut_problem(problem, knowledge, settings, share)
        frame = prepare_frame(longer, precision, settings)
        carried = weighed[:MOST_JOINED]
        make = cache(partial(grown_frames, frame, knowledge, settings))
        points = executor.map(carry, repeat(frame), carried, repeat(make))
        weighed, gram = weigh_again(frame, points, MAX_ROUNDS if last else 1)
        if gram is None:
            return None
        if last:
            followed = weighed[0].fit.cost < LARGEST_RISE * misfit
            return (frame, list(weighed), gram) if followed else None


def grown_frames(
    frame: Frame, knowledge: Knowledge, settings: Settings
) -> list[tuple[Frame, Rows]]:
    """Frames of ever longer beginnings of all trajectories, and which rows these have.

    Beginnings that hold too few values are left out.
    """
    problem, out = frame.problem, []
    for share in BEGINNINGS:
        study = _beginnings(problem.study, share)
        try:
            part = _made(study, problem, knowledge, settings)
        except UserError:  # a variable that does not change as early
            continue
        if part.n_trajectory < problem.n_trajectory:
            continue
        length = [t.time.size for t in study.trajectories]
        rows = [a + np.arange(n) for a, n in zip(problem.start, length, strict=False)]
        out.append((prepare_frame(part, frame.precision, settings), np.concatenate(rows)))
    return out


def carry(
    frame: Frame, model: Weighed, grown: Callable[[], Sequence[tuple[Frame, Rows]]]
) -> tuple[Point, Noise]:
    """A model of shorter pieces fitted to longer ones, with its noise.

    One that breaks off, as chaos is apt to, is fitted to growing beginnings of the pieces first.

    Parameters
    ----------
    frame : Frame
        Of the longer pieces.
    model : Weighed
    grown : callable
        Gives the frames of their beginnings (`grown_frames`).
    """
    problem, noise = frame.problem, model.noise
    start = model.fit.x[problem.start[:-1], : problem.n_state]
    point: Point = Point(model.fit.columns, model.fit.coefficients, start)
    fit = polish_point(frame, point, noise, 0.0, CARRIED)
    if fit is not None and fit.cost < BREAK * model.fit.cost:
        return fit, noise
    for part, rows in (*grown(), (frame, np.arange(len(noise.shape)))):
        own = replace(noise, shape=np.ascontiguousarray(noise.shape[rows]))
        longer = polish_point(part, point, own, 0.0, CARRIED)
        if longer is None:
            break
        point = longer
        if part is frame and (fit is None or longer.cost < fit.cost):
            fit = longer
    return (point if fit is None else fit), noise


def cut_problem(
    problem: Problem, knowledge: Knowledge, settings: Settings, share: float
) -> Problem:
    """Tables of the same problem with every record cut into pieces."""
    library = problem.library
    arrivals = arriving_doses(problem.study, library.states, library.inputs, library.latent)
    return _made(split_study(arrivals.put_into(problem.study), share), problem, knowledge, settings)


def _made(study: Study, problem: Problem, knowledge: Knowledge, settings: Settings) -> Problem:
    """Tables of another study, all else as in a problem."""
    return make_problem(
        study,
        problem.library,
        knowledge,
        complexity=settings.complexity,
        positivity=settings.positivity,
    )

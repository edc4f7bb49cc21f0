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
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from twinlab.knowledge import Knowledge
from twinlab.study import Study, Trajectory
from twinlab.study.dosing import arriving_doses, doses_between

from .continuation import kappa_schedule
from .noise import Noise
from .problem import Problem, make_problem
from .result import Gram, Settings
from .search import MAX_ROUNDS, Weighed, prepare_frame
from .smoothing import Smooth
from .steps import Frame, Point, polish_point

Array = NDArray[np.float64]
WeighAgain = Callable[
    [Frame, Iterable[tuple[Point, Noise]], int], tuple[list[Weighed], Gram | None]
]

#: A record is searched in pieces if it is longer than this many length scales of its smooth.
LONG = 30.0
#: Length of a piece in such length scales, and the fewest times it must hold.
PIECE, FEWEST_TIMES = 12.0, 50
#: Models carried from pieces to longer ones.
MOST_JOINED = 8
#: Iterations of the fits of such a model.
CARRIED = 12
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
        cut = {
            name: getattr(trajectory, name)[a:b]
            for name in ("time", "value", "count", "spread", "sd", "censored")
        }
        # The time between two pieces belongs to neither, and nothing given in it does.
        cut["doses"] = doses_between(
            trajectory.doses, trajectory.time[a], np.inf if b == n else trajectory.time[b - 1]
        )
        label = f"{trajectory.subject} from {trajectory.time[a]:.4g}"
        yield replace(trajectory, subject=label if len(edges) > 2 else trajectory.subject, **cut)


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
        points = executor.map(carry, [frame] * len(carried), carried)
        weighed, gram = weigh_again(frame, points, MAX_ROUNDS if last else 1)
        if gram is None:
            return None
        if last:
            followed = weighed[0].fit.cost < LARGEST_RISE * misfit
            return (frame, list(weighed), gram) if followed else None


def carry(frame: Frame, model: Weighed) -> tuple[Point, Noise]:
    """A model of shorter pieces fitted to longer ones, with its noise.

    One that breaks off, as chaos is apt to, is drawn to the data at first.
    """
    problem, noise = frame.problem, model.noise
    start = model.fit.x[problem.start[:-1], : problem.n_state]
    point: Point = Point(model.fit.columns, model.fit.coefficients, start)
    fit = polish_point(frame, point, noise, 0.0, CARRIED)
    if fit is not None and fit.cost < LARGEST_RISE * model.fit.cost:
        return fit, noise
    for kappa in (*kappa_schedule(problem, frame.smooth), 0.0):
        drawn = polish_point(frame, point, noise, kappa, CARRIED)
        if drawn is None:
            break
        point = drawn
        if kappa == 0.0 and (fit is None or drawn.cost < fit.cost):
            fit = drawn
    return (point if fit is None else fit), noise


def cut_problem(
    problem: Problem, knowledge: Knowledge, settings: Settings, share: float
) -> Problem:
    """Tables of the same problem with every record cut into pieces."""
    library = problem.library
    arrivals = arriving_doses(problem.study, library.states, library.inputs, library.latent)
    return make_problem(
        split_study(arrivals.put_into(problem.study), share),
        problem.library,
        knowledge,
        complexity=settings.complexity,
        positivity=settings.positivity,
    )

"""Long records are searched in pieces, which are joined again at the end.

Over many turns of an oscillation, or a chaotic record, the squares of a simulated trajectory have
countless local minima, and the nudged continuation must take very small steps.  In pieces, each
with an initial state of its own, the same regression is smooth (multiple shooting; Bock 1983,
Baake et al. 1992, Phys. Rev. A 45, 5524).  The models found are then fitted to the whole records,
through states of their pieces that must meet (`lifted`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from twinlab.knowledge import Knowledge
from twinlab.study import Study, Trajectory
from twinlab.study.dosing import arriving_doses, doses_between

from .noise import Noise
from .problem import Problem, make_problem
from .result import Gram, Settings
from .search import MAX_ROUNDS, Weighed, prepare_frame
from .smoothing import Smooth
from .steps import Fit, Frame, Point

Array = NDArray[np.float64]
WeighAgain = Callable[
    [Frame, Iterable[tuple[Point, Noise]], int], tuple[list[Weighed], Gram | None]
]

#: A record is searched in pieces if it is longer than this many length scales of its smooth.
LONG = 30.0
#: Length of a piece in such length scales, and the fewest times it must hold.
PIECE, FEWEST_TIMES = 12.0, 50
#: Models carried from pieces to whole records.
MOST_JOINED = 8
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


def join(
    problem: Problem,
    settings: Settings,
    precision: Array,
    weighed: Sequence[Weighed],
    weigh_again: WeighAgain,
) -> tuple[Frame, list[Weighed], Gram] | None:
    """Carry models from pieces to whole records, which also tell the models apart.

    Parameters
    ----------
    problem : Problem
        The whole records.
    settings : Settings
    precision : (n_column,) array
        The slab the models were found with; it is kept.
    weighed : sequence of Weighed
        Models on the pieces, by descending evidence.
    weigh_again : callable
        Weighs models on a frame, and their neighbours in so many rounds (`rescore`).

    Returns
    -------
    frame, models, gram
        Of the whole records, or None if the models could not be followed to there.
    """
    frame = replace(prepare_frame(problem, precision, settings), long=True)
    carried = [(_begun(problem, model.fit), model.noise) for model in weighed[:MOST_JOINED]]
    joined, gram = weigh_again(frame, carried, MAX_ROUNDS)
    if gram is None or not joined[0].fit.cost < LARGEST_RISE * weighed[0].fit.cost:
        return None
    return frame, joined, gram


def _begun(problem: Problem, fit: Fit) -> Point:
    """A model of pieces where whole records begin."""
    return Point(fit.columns, fit.coefficients, fit.x[problem.start[:-1], : problem.n_state])


def cut_problem(
    problem: Problem, knowledge: Knowledge, settings: Settings, share: float
) -> Problem:
    """Tables of the same problem with every record cut into pieces."""
    library = problem.library
    arrivals = arriving_doses(problem.study, library.states, library.inputs, library.latent)
    return make_problem(
        split_study(arrivals.put_into(problem.study), share),
        library,
        knowledge,
        complexity=settings.complexity,
        positivity=settings.positivity,
    )

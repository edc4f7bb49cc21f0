"""A search in which every coefficient may deviate from the start, for many subjects.

Where subjects differ much, one fit for all takes the differences for noise: it ends with terms
that are wrong and a noise under which nothing seems to vary.  So the continuation is also followed
with a deviation of every coefficient in every trajectory, integrated out like its initial state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace

import numpy as np

from .continuation import Outcome
from .families import families_of
from .frame import Frame
from .mixed import OMEGA_MEDIAN
from .question import Question
from .search import MANY_TRAJECTORIES, Start, Weighed
from .steps import log_evidence
from .variation import Varied, vary_model
from .varying import Varying

#: Coefficients that deviate at most: what is local to a trajectory grows with them.
MOST_APART = 40
#: Form of the noise, where it may be chosen: levels differ between subjects as coefficients do.
NOISE_APART = "combined"


def starts_apart(
    starts: Sequence[Start], question: Question | None, fewest: int = MANY_TRAJECTORIES
) -> list[Start]:
    """The same starts with deviations of all coefficients that may vary.

    None where trajectories are fewer than `fewest`, coefficients many, or variation by subject
    is not in question.
    """
    frame = starts[0].frame
    problem, varying = frame.problem, _all_varying(frame, question) if question else None
    if varying is None or problem.n_trajectory < fewest:
        return []
    return [replace(start, frame=start.frame.with_varying(varying)) for start in starts]


def _all_varying(frame: Frame, question: Question) -> Varying | None:
    """A slot with deviations for each coefficient, one for all atoms of a family."""
    free = question.terms & ~frame.prior.held & ~frame.prior.excluded
    slot = np.where(free, np.arange(free.size), -1)
    for family in families_of(frame.problem.library):
        atoms = list(family.columns)
        slot[atoms] = np.where(free[atoms], atoms[0], -1)
    used = np.unique(slot[free])
    if not question.by_subject or not 0 < used.size <= MOST_APART:
        return None
    slot[free] = np.searchsorted(used, slot[free])
    return Varying(slot, used.size, np.full(used.size, OMEGA_MEDIAN))


def found_apart(
    frame: Frame,
    outcomes: Sequence[Outcome],
    bar: float,
    question: Question,
    check: Callable[[], None],
    executor: Executor,
) -> Varied | None:
    """The best model that starts apart have led to, with what varies in it; None if none varies.

    Parameters
    ----------
    frame : Frame
        Under which nothing varies.
    outcomes : sequence of Outcome
        Of the starts apart.
    bar : float
        Log evidence that a model must have, however much its coefficients deviate.
    question, check, executor
        As in `find_variation`.
    """
    d = frame.problem.n_state
    ends: dict[bytes, tuple[float, Outcome]] = {}
    for outcome in outcomes:
        value = log_evidence(outcome.frame, outcome.fit, outcome.noise)
        key = outcome.fit.columns.tobytes()
        if outcome.kappa == 0.0 and value > max(bar, ends[key][0] if key in ends else -np.inf):
            ends[key] = value, outcome

    def fitted(outcome: Outcome) -> Varied | None:
        fit = replace(outcome.fit, initial=np.ascontiguousarray(outcome.fit.initial[:, :d]))
        return vary_model(frame, Weighed(fit, outcome.noise, bar), question, check)

    answers = executor.map(fitted, [outcome for _, outcome in ends.values()])
    better = [a for a in answers if a is not None and a.evidence > bar]
    return max(better, key=lambda a: a.evidence) if better else None

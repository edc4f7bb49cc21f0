"""A search in which every coefficient may deviate from the start.

Where subjects differ much, one fit for all takes the differences for noise: it ends with terms
that are wrong and a noise under which nothing seems to vary.  So the continuation is also followed
with a deviation of every coefficient in every trajectory, integrated out like its initial state;
between conditions, with what may be off in some of them before that (`switching`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace

import numpy as np

from .continuation import Outcome
from .families import families_of
from .found import PLAIN_IS_HOPELESS, Found
from .frame import Frame
from .mixed import OMEGA_MEDIAN
from .noise import compared_models
from .progress import Teller
from .question import Question
from .result import Settings
from .search import MANY_TRAJECTORIES, Start, Weighed, run_starts
from .steps import log_evidence
from .switching import Begun, switched_starts
from .variation import Varied, gain, vary_model
from .varying import Varying

#: Coefficients that deviate at most: what is local to a trajectory grows with them.
MOST_APART = 40
#: Nats that deviations must promise for conditions to be tried apart, and the fewest conditions for
#: which that is done; noise over that of the smooths with which a fit for all is beside the point.
WORTH_APART, FEWEST_CONDITIONS, LOUDER = 3.0, 3, 1.5
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


def may_be_off(
    starts: Sequence[Start],
    best: Weighed,
    question: Question,
    settings: Settings,
    seed: int,
    teller: Teller,
    executor: Executor,
) -> tuple[tuple[Begun, ...] | None, bool]:
    """Models in which something is off in single conditions, where conditions seem to differ.

    Parameters
    ----------
    starts : sequence of Start
    best : Weighed
        Of the models for all conditions.
    question, settings, seed, teller, executor

    Returns
    -------
    begun : tuple of Begun or None
        None where conditions do not seem to differ.
    plainly : bool
        Whether two starts agree on a model that is far better than `best`, in which no coefficient
        is off in most conditions, and which leaves nothing to be explained by deviations.
    """
    frame, each = starts[0].frame, replace(question, by_subject=True)
    if gain(frame, best, each) < WORTH_APART and not _louder(best, starts[0]):
        return None, False
    teller.rescoring("Trying what may be off in a condition", 1.0)
    model = compared_models(frame.problem)[0] if settings.noise == "auto" else settings.noise
    tick = teller.starts(list(starts))
    begun = tuple(switched_starts(starts, question.terms, model, seed + 53, tick, executor))
    first = max(begun, key=lambda b: b.model.evidence, default=None)
    if first is None or first.model.evidence < best.evidence + PLAIN_IS_HOPELESS:
        return begun, False
    columns, places = first.model.fit.columns, [c for c, _ in first.off]
    alike = [b for b in begun if b.off == first.off]
    agreed = sum(np.array_equal(b.model.fit.columns, columns) for b in alike) > 1
    # What is there in few conditions alone is no knock-out: something else differs.
    most = max(places.count(c) for c in places)
    agreed = agreed and 2 * most <= len(frame.problem.study.conditions)
    return begun, agreed and gain(first.frame, first.model, each) < WORTH_APART


def conditions_apart(
    found: Found,
    question: Question,
    settings: Settings,
    seed: int,
    teller: Teller,
    executor: Executor,
) -> Found:
    """Follow what may be off, and deviations, from the start where conditions seem to differ.

    Where many rates differ, or one is nothing, no contrast of one rate in one condition helps, and
    one fit for all buys the differences with terms that are not there.
    """
    frame, best, starts = found.frame, found.weighed[0], found.starts
    each = replace(question, by_subject=True)
    if starts[0].common is not None or starts[0].frame.problem is not frame.problem:
        return found  # guesses at what is hidden, or pieces of records
    if found.plainly_off:
        return found
    begun = found.begun
    if begun is None:
        begun, _ = may_be_off(starts, best, question, settings, seed, teller, executor)
    if begun is None:
        return found
    found = replace(found, begun=begun)
    first = max(begun, key=lambda b: b.model.evidence, default=None)
    if first is not None and first.model.evidence > best.evidence:
        differ = gain(first.frame, first.model, each) >= WORTH_APART
    else:
        differ = gain(frame, best, each) >= WORTH_APART
    apart = starts_apart(starts, each, FEWEST_CONDITIONS) if differ else []
    if not apart:
        return found
    teller.rescoring("Trying models whose coefficients all vary", 1.0)
    tick = teller.starts(apart)
    ended = run_starts(apart, best.noise.model, seed + 31, tick, executor)
    varied = found_apart(frame, ended, best.evidence, each, teller.check, executor)
    return replace(found, apart=varied and _by_condition(frame, varied))


def _louder(best: Weighed, start: Start) -> bool:
    """Whether a model leaves far more noise than smooth curves do."""
    problem, smooth = start.frame.problem, start.frame.smooth
    left = best.noise.sd * best.noise.typical(problem)
    return float(np.log(left / smooth.sd)[problem.seen].mean()) > np.log(LOUDER)


def _by_condition(frame: Frame, varied: Varied) -> Varied:
    """The same, told by condition where every trajectory has one of its own."""
    conditions = [t.condition for t in frame.problem.study.trajectories]
    if len(set(conditions)) < len(conditions):
        return varied
    return replace(varied, variation=replace(varied.variation, by="condition"))

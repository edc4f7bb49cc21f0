"""Several starts, then every promising model weighed by its own evidence.

Starts differ in their nudging schedule and in the noise they begin with: on few points with sharp
peaks the smooth's own noise estimate can collapse, on others a generous one hides the dynamics.
The supports they visit are pooled, each is polished under its own noise and weighed by the
Laplace evidence; the neighbours of the best are weighed too, until the best stands still.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from twinlab.kernels import Initial
from twinlab.knowledge import ColumnPrior

from .continuation import Outcome, Tick, kappa_schedule, run_start
from .crossover import crossovers
from .lifted import lifted
from .noise import Noise, make_noise
from .problem import Problem
from .reliability import reliability_of
from .result import Gram, Settings
from .smoothing import smooth_data
from .steps import (
    SCALE_FREEDOM,
    Fit,
    Frame,
    Point,
    conditional,
    initial_prior,
    linearise,
    log_evidence,
    n_parameters,
    polish_point,
    select,
)
from .weak import WeakStart, weak_start

Array = NDArray[np.float64]

#: (smallest noise as a fraction of each state's sd, smooth on the log scale) of each start.
START_NOISE = ((0.0, False), (0.1, False), (0.25, True))
#: Trajectories from which on two starts do: what one of them hides others show.
MANY_TRAJECTORIES, STARTS_OF_MANY = 12, 2
#: Supports of each start's own posterior that are weighed.
FROM_EACH_START = 6
#: Models around which neighbours are weighed at most, and in vain before it ends.
MAX_ROUNDS, PATIENCE = 16, 4
#: A model is explored if its log evidence is within this of the best.
WORTH_EXPLORING = 8.0
#: Polishing iterations of a model to be weighed, between estimates of its noise: of a new one,
#: and of one that was at its optimum under other noise.
POLISHED, POLISHED_BEFORE = (12, 6, 4), (5, 3, 2)
#: Where states were never measured most supports break the chain that holds them: they are looked
#: at after a few iterations.
POLISHED_HIDDEN = (4, 10, 6, 4)
#: A model is given up where its noise costs this many nats more than that of the best, and so many
#: more for each term that it has less.
HOPELESS, HOPELESS_TERM = 150.0, 10.0
#: Models that are weighed first, to know what is hopeless; where coefficients vary or states were
#: never measured all that were met are: a few iterations tell little of one from another frame.
FIRST_WEIGHED = 3
#: A fit is not polished again where its noise's new size would change its evidence by less nats.
SETTLED = 0.05
#: Leading models of each size.
LEADERS_EACH = 2
#: Models this many nats below the best are dropped.
NEGLIGIBLE = 12.0


@dataclass(frozen=True)
class Weighed:
    """A polished model with its own noise and log evidence."""

    fit: Fit
    noise: Noise
    evidence: float


@dataclass(frozen=True)
class Start:
    """A smooth and the frame and coefficients made from it.

    Where starts differ in what they believe, as those of latent states, `common` is the frame in
    which their models are weighed; `sparse` are small models that may do without a search.
    """

    frame: Frame
    coefficients: Array
    kappas: tuple[float, ...]
    common: Frame | None = None
    sparse: tuple[Point, ...] = ()


def prepare_starts(problem: Problem, settings: Settings) -> list[Start]:
    """Smooths, weak-form starts and schedules; slab and initial prior are shared by all."""
    most = settings.starts
    if problem.n_trajectory >= MANY_TRAJECTORIES:
        most = min(most, STARTS_OF_MANY)
    smooths = [
        smooth_data(problem, noise_floor=floor, logarithmic=log)
        for floor, log in START_NOISE[:most]
    ]
    weak = [weak_start(problem, smooth) for smooth in smooths]
    precision = slab_precision(weak, settings.slab_width, problem.prior)
    priors = [initial_prior(problem, smooth) for smooth in smooths]
    shared = Initial(np.mean([p.mean for p in priors], axis=0), priors[0].precision)
    starts = []
    for i, (smooth, own) in enumerate(zip(smooths, weak, strict=True)):
        frame = Frame(problem, smooth, precision, problem.prior, shared, settings.mcmc_steps)
        rates = kappa_schedule(problem, smooth)
        schedule = (rates, [2.0 * rate for rate in rates], rates[::2])[i]
        starts.append(Start(frame, own.coefficients, tuple(schedule)))
    return starts


def prepare_frame(problem: Problem, precision: Array, settings: Settings) -> Frame:
    """Make the frame of a problem whose slab is known already."""
    smooth = smooth_data(problem, noise_floor=START_NOISE[1][0])
    start = initial_prior(problem, smooth)
    return Frame(problem, smooth, precision, problem.prior, start, settings.mcmc_steps)


def slab_precision(weak: Iterable[WeakStart], width: float, prior: ColumnPrior) -> Array:
    """Prior precision of each coefficient: sd is `width` times its weak-form magnitude.

    A coefficient known to be large (a fast rate that slow data do not show) is no surprise: the
    sd is at least the size of its bounds.
    """
    log_magnitude = np.mean([np.log(w.magnitude) for w in weak], axis=0)
    bounds = np.abs([prior.lower, prior.upper])
    known = np.where(np.isfinite(bounds), bounds, 0.0).max(axis=0)
    return np.maximum(width * np.exp(log_magnitude), known) ** -2.0


def run_starts(
    starts: list[Start],
    noise_model: str,
    seed: int,
    tick: Callable[[int], Tick],
    executor: Executor,
) -> list[Outcome]:
    """Follow every start; those that could not be fitted at all are left out.

    Where edges are told every start is followed without them too: a search that is led astray by
    them, right or wrong, then still meets what it would have met by itself.
    """
    blind = [_unled(start) for start in starts if start.frame.prior.table is not None]
    tracks = [*enumerate(starts), *enumerate(blind)]

    def follow(track: tuple[int, Start]) -> Outcome | None:
        i, start = track
        problem, smooth = start.frame.problem, start.frame.smooth
        noise = make_noise(problem, noise_model, smooth.sd, smooth.at_data)
        return run_start(start.frame, noise, start.coefficients, start.kappas, seed + i, tick(i))

    ended = list(executor.map(follow, tracks))
    return [outcome for outcome in ended if outcome is not None]


def _unled(start: Start) -> Start:
    prior = start.frame.prior
    return replace(start, frame=replace(start.frame, prior=prior.trusting(0.0)))


class Pool:
    """Models weighed so far, by support.

    Parameters
    ----------
    frame : Frame
        Common to all models, so that their evidences can be compared.
    check : callable
        Called before every model; may raise ``Cancelled``.
    """

    def __init__(self, frame: Frame, executor: Executor, check: Callable[[], None]) -> None:
        self.frame, self.executor, self.check = frame, executor, check
        self.models: dict[bytes, Weighed | None] = {}

    def weigh_all(self, points: Iterable[tuple[Point, Noise]]) -> None:
        """Weigh every model not met before."""
        new = {}
        for point, noise in points:
            key = point.columns.tobytes()
            if key not in self.models and key not in new:
                new[key] = (point, noise)
        best = self.ranked[0] if self.ranked else None
        weighed = self.executor.map(lambda pair: self._weigh(pair[0], pair[1], best), new.values())
        self.models.update(zip(new, weighed, strict=True))

    def _weigh(self, point: Point, noise: Noise, best: Weighed | None) -> Weighed | None:
        self.check()
        if best is None:
            return weigh(self.frame, point, noise)
        problem, hopeless = self.frame.problem, -np.inf
        if noise.model == best.noise.model:
            fewer = max(len(best.fit.columns) - len(point.columns), 0)
            hopeless = best.noise.log_normaliser(problem) - HOPELESS - HOPELESS_TERM * fewer
        iterations = POLISHED_HIDDEN if problem.unseen_states.size else POLISHED
        return weigh(self.frame, point, noise, iterations, hopeless)

    @property
    def ranked(self) -> list[Weighed]:
        """Models that could be fitted, by descending evidence."""
        fitted = [m for m in self.models.values() if m is not None and np.isfinite(m.evidence)]
        return sorted(fitted, key=lambda m: -m.evidence)


def weigh(
    frame: Frame,
    point: Point,
    noise: Noise,
    iterations: tuple[int, ...] = POLISHED,
    hopeless: float = -np.inf,
) -> Weighed | None:
    """Polish a model, give it its own noise, and take its evidence.

    One whose noise grows so large that the normaliser of its likelihood is below `hopeless` is
    polished no further.
    """
    if frame.long and not frame.varying.n_slot:
        point = lifted(frame, point, noise) or point
    near = iterations == POLISHED_BEFORE
    fit = polish_point(frame, point, noise, 0.0, iterations[0], near, roughly=frame.long)
    return None if fit is None else settle(frame, fit, noise, iterations[1:], hopeless)


def settle(
    frame: Frame,
    fit: Fit,
    noise: Noise,
    iterations: tuple[int, ...],
    hopeless: float = -np.inf,
) -> Weighed | None:
    """Give a fit its own noise, polish it again under that, and take its evidence; see `weigh`.

    A hopeless one keeps the noise that it was fitted with: its evidence is of one piece.
    """
    for more in iterations:
        n = n_parameters(frame, fit)
        estimated = noise.estimate(frame.problem, fit.x, n)
        if _evidence_at_stake(frame.problem, noise, estimated, n) < SETTLED:
            break
        if estimated.log_normaliser(frame.problem) < hopeless:
            break
        noise = estimated
        polished = polish_point(frame, fit, noise, 0.0, more, True, roughly=frame.long)
        if polished is None:
            return None
        fit = polished
    return Weighed(fit, noise, log_evidence(frame, fit, noise))


def _evidence_at_stake(problem: Problem, noise: Noise, other: Noise, n_parameters: float) -> float:
    """Nats by which the evidence of a fit may change under another size of the same noise.

    Second order around the size of highest likelihood, from which the estimate, which counts the
    parameters, is a little away.
    """
    change = np.abs(np.log(other.sd / noise.sd))
    n = (problem.count > 0).sum(axis=0)
    return float((n * change**2).sum() + n_parameters * change.mean())


def rescore(
    frame: Frame,
    points: Iterable[tuple[Point, Noise]],
    settings: Settings,
    seed: int,
    executor: Executor,
    check: Callable[[], None],
    tell: Callable[[str, float], None],
    rounds: int = MAX_ROUNDS,
    known: Iterable[Weighed] = (),
    pointless: Callable[[list[Weighed]], bool] | None = None,
) -> tuple[list[Weighed], Gram | None]:
    """Weigh models and the neighbours of the best, until the best stands still.

    Those that are `known` have been weighed.  No neighbour is weighed if `pointless` says so of
    the models by descending evidence.

    Returns
    -------
    models : list of Weighed
        All that were weighed, by descending evidence; empty if no model can be simulated freely.
    gram : Gram or None
        Linearisation at the best model under its noise.
    """
    pool = Pool(frame, executor, check)
    pool.models.update({m.fit.columns.tobytes(): m for m in known})
    tell("Weighing the models that were met", 0.0)
    remaining = iter(points)
    if not frame.problem.unseen_states.size and not frame.varying.n_slot:
        pool.weigh_all(islice(remaining, FIRST_WEIGHED))
    pool.weigh_all(remaining)
    if pointless is not None and pool.ranked and pointless(pool.ranked):
        rounds = 0
    explored: dict[bytes, Gram | None] = {}
    highest, in_vain = -np.inf, 0
    for round_ in range(rounds):
        # Around the best model that was not explored yet, as long as it is not hopeless.
        best = pool.ranked[0] if pool.ranked else None
        rest = [m for m in pool.ranked if m.fit.columns.tobytes() not in explored]
        if best is None or not rest or rest[0].evidence < best.evidence - WORTH_EXPLORING:
            break
        in_vain = 0 if best.evidence > highest + 0.1 else in_vain + 1
        if in_vain >= PATIENCE:
            break
        highest, centre = best.evidence, rest[0]
        tell(f"Weighing neighbours, round {round_ + 1}", (round_ + 1) / (rounds + 1))
        check()
        gram = linearise(frame, centre.fit, centre.noise, 0.0)
        explored[centre.fit.columns.tobytes()] = gram
        if gram is None:
            continue
        supports = select(
            gram,
            frame.precision,
            _trusted(frame, pool.ranked),
            centre.fit.columns,
            freedom=SCALE_FREEDOM,
            n_steps=frame.mcmc_steps,
            seed=seed + 77 + round_,
        )
        pool.weigh_all(
            (
                Point(
                    c,
                    conditional(gram, frame.precision, c)[0],
                    centre.fit.initial,
                    effects=centre.fit.effects,
                ),
                centre.noise,
            )
            for c in (
                *supports.columns[: settings.neighbours],
                *crossovers(
                    frame,
                    gram,
                    centre.fit.columns,
                    [*(m.fit.columns for m in pool.ranked), *supports.columns],
                    settings.neighbours,
                ),
            )
        )
    ranked = pool.ranked
    if not ranked:
        return [], None
    best = ranked[0]
    gram = explored.get(best.fit.columns.tobytes())
    if gram is None:
        gram = linearise(frame, best.fit, best.noise, 0.0)
    return ranked, gram


def credible(ranked: list[Weighed]) -> list[Weighed]:
    """Leave out the models that are hopeless beside the best, which is the first."""
    return [m for m in ranked if m.evidence > ranked[0].evidence - NEGLIGIBLE]


def leaders(ranked: list[Weighed]) -> tuple[Weighed, ...]:
    """The best models of each size below that of the best of all: of another kind, perhaps."""
    out: list[Weighed] = []
    for size in range(1, len(ranked[0].fit.columns) + 1):
        out += [m for m in ranked[1:] if len(m.fit.columns) == size][:LEADERS_EACH]
    return tuple(out)


def _trusted(frame: Frame, weighed: Sequence[Weighed]) -> ColumnPrior:
    """The prior whose search trusts the edges as far as the models weighed so far do."""
    models = [(m.fit.columns, m.fit.coefficients, m.evidence) for m in weighed]
    reliability = reliability_of(frame.problem, frame.prior, models)
    return frame.prior if reliability is None else frame.prior.trusting(reliability.mean)


def models_met(frame: Frame, outcomes: list[Outcome]) -> Iterable[tuple[Point, Noise]]:
    """Ends of the starts, then the best supports of their posteriors."""
    for outcome in outcomes:
        yield outcome.fit, outcome.noise
    # The required terms alone can nearly always be simulated: a fit never ends with nothing.
    noise = outcomes[0].noise if outcomes else None
    required = np.nonzero(frame.prior.required)[0]
    if noise is None:
        smooth = frame.smooth
        noise = make_noise(frame.problem, "constant", smooth.sd, smooth.at_data)
    yield Point(required, np.zeros(required.size), frame.initial_prior.mean.copy()), noise
    for outcome in outcomes:
        for columns in outcome.supports.columns[:FROM_EACH_START]:
            mean, _ = conditional(outcome.gram, frame.precision, columns)
            yield Point(columns, mean, outcome.fit.initial), outcome.noise
    for outcome in outcomes:
        for point in outcome.met:
            yield point, outcome.noise

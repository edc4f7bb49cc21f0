"""Problem, frames and starts where states were never measured; their scale and how it is fixed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twinlab.expressions import POWER
from twinlab.kernels import Initial

from .continuation import Climb, Outcome, Tick, kappa_schedule
from .latent import Guess, check_informed, guesses, held_structure, with_course
from .noise import make_noise
from .problem import Problem
from .result import Gram, Settings
from .search import START_NOISE, Start, Weighed, slab_precision, weigh
from .smoothing import Smooth, smooth_data
from .steps import Frame, initial_prior
from .weak import weak_start

Array = NDArray[np.float64]

#: Standard deviation of the value that fixes a scale, as a share of it.
GAUGE_SD = 1e-3
#: Guesses are compared when so many nudging rates remain; at most so many of them, whose
#: penalised cost is so little above the best's, are followed to the end.
REMAINING, MOST_LEADING, PROMISING = 1, 6, 300.0
#: Starts whose models are weighed: those within so many nats of the best.
LEADING = 30.0


def free_scales(problem: Problem) -> NDArray[np.int64]:
    """Latent states whose scale nothing fixes: no dose, no known amount, no observable."""
    schedule, library = problem.schedule, problem.library
    observed = problem.numerator[:, :-1].any(axis=0) | problem.denominator[:, :-1].any(axis=0)
    dosed = np.any(np.concatenate([schedule.given, schedule.rate]), axis=0)
    known = np.array([problem.study.initial.get(name, 0.0) != 0.0 for name in library.states])
    unseen = problem.unseen_states
    return unseen[~(observed | dosed | known)[unseen]]


def latent_starts(problem: Problem, settings: Settings) -> tuple[Problem, list[Start]]:
    """The problem with scales of its latent states, and a start from each guess at them.

    Raises
    ------
    UserError
        Nothing informs one of the latent states.
    """
    check_informed(problem)
    problem = dosed_from_zero(problem)
    # The second smooth holds its noise up: a guess is integrated along it.
    floor, log = START_NOISE[min(1, settings.starts - 1)]
    hidden = np.ones((problem.n_trajectory, problem.n_cell + 1, problem.n_state))
    smooth = smooth_data(problem, noise_floor=floor, logarithmic=log)
    undetermined = _undetermined(problem, smooth)
    hidden[:] = smooth.mean
    sets: list[list[Guess]] = [[]]
    for e in undetermined:
        sets = [
            [*before, guess]
            for before in sets[:2]
            for guess in guesses(problem, _with(problem, smooth, before), e)
        ]
    sets = [own for own in sets if own] or [[]]
    problem, sets = _scaled(problem, sets, smooth)
    frames, weak = [], []
    for own in sets:
        course = hidden.copy()
        for guess in own:
            course[:, :, guess.state] = guess.course
        made = smooth_data(problem, noise_floor=floor, logarithmic=log, hidden=course)
        prior = held_structure(problem, own)
        started = weak_start(replace(problem, prior=prior), made)
        for guess in own:
            for c, value in guess.coefficients.items():
                started.coefficients[c] = value
        weak.append(started)
        frames.append((made, prior))
    precision = slab_precision(weak, settings.slab_width, problem.prior)
    priors = [initial_prior(problem, made) for made, _ in frames]
    shared = Initial(np.mean([p.mean for p in priors], axis=0), priors[0].precision)
    starts = []
    for (made, prior), own_weak, own_initial in zip(frames, weak, priors, strict=True):
        frame = Frame(problem, made, precision, prior, own_initial, settings.mcmc_steps)
        rates = kappa_schedule(problem, made)
        starts.append(Start(frame, own_weak.coefficients, tuple(rates[::2])))
    common = replace(starts[0].frame, prior=problem.prior, initial_prior=shared)
    return problem, [replace(start, common=common) for start in starts]


def dosed_from_zero(problem: Problem) -> Problem:
    """Latent states that are dosed are empty at first, unless something else was said."""
    schedule, study = problem.schedule, problem.study
    dosed = np.any(np.concatenate([schedule.given, schedule.rate]), axis=0)
    names = [problem.library.states[e] for e in problem.unseen_states if dosed[e]]
    return replace(
        problem, study=replace(study, initial=dict.fromkeys(names, 0.0) | {**study.initial})
    )


def _undetermined(problem: Problem, smooth: Smooth) -> list[int]:
    """States that neither a column nor the observables together determine."""
    unseen = problem.unseen_states
    y = np.concatenate([smooth.mean, np.zeros((*smooth.mean.shape[:2], 0))], axis=2)
    if not problem.observation.names:
        return [int(e) for e in unseen]
    found, _ = problem.observation.solve(problem.observe(y), unseen)
    return [int(e) for e in unseen[~found]]


def _with(problem: Problem, smooth: Smooth, chosen: Sequence[Guess]) -> Smooth:
    """The smooth with guesses put in."""
    mean = smooth.mean.copy()
    for guess in chosen:
        mean[:, :, guess.state] = guess.course
    return replace(smooth, mean=mean)


def _scaled(
    problem: Problem, sets: list[list[Guess]], smooth: Smooth
) -> tuple[Problem, list[list[Guess]]]:
    """Scales of the latent states, and one value of each whose scale nothing else fixes."""
    scale, free = problem.scale.copy(), free_scales(problem)
    tables = {k: getattr(problem, k).copy() for k in ("value", "sd", "count", "gauge")}
    for e in problem.unseen_states:
        course = next((g.course for g in sets[0] if g.state == e), smooth.mean[:, :, e])
        at_data = [
            np.interp(problem.times(r), problem.grid(r), course[r])
            for r in range(problem.n_trajectory)
        ]
        flat = np.concatenate(at_data)
        spread = max(float(flat.std()), 1e-3 * float(np.abs(flat).max()), 1e-12)
        if e not in free:
            scale[e] = spread
            continue
        # Where it is largest the value says most of the scale.
        row = int(np.argmax(np.abs(flat)))
        scale[e] = spread / abs(flat[row])
        tables["value"][row, e], tables["sd"][row, e] = 1.0, GAUGE_SD
        tables["count"][row, e], tables["gauge"][row, e] = 1, True
        for own in sets:
            for i, guess in enumerate(own):
                if guess.state == e:
                    r = int(np.searchsorted(problem.start, row, side="right")) - 1
                    now = np.interp(problem.time[row], problem.grid(r), guess.course[r])
                    size = now if abs(now) > 1e-3 * np.abs(guess.course).max() else None
                    size = size or float(np.abs(guess.course).max())
                    own[i] = with_course(problem, guess, 1.0 / size)
    return replace(problem, scale=scale, **tables), sets


def run_guesses(
    starts: list[Start],
    noise_model: str,
    seed: int,
    tick: Callable[[int], Tick],
    executor: Executor,
) -> tuple[list[Outcome], list[Weighed]]:
    """Follow every guess for some stages, the best of them to the end.

    Returns
    -------
    outcomes : list of Outcome
        Of the guesses that led to the best models.
    weighed : list of Weighed
        Those models.
    """

    def begin(i: int) -> Climb:
        start = starts[i]
        problem, smooth = start.frame.problem, start.frame.smooth
        noise = make_noise(problem, noise_model, smooth.sd, smooth.at_data)
        climb = Climb(start.frame, noise, seed + i, tick(i), start.coefficients)
        climb.follow(start.kappas[:-REMAINING])
        return climb

    def end(i: int) -> Outcome:
        if climbs[i].follow(starts[i].kappas[-REMAINING:]):
            climbs[i].run_free()
        return climbs[i].outcome()

    climbs = list(executor.map(begin, range(len(starts))))
    cost = {i: climb.rating() for i, climb in enumerate(climbs) if climb.fit is not None}
    order = sorted(cost, key=lambda i: cost[i])[:MOST_LEADING]
    promising = [i for i in order if cost[i] < cost[order[0]] + PROMISING]
    outcomes = list(executor.map(end, promising))
    common = starts[0].common or starts[0].frame
    weighed = executor.map(lambda o: weigh(common, o.fit, o.noise), outcomes)
    good = [
        (m, o)
        for m, o in zip(weighed, outcomes, strict=True)
        if m is not None and np.isfinite(m.evidence)
    ]
    highest = max((m.evidence for m, _ in good), default=-np.inf)
    good = [(m, o) for m, o in good if m.evidence > highest - LEADING]
    return [o for _, o in good] or outcomes, [m for m, _ in good]


# ------------------------------------------------------------------------------- final gauge


@dataclass(frozen=True)
class Gauge:
    """How the scale of a latent state was fixed.

    Attributes
    ----------
    state, text : str
    """

    state: str
    text: str


def production(problem: Problem, state: int, columns: NDArray[np.int64]) -> int | None:
    """Place of the first active column that makes a state without being multiplied by it."""
    name = problem.library.states[state]
    for i, c in enumerate(columns):
        column = problem.library.columns[int(c)]
        own = not column.is_reaction and column.stoichiometry[0][0] == state
        if own and name not in problem.library.terms[column.term].variables:
            return i
    return None


def in_display_units(
    frame: Frame, weighed: list[Weighed], gram: Gram
) -> tuple[Frame, list[Weighed], Gram, tuple[Gauge, ...]]:
    """Measure latent states in units in which their production has the coefficient 1.

    An exact change of units of everything that holds them; where a term of the library is no
    power of the state its scale is left where the search had it.
    """
    texts = []
    for e in free_scales(frame.problem):
        problem, best = frame.problem, weighed[0].fit
        name = problem.library.states[e]
        powers = unit_powers(problem, int(e))
        place = production(problem, int(e), best.columns)
        if powers is None:
            row = int(np.nonzero(problem.gauge[:, e])[0][0])
            r = int(np.searchsorted(problem.start, row, side="right")) - 1
            fixed = (
                f"its value is 1 at time {problem.time[row]:.4g} of subject "
                f"{problem.study.labels[r]}"
            )
        elif place is not None and best.coefficients[place] != 0.0:
            term = problem.library.term_of(int(best.columns[place])).text
            factor = 1.0 / abs(best.coefficients[place])
            sign = "1" if best.coefficients[place] > 0 else "-1"
            fixed = f"the coefficient of {term} in its equation is {sign}"
            frame, weighed, gram = _rescaled(frame, weighed, gram, int(e), powers, factor)
        else:
            factor = 1.0 / max(float(np.abs(best.x[:, e]).max()), 1e-300)
            fixed = "its largest fitted value is 1"
            frame, weighed, gram = _rescaled(frame, weighed, gram, int(e), powers, factor)
        text = f"The scale of {name} cannot be known from these data: it is fixed so that {fixed}."
        texts.append(Gauge(name, text))
    return frame, weighed, gram, tuple(texts)


def unit_powers(problem: Problem, state: int) -> Array | None:
    """By which power of a state's unit each coefficient changes; None where it has none."""
    name, library = problem.library.states[state], problem.library
    out = np.zeros(problem.n_column)
    for c, column in enumerate(library.columns):
        shares = {e for e, _ in column.stoichiometry}
        if state in shares and len(shares) > 1:
            return None
        out[c] = float(state in shares)
        for factor in library.terms[column.term].factors:
            if factor.variable == name:
                if factor.kind != POWER:
                    return None
                out[c] -= factor.exponent
    return out


def _rescaled(
    frame: Frame, weighed: list[Weighed], gram: Gram, e: int, powers: Array, factor: float
) -> tuple[Frame, list[Weighed], Gram]:
    """Everything with state `e` in units in which its numbers are `factor` times as large."""
    unit = factor**powers
    n_state, n_local = frame.problem.n_state, frame.initial_prior.mean.shape[1]
    state, local, wide = np.ones(n_state), np.ones(n_local), np.ones(frame.problem.n_observable)
    state[e] = local[e] = wide[e] = factor
    problem, prior, smooth = frame.problem, frame.prior, frame.smooth
    lower, upper = prior.lower * unit, prior.upper * unit
    problem = replace(
        problem,
        value=problem.value * wide,
        sd=problem.sd * wide,
        scale=problem.scale * state,
        prior=problem.prior._replace(lower=lower, upper=upper),
    )
    smooth = replace(
        smooth,
        target=smooth.target * state,
        mean=smooth.mean * state,
        continuous=smooth.continuous * state,
        at_data=smooth.at_data * wide,
        sd=smooth.sd * wide,
    )
    initial = Initial(frame.initial_prior.mean * local, frame.initial_prior.precision / local**2)
    frame = replace(
        frame,
        problem=problem,
        smooth=smooth,
        precision=frame.precision / unit**2,
        prior=prior._replace(lower=lower, upper=upper),
        initial_prior=initial,
    )
    models = []
    for m in weighed:
        own, fit = unit[m.fit.columns], m.fit
        rows = np.concatenate([own, np.ones(len(fit.h_w) - own.size)])
        fit = replace(
            fit,
            coefficients=fit.coefficients * own,
            initial=fit.initial * local,
            h_w=fit.h_w / np.outer(rows, rows),
            h_x=fit.h_x / np.outer(local, local),
            cross=fit.cross / rows[:, None] / local,
            x=fit.x * wide,
        )
        noise = replace(m.noise, sd=m.noise.sd * np.where(problem.seen, 1.0, wide))
        models.append(replace(m, fit=fit, noise=noise))
    gram = replace(
        gram,
        matrix=gram.matrix / np.outer(unit, unit),
        vector=gram.vector / unit,
        initial_offset=gram.initial_offset * local,
        initial_slope=gram.initial_slope * local[:, None] / unit,
        initial_hessian=gram.initial_hessian / np.outer(local, local),
    )
    return frame, models, gram

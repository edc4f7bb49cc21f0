"""Problem, frames and starts where states were never measured; their scale and how it is fixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twinlab.expressions import Term
from twinlab.kernels import Initial

from .continuation import kappa_schedule
from .gauge import POLISHING_PRECISION, free_scales, unit_powers
from .latent import (
    Guess,
    check_informed,
    guesses,
    held_structure,
    sparse_points,
    with_course,
)
from .problem import Problem
from .result import Gram, Settings
from .search import Start, Weighed, slab_precision
from .smoothing import Smooth, smooth_data
from .steps import Fit, Frame, initial_prior, inverse_scaled
from .weak import weak_start

Array = NDArray[np.float64]

#: Standard deviation of the value that fixes a scale, as a share of it.
GAUGE_SD = 1e-3
#: Noise that guesses are judged by at least, as a share of each state's standard deviation.
LEAST_NOISE = 0.03
#: Quantile of the intervals between measurements that a fast rate is counted by.
SHORT = 0.1


def latent_starts(problem: Problem, settings: Settings) -> tuple[Problem, list[Start]]:
    """The problem with scales of its latent states, and a start from each guess at them.

    Raises
    ------
    UserError
        Nothing informs one of the latent states.
    """
    check_informed(problem)
    problem = dosed_from_zero(problem)
    hidden = np.ones((problem.n_trajectory, problem.n_cell + 1, problem.n_state))
    smooth = smooth_data(problem, noise_floor=LEAST_NOISE)
    undetermined = _undetermined(problem, smooth)
    hidden[:] = smooth.mean
    sets: list[list[Guess]] = [[]]
    for e in undetermined:
        sets = [
            [*before, guess]
            for before in sets[:2]
            for guess in guesses(problem, _with(problem, smooth, before), e, smooth.sd)
        ]
    sets = [own for own in sets if own] or [[]]
    problem, sets = _scaled(problem, sets, smooth)
    frames, weak = [], []
    for own in sets:
        course = hidden.copy()
        for guess in own:
            course[:, :, guess.state] = guess.course
        made = smooth_data(problem, noise_floor=LEAST_NOISE, hidden=course)
        prior = held_structure(problem, own)
        started = weak_start(replace(problem, prior=prior), made)
        for guess in own:
            for c, value in guess.coefficients.items():
                started.coefficients[c] = value
        weak.append(started)
        frames.append((made, prior))
    weak_in_own = [
        replace(own_weak, magnitude=own_weak.magnitude * _change_of_unit(problem, made))
        for own_weak, (made, _) in zip(weak, frames, strict=True)
    ]
    precision = slab_precision(weak_in_own, settings.slab_width, problem.prior)
    precision = _wide_enough(problem, precision, [made for made, _ in frames])
    priors = [initial_prior(problem, made) for made, _ in frames]
    shared = _shared_start(problem, priors)
    starts = []
    for (made, prior), own_weak, own_initial, own in zip(frames, weak, priors, sets, strict=True):
        frame = Frame(problem, made, precision, prior, own_initial, settings.mcmc_steps)
        rates = kappa_schedule(problem, made)
        sparse = sparse_points(problem, made, own)
        starts.append(Start(frame, own_weak.coefficients, tuple(rates[::2]), sparse=sparse))
    common = replace(starts[0].frame, prior=problem.prior, initial_prior=shared)
    return problem, [replace(start, common=common) for start in starts]


def _wide_enough(problem: Problem, precision: Array, smooths: Sequence[Smooth]) -> Array:
    """Slabs of what acts through hidden states: guesses at their courses are no evidence.

    A coefficient is no surprise that lets its term change a state by its largest value within the
    shorter intervals of the measurements.
    """
    library, out = problem.library, precision.copy()
    times = [problem.times(r) for r in range(problem.n_trajectory)]
    shortest = float(np.quantile(np.concatenate([np.diff(t) for t in times]), SHORT))
    unseen = set(problem.unseen_states.tolist())
    hidden = {library.states[e] for e in unseen}
    size = np.max([np.abs(made.at_data).max(axis=0) for made in smooths], axis=0)
    for c, column in enumerate(library.columns):
        term, (state, share) = library.term_of(c), column.stoichiometry[0]
        if len(column.stoichiometry) > 1 or not (state in unseen or hidden & set(term.variables)):
            continue
        largest = [_largest(problem, term, made) for made in smooths]
        fast = size[state] / (abs(share) * shortest * max(min(largest), 1e-300))
        if 0.0 < fast < np.inf:
            out[c] = min(out[c], fast**-2.0)
    return out


def _largest(problem: Problem, term: Term, smooth: Smooth) -> float:
    """Largest size of a term along a course; infinite where it reads more than states."""
    if not set(term.variables) <= set(problem.library.states):
        return np.inf
    values = dict(zip(problem.library.states, smooth.at_data.T, strict=False))
    size = np.abs(term.evaluate({name: values[name] for name in term.variables}))
    return float(np.max(size[np.isfinite(size)], initial=0.0))


def _change_of_unit(problem: Problem, smooth: Smooth) -> Array:
    """Factors (n_column,) of coefficients where free states get the largest value `scale`."""
    out = np.ones(problem.n_column)
    for e in free_scales(problem):
        powers = unit_powers(problem, int(e))
        size = np.abs(smooth.at_data[:, e]).max()
        if powers is not None and size > 0.0:
            out *= (problem.scale[e] / size) ** powers
    return out


def _shared_start(problem: Problem, priors: Sequence[Initial]) -> Initial:
    """Initial prior that all guesses share: next to nothing is known of a state of free scale."""
    mean = np.mean([p.mean for p in priors], axis=0)
    precision = priors[0].precision.copy()
    for e in free_scales(problem):
        if problem.library.states[e] not in problem.study.initial:
            mean[:, e] = 0.0
            precision[:, e] = POLISHING_PRECISION / problem.scale[e] ** 2
    return Initial(mean, precision)


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
        courses = [g.course for own in sets for g in own if g.state == e]
        at_data = np.array([_at_data(problem, c) for c in courses or [smooth.mean[:, :, e]]])
        if e not in free:
            flat = at_data[0]
            scale[e] = max(float(flat.std()), 1e-3 * float(np.abs(flat).max()), 1e-12)
            continue
        # Where all guesses are large the value says most of the scale.
        size = np.maximum(np.abs(at_data).max(axis=1), 1e-300)
        row = int(np.argmax(np.log(np.abs(at_data) / size[:, None] + 1e-3).sum(axis=0)))
        value = np.abs(at_data[:, row])
        value = np.where(value > 1e-3 * size, value, size)
        scale[e] = float(np.exp(np.log(size / value).mean()))
        tables["value"][row, e], tables["sd"][row, e] = 1.0, GAUGE_SD
        tables["count"][row, e], tables["gauge"][row, e] = 1, True
        units = iter(1.0 / np.copysign(value, at_data[:, row]))
        for own in sets:
            for i, guess in enumerate(own):
                if guess.state == e:
                    own[i] = with_course(problem, guess, float(next(units)))
    return replace(problem, scale=scale, **tables), sets


def _at_data(problem: Problem, course: Array) -> Array:
    """A course (n_trajectory, n_grid) at the measured times (n_row,)."""
    return np.concatenate(
        [
            np.interp(problem.times(r), problem.grid(r), course[r])
            for r in range(problem.n_trajectory)
        ]
    )


# ------------------------------------------------------------------------------- final gauge


@dataclass(frozen=True)
class Gauge:
    """How the scale of a latent state was fixed.

    Attributes
    ----------
    state, text : str
    column : int or None
        Library column whose coefficient is held, if one is.
    """

    state: str
    text: str
    column: int | None = None


def production(problem: Problem, state: int, fit: Fit) -> int | None:
    """Place of the active column that makes a state without being multiplied by it.

    If there are several, that whose coefficient is known best; a constant only for want of others.
    """
    name, places = problem.library.states[state], []
    for i, c in enumerate(fit.columns):
        column = problem.library.columns[int(c)]
        own = not column.is_reaction and column.stoichiometry[0][0] == state
        made = name not in problem.library.terms[column.term].variables
        if own and made and fit.coefficients[i] != 0.0:
            places.append(i)
    driven = [i for i in places if problem.library.term_of(int(fit.columns[i])).variables]
    places = driven or places
    if len(places) < 2:
        return places[0] if places else None
    sd = np.sqrt(np.maximum(np.diag(inverse_scaled(fit.schur)), 0.0))
    return min(places, key=lambda i: float(sd[i] / abs(fit.coefficients[i])))


def in_display_units(
    frame: Frame, weighed: list[Weighed], gram: Gram
) -> tuple[Frame, list[Weighed], Gram, tuple[Gauge, ...]]:
    """Measure latent states in units in which their production has the coefficient 1.

    An exact change of units of everything that holds them; where a term of the library is no
    power of the state its scale is left where the search had it.
    """
    found = []
    for e in free_scales(frame.problem):
        problem, best = frame.problem, weighed[0].fit
        name = problem.library.states[e]
        powers = unit_powers(problem, int(e))
        place, column = production(problem, int(e), best), None
        if powers is None:
            row = int(np.nonzero(problem.gauge[:, e])[0][0])
            r = int(np.searchsorted(problem.start, row, side="right")) - 1
            fixed = (
                f"its value is 1 at time {problem.time[row]:.4g} of subject "
                f"{problem.study.labels[r]}"
            )
        elif place is not None:
            column = int(best.columns[place])
            term = problem.library.term_of(column).text
            factor = 1.0 / abs(best.coefficients[place])
            sign = "1" if best.coefficients[place] > 0 else "-1"
            fixed = f"the coefficient of {term} in its equation is {sign}"
            frame, weighed, gram = _rescaled(frame, weighed, gram, int(e), powers, factor)
        else:
            factor = 1.0 / max(float(np.abs(best.x[:, e]).max()), 1e-300)
            fixed = "its largest fitted value is 1"
            frame, weighed, gram = _rescaled(frame, weighed, gram, int(e), powers, factor)
        text = f"The scale of {name} cannot be known from these data: it is fixed so that {fixed}."
        found.append(Gauge(name, text, column))
    return frame, weighed, gram, tuple(found)


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

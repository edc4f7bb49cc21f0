"""What a discovery is worth when the truth is known: support, intervals, forecasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from twinlab.expressions import parse_term

from .integration import simulate_equations
from .matching import matched_text
from .systems import BenchmarkSystem, Equations

Array = NDArray[np.float64]
Support = frozenset[tuple[str, str]]
Forecaster = Callable[[Array, Array, Array], Array]
ERROR_CAP = 10.0  #: error of a forecast that diverges, and the largest error counted


@dataclass(frozen=True)
class PosteriorSample:
    """Draws of a posterior, for judging its calibration.

    Attributes
    ----------
    coefficients : mapping of (state, term text) to (n_draw,) array
        Zero where a draw leaves the term out.
    fitted : callable
        ``fitted(condition, time)`` gives draws (n_draw, n_time, n_state) of the trajectory of a
        condition of the data (numbered from 0); None where the method left it out.
    forecast : callable
        ``forecast(start, time, inputs)`` gives draws from a known initial state.
    """

    coefficients: Mapping[tuple[str, str], Array]
    fitted: Callable[[int, Array], Array | None]
    forecast: Callable[[Array, Array, Array], Array]


@dataclass(frozen=True)
class Answer:
    """What a method says about one data set.

    Attributes
    ----------
    equations : mapping of state to mapping of term text to coefficient
    intervals : mapping of (state, term text) to (low, high)
        Nominal 90 % intervals of coefficients.
    seconds : float
    alternatives : tuple of (probability, equations)
        Ranked alternative models, where the method gives any.
    failure : str
        What went wrong, in one line; empty for an answer.  A failed answer scores zero.
    remarks : mapping of str to str or float
        Further facts for the line of a run (chi2, status, configuration chosen).
    intervals50 : mapping of (state, term text) to (low, high)
        Nominal 50 % intervals of coefficients.
    inclusion : mapping of (state, term text) to float
        Probability that the term is in the equation; candidates left out count as 0.
    forecaster : callable, optional
        ``forecaster(start, time, inputs)`` gives the quantiles (5, n_time, n_state) of the
        trajectory from a known initial state, at ``twinlab.discovery.QUANTILES``; `inputs` is
        (n_time, n_input).
    hidden : mapping of str to tuple of (n_time,) arrays
        States the data do not hold, reconstructed at the times of each trajectory.
    unwritten : mapping of str to int
        Terms of an equation that the term language cannot write; each counts as a wrong one.
    simulator : callable, optional
        ``simulator(start, time, inputs)`` gives the forecast (n_time, n_state), or None for a
        divergence, where `equations` are not all of the model.
    posterior : PosteriorSample, optional
    named : set of (regulator, target), optional
        Edges of the knowledge that the method says the data contradict.
    """

    equations: Equations
    intervals: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    seconds: float = 0.0
    alternatives: tuple[tuple[float, Equations], ...] = ()
    failure: str = ""
    remarks: Mapping[str, str | float] = field(default_factory=dict)
    intervals50: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    inclusion: Mapping[tuple[str, str], float] | None = None
    forecaster: Forecaster | None = None
    hidden: Mapping[str, tuple[Array, ...]] = field(default_factory=dict)
    unwritten: Mapping[str, int] = field(default_factory=dict)
    simulator: Callable[[Array, Array, Array], Array | None] | None = None
    posterior: PosteriorSample | None = None
    named: frozenset[tuple[str, str]] | None = None


@dataclass(frozen=True)
class Score:
    """An answer held against the truth.

    Attributes
    ----------
    f1 : float
        F1 of the support: (state, term) pairs.
    exact : bool
        The support is the true one.
    covered, n_true : int
        True coefficients inside their interval, and how many there are.  A true term that is
        missing from the model counts as not covered.
    error : float
        Mean over unseen initial states of the root mean square error of the forecast, each
        state in units of its own sd; capped at ``ERROR_CAP``.
    diverged, n_forecasts : int
        Forecasts that diverged (they count ``ERROR_CAP``), and how many there are.
    seconds : float
    missing, extra : tuple of (state, term)
    truth_rank, truth_probability : int, float
        Rank (from 1) and probability of the true support among the alternatives; 0 if absent.
    failure : str
    remarks : mapping
    """

    f1: float
    exact: bool
    covered: int
    n_true: int
    error: float
    diverged: int
    n_forecasts: int
    seconds: float
    missing: tuple[tuple[str, str], ...]
    extra: tuple[tuple[str, str], ...]
    truth_rank: int
    truth_probability: float
    failure: str
    remarks: Mapping[str, str | float]


def support(equations: Equations, names: Sequence[str], true: Support = frozenset()) -> Support:
    """(state, canonical term) of every non-zero coefficient.

    A Hill function whose constants are within ``matching.CONSTANT_TOLERANCE`` of those of a term
    of `true` counts as that term.
    """
    return frozenset(
        matched_text(state, term, true, names)
        for state, terms in equations.items()
        for term, coefficient in terms.items()
        if coefficient != 0.0
    )


def f1_score(found: Support, true: Support) -> float:
    """Harmonic mean of precision and recall; 1 for two empty supports."""
    size = len(found) + len(true)
    return 2.0 * len(found & true) / size if size else 1.0


def coverage(answer: Answer, truth: Equations, names: Sequence[str]) -> int:
    """How many true coefficients lie inside their interval."""
    true = support(truth, names)
    given = {matched_text(s, t, true, names): pair for (s, t), pair in answer.intervals.items()}
    covered = 0
    for state, terms in truth.items():
        for term, value in terms.items():
            low, high = given.get((state, parse_term(term, names).text), (np.inf, -np.inf))
            covered += bool(low <= value <= high)
    return covered


def forecast_error(
    equations: Equations, system: BenchmarkSystem, n_starts: int = 3, seed: int = 0
) -> tuple[float, int]:
    """Error on initial states that no data set holds.

    Parameters
    ----------
    equations : mapping
    system : BenchmarkSystem
    n_starts : int
        Unseen initial states.
    seed : int

    Returns
    -------
    error : float
        As ``Score.error``.
    diverged : int
    """
    rng = np.random.default_rng([987_654_321, seed])
    time = np.linspace(0.0, system.horizon, 60)
    errors, diverged = [], 0
    for _ in range(n_starts):
        start = system.sample_initial(rng)
        true = system.trajectory(start, time)
        found = simulate_equations(
            equations, system.states, start, time, relative=1e-7, inputs=system.signals(time)
        )
        if found is None:
            diverged += 1
            errors.append(ERROR_CAP)
            continue
        scaled = (found - true) / (true.std(axis=0) + 1e-9)
        errors.append(min(ERROR_CAP, float(np.sqrt(np.mean(scaled**2)))))
    return float(np.mean(errors)), diverged


def score(answer: Answer, system: BenchmarkSystem, *, seed: int = 0, n_starts: int = 3) -> Score:
    """Hold an answer against the truth; `seed` and `n_starts` are of `forecast_error`."""
    names, truth = system.names, system.equations
    true, n_true = support(truth, names), sum(map(len, truth.values()))
    if answer.failure:
        found, covered, error, diverged = frozenset[tuple[str, str]](), 0, ERROR_CAP, n_starts
    else:
        found = support(answer.equations, names, true)
        covered = coverage(answer, truth, names)
        error, diverged = forecast_error(answer.equations, system, n_starts, seed)
    rank, probability = _rank_of_truth(answer, true, names)
    return Score(
        f1=0.0 if answer.failure else f1_score(found, true),
        exact=not answer.failure and found == true,
        covered=covered,
        n_true=n_true,
        error=error,
        diverged=diverged,
        n_forecasts=n_starts,
        seconds=answer.seconds,
        missing=tuple(sorted(true - found)),
        extra=tuple(sorted(found - true)),
        truth_rank=rank,
        truth_probability=probability,
        failure=answer.failure,
        remarks=answer.remarks,
    )


def _rank_of_truth(answer: Answer, true: Support, names: Sequence[str]) -> tuple[int, float]:
    for rank, (probability, equations) in enumerate(answer.alternatives, 1):
        if support(equations, names, true) == true:
            return rank, probability
    return 0, 0.0


@dataclass(frozen=True)
class Summary:
    """Scores of one method on one system over several data sets."""

    n: int
    f1: float
    exact: float
    error: float
    diverged: float
    coverage: float
    seconds: float
    failed: int


def summarise(scores: Sequence[Score]) -> Summary:
    """Means over data sets (median of the seconds).

    Raises
    ------
    ValueError
        If there is no score.
    """
    if not scores:
        raise ValueError("no score to summarise")
    return Summary(
        n=len(scores),
        f1=float(np.mean([s.f1 for s in scores])),
        exact=float(np.mean([s.exact for s in scores])),
        error=float(np.mean([s.error for s in scores])),
        diverged=sum(s.diverged for s in scores) / sum(s.n_forecasts for s in scores),
        coverage=sum(s.covered for s in scores) / sum(s.n_true for s in scores),
        seconds=float(np.median([s.seconds for s in scores])),
        failed=sum(bool(s.failure) for s in scores),
    )

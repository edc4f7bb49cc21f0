"""Where the truth lies in the posterior of one answer: the raw material of calibration.

The position of a true value among posterior draws, its rank or PIT value, is uniform over data
sets where the posterior is calibrated (Cook, Gelman and Rubin 2006, J. Comput. Graph. Stat. 15,
675; Talts et al. 2018, arXiv 1804.06788).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinlab.discovery.draws import central_interval
from twinlab.expressions import parse_term

from .axes import stream
from .cells import BenchmarkCase
from .scoring import Answer, PosteriorSample

Array = NDArray[np.float64]
Edge = tuple[str, str]
#: Nominal levels, in per cent, of central intervals and bands.
NOMINAL = (50, 80, 90, 95)
#: Draws that must hold a term before its coefficient has a rank.
FEWEST_DRAWS = 20
#: Models below this probability are not judged.
FAINTEST_MODEL = 0.01


def position(draws: Array, value: Array | float, rng: np.random.Generator) -> Array:
    """Randomised PIT of values among draws: uniform wherever draws and value are exchangeable.

    ``(number of draws below + U) / (n + 1)`` with ties broken at random.

    Parameters
    ----------
    draws : (n, ...) array
    value : (...) array
    rng : Generator
    """
    below = (draws < value).sum(axis=0)
    tied = (draws == value).sum(axis=0)
    shift = rng.uniform(size=np.shape(below))
    return np.asarray((below + shift * (tied + 1)) / (len(draws) + 1), float)


def central(draws: Array, value: Array, level: float) -> NDArray[np.bool_]:
    """Whether each value lies inside the central interval of the draws along the first axis.

    A hair's breadth of integration error is allowed.
    """
    low, high = central_interval(draws, level)
    hair = 1e-5 * (np.abs(value).max(axis=0) + 1e-300)
    return np.asarray((low - hair <= value) & (value <= high + hair))


def calibration_metrics(
    answer: Answer, case: BenchmarkCase, true: Mapping[Edge, float]
) -> dict[str, Any] | None:
    """Positions and coverage of one answer; None for a method without posterior draws.

    Returns
    -------
    dict or None
        ``pit`` (true coefficients, given that their term is in the draw), ``held`` (share of
        the draws that hold each of them), ``fitted`` and ``fresh`` (points of the true
        trajectories inside the bands of the data's conditions and of unseen initial states, by
        level, with their number under ``n``), ``pit_fresh`` (one forecast time for each unseen
        start and state).
    """
    sample = answer.posterior
    if answer.failure or sample is None:
        return None
    rng = stream("positions", case.system.name, case.cell.seed)
    pit, held = _coefficients(sample, case, true, rng)
    fresh, pit_fresh = _fresh(sample, case, rng)
    return {
        "pit": pit,
        "held": held,
        "fitted": _fitted(sample, case),
        "fresh": fresh,
        "pit_fresh": pit_fresh,
    }


def _coefficients(
    sample: PosteriorSample, case: BenchmarkCase, true: Mapping[Edge, float], rng: Any
) -> tuple[dict[str, float], dict[str, float]]:
    names = case.library.names
    known = {(s, parse_term(t, names).text): v for (s, t), v in sample.coefficients.items()}
    pit, held = {}, {}
    for key, value in sorted(true.items()):
        draws = known.get(key, np.zeros(1))
        share = float((draws != 0.0).mean())
        held[":".join(key)] = round(share, 4)
        if (draws != 0.0).sum() >= FEWEST_DRAWS:
            pit[":".join(key)] = round(float(position(draws[draws != 0.0], value, rng)), 5)
    return pit, held


def _fitted(sample: PosteriorSample, case: BenchmarkCase) -> dict[str, int]:
    """Bands of the data's own conditions; a condition without draws is left out."""
    out = dict.fromkeys([str(level) for level in NOMINAL], 0) | {"n": 0}
    for number, (time, clean) in enumerate(zip(case.time, case.clean, strict=True)):
        draws = sample.fitted(number, time)
        if draws is not None:
            _count(out, draws, clean)
    return out


def _fresh(
    sample: PosteriorSample, case: BenchmarkCase, rng: Any
) -> tuple[dict[str, int], list[float]]:
    """Bands from unseen initial states; the first time is given, and left out."""
    out = dict.fromkeys([str(level) for level in NOMINAL], 0) | {"n": 0}
    pits: list[float] = []
    for test in case.tests:
        if test.kind != "initial":
            continue
        draws = sample.forecast(test.start, test.time, test.inputs)
        _count(out, draws[:, 1:], test.clean[1:])
        at = int(rng.integers(1, len(test.time)))
        if len(draws):
            positions = position(draws[:, at], test.clean[at], rng)
            pits += [round(float(p), 5) for p in positions]
    return out, pits


def _count(out: dict[str, int], draws: Array, clean: Array) -> None:
    """Add the points inside the bands; where every draw diverged none is."""
    out["n"] += clean.size
    if len(draws):
        for level in NOMINAL:
            out[str(level)] += int(central(draws, clean, level / 100.0).sum())


def model_pairs(answer: Answer, judge_support: Any) -> list[list[float]] | None:
    """Probability of each ranked model and whether it is the truth, the most probable first.

    None where probabilities are withheld.

    Parameters
    ----------
    answer : Answer
    judge_support : callable
        ``judge_support(answer)`` says whether an answer's support is the true one.
    """
    if answer.failure or answer.inclusion is None or not answer.alternatives:
        return None
    return [
        [round(p, 6), float(judge_support(replace(answer, equations=equations)))]
        for p, equations in answer.alternatives
        if p >= FAINTEST_MODEL
    ]

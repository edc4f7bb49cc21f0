"""PySINDy with its threshold picked with the truth: an upper bound no user can reach."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study

from . import pysindy_peer as peer
from .cells import BenchmarkCase
from .peer_data import PeerData, coefficient_table, common_grid, peer_data
from .scoring import Answer, f1_score, support

Array = NDArray[np.float64]
THRESHOLDS = tuple(np.geomspace(0.01, 0.6, 7).tolist())
prepare = peer.prepare


def oracle_answer(
    study: Study, library: Library, knowledge: Knowledge, seed: int, budget: float, *,
    case: BenchmarkCase,
) -> Answer:  # fmt: skip
    """Return the configuration of highest F1; among equals that of smallest coefficient error."""
    started = time.perf_counter()
    state = np.random.get_state()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = peer_data(common_grid(study), library)
            true = support(case.truth, data.names)
            best = max(
                _fits(
                    data,
                    seed,
                    started + peer.SEARCH * budget,
                    lambda fit: _worth(library, fit, true, case),
                ),
                key=lambda pair: _worth(library, pair[0], true, case),
            )
    finally:
        np.random.set_state(state)
    answer = peer.as_answer(data, *best)
    return replace(answer, seconds=time.perf_counter() - started)


def _worth(
    library: Library, fit: Array, true: frozenset[tuple[str, str]], case: BenchmarkCase
) -> tuple[float, float]:
    equations = coefficient_table(library, fit)
    error = sum(
        (equations.get(state, {}).get(term, 0.0) - value) ** 2
        for state, row in case.truth.items()
        for term, value in row.items()
    )
    return f1_score(support(equations, library.names), true), -error


def _fits(
    data: PeerData, seed: int, deadline: float, worth: Callable[[Array], tuple[float, float]]
) -> Iterator[tuple[Array, Array]]:
    """Fits with their bags: ensembles of the default's features over thresholds, and single fits
    over every width, normalisation and threshold of *best*, that of highest worth ensembled.  Ends
    soon after `deadline`, with one of each kind at least.
    """
    np.random.seed(seed)  # the weak form draws its test functions from the global generator
    single = list(peer.single_fits(data))
    x, y, normalised, threshold, fit = max(single, key=lambda row: worth(row[4]))
    for factor in sorted(peer.REFINEMENT, key=lambda f: abs(np.log(f))):
        np.random.seed(seed)
        bags = peer.ensemble(data, x, y, factor * threshold, normalised, peer.BEST_RIDGE)
        yield np.median(bags, axis=0), bags
        if factor == 1.0:
            yield fit, bags
        if time.perf_counter() > deadline:
            break
    np.random.seed(seed)
    x, y = peer.features(data, peer.DEFAULT_CELLS)
    for threshold in sorted(THRESHOLDS, key=lambda h: abs(np.log(h / peer.DEFAULT_THRESHOLD))):
        np.random.seed(seed)
        bags = peer.ensemble(data, x, y, threshold, False, peer.DEFAULT_RIDGE)
        yield np.median(bags, axis=0), bags
        if time.perf_counter() > deadline:
            break

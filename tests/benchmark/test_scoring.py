"""Scores: the truth gets everything, nothing gets nothing, and the rest lies between."""

from __future__ import annotations

import numpy as np
import pytest

from twinlab.benchmark.scoring import (
    ERROR_CAP,
    Answer,
    f1_score,
    score,
    summarise,
    support,
)
from twinlab.benchmark.systems import SYSTEMS

SYSTEM = SYSTEMS["predator_prey"]


def true_answer(half_width=0.1, **changes):
    """Give the truth, with its intervals."""
    equations = {state: dict(row) for state, row in SYSTEM.equations.items()}
    intervals = {
        (state, term): (value - half_width, value + half_width)
        for state, row in equations.items()
        for term, value in row.items()
    }
    return Answer(equations, intervals, **changes)


@pytest.mark.parametrize("name", sorted(SYSTEMS))
def test_the_truth_scores_one(name):
    system = SYSTEMS[name]
    intervals = {
        (state, term): (value - 0.01, value + 0.01)
        for state, row in system.equations.items()
        for term, value in row.items()
    }
    result = score(Answer(system.equations, intervals), system)
    assert result.f1 == 1.0 and result.exact and not result.missing and not result.extra
    assert result.covered == result.n_true == len(intervals)
    assert result.error < 1e-4 and result.diverged == 0


def test_the_empty_answer_scores_zero():
    result = score(Answer({}), SYSTEM)
    assert result.f1 == 0.0 and not result.exact and result.covered == 0
    assert len(result.missing) == 4 and result.error > 0.5


def test_a_failure_scores_zero_whatever_it_says():
    result = score(true_answer(failure="boom"), SYSTEM)
    assert (result.f1, result.exact, result.covered, result.error) == (0.0, False, 0, ERROR_CAP)
    assert result.diverged == result.n_forecasts


def test_terms_are_compared_in_canonical_form():
    answer = true_answer()
    answer.equations["prey"]["predator*prey"] = answer.equations["prey"].pop("prey*predator")
    assert score(answer, SYSTEM).exact
    assert support({"x": {"x*x": 1.0, "x": 0.0}}, ["x"]) == {("x", "x^2")}


def test_f1_by_hand_and_extra_and_missing_terms():
    answer = true_answer()
    del answer.equations["prey"]["prey"]
    answer.equations["predator"]["prey^2"] = 1e-3
    result = score(answer, SYSTEM)
    assert result.f1 == pytest.approx(2 * 3 / (4 + 4))
    assert result.missing == (("prey", "prey"),)
    assert result.extra == (("predator", "prey^2"),)
    assert f1_score(frozenset(), frozenset()) == 1.0


def test_coverage_counts_intervals_that_hold_the_truth():
    answer = true_answer()
    answer.intervals["prey", "prey"] = (1.01, 1.2)
    del answer.intervals["predator", "predator"]
    assert score(answer, SYSTEM).covered == 2


def test_diverging_forecasts_are_counted_and_capped():
    answer = true_answer()
    answer.equations["prey"]["prey^2"] = 5.0
    result = score(answer, SYSTEM, n_starts=2)
    assert result.diverged == 2 and result.error == ERROR_CAP


def test_held_out_starts_depend_on_the_seed_and_are_not_in_the_data():
    answer = true_answer()
    answer.equations["prey"]["prey"] = 1.05
    first, again, other = (score(answer, SYSTEM, seed=seed).error for seed in (0, 0, 1))
    assert first == again != other
    starts = [clean[0] for clean in SYSTEM.simulate(4, 5, 0.1, seed=0).clean]
    held_out = SYSTEM.sample_initial(np.random.default_rng([987_654_321, 0]))
    assert min(np.abs(start - held_out).max() for start in starts) > 1e-6


def test_rank_of_the_truth_among_the_alternatives():
    true = true_answer().equations
    wrong = {"prey": {"prey": 1.0}, "predator": {"predator": -1.0}}
    result = score(Answer(wrong, alternatives=((0.7, wrong), (0.3, true))), SYSTEM)
    assert (result.truth_rank, result.truth_probability) == (2, 0.3)
    assert score(Answer(wrong, alternatives=((0.7, wrong),)), SYSTEM).truth_rank == 0


def test_summary_is_the_mean():
    scores = [score(true_answer(seconds=1.0), SYSTEM), score(Answer({}, failure="x"), SYSTEM)]
    total = summarise(scores)
    assert (total.f1, total.exact, total.coverage, total.failed) == (0.5, 0.5, 0.5, 1)
    assert total.error == pytest.approx(ERROR_CAP / 2, abs=1e-3) and total.seconds == 0.5
    with pytest.raises(ValueError, match="no score"):
        summarise([])

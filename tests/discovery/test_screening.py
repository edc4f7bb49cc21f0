"""Screening of very large libraries."""

import numpy as np
import pytest

from twinlab.benchmark.cells import Cell, make_case
from twinlab.discovery import Settings, discover
from twinlab.discovery.screening import KEPT, SCREEN_ABOVE, forward_ranks, informed, screen
from twinlab.knowledge import Belief, Knowledge
from twinlab.library import Library
from twinlab.study import Study


def embedded(case):
    """The case's library among powers and products of Hill functions: over 3,000 columns."""
    states = list(case.system.states)
    grid = [f"{role}({y},{half},{n})" for y in states for role in ("hill", "repress")
            for half in (5, 20, 60, 120, 200, 300, 450) for n in (1, 1.5, 2, 3, 4, 6)]  # fmt: skip
    products = [f"{x}*{term}" for x in states for term in grid]
    return (
        case.library
        + Library.polynomial(states, degree=4)
        + Library.user_terms(states, [*grid, *products])
    )


def test_forward_selection_meets_the_truth_first():
    rng = np.random.default_rng(2)
    features = rng.standard_normal((60, 40))
    side = 3.0 * features[:, 7] - 2.0 * features[:, 21] + 0.1 * rng.standard_normal(60)
    rank = forward_ranks(features, side, np.zeros(40), range(40))
    assert rank[7] == 0.0 and rank[21] < 2.0
    # Of one family only the best is a rival; a high price puts a column behind the others.
    family = [0 if c in (7, 8) else c for c in range(40)]
    twin = features.copy()
    twin[:, 8] = features[:, 7] + 0.01 * rng.standard_normal(60)
    assert forward_ranks(twin, side, np.zeros(40), family)[8] > 0.9
    assert forward_ranks(features, side, np.where(np.arange(40) == 7, 1e3, 0.0), range(40))[7] > 0


@pytest.mark.parametrize("seed", range(3))
def test_three_thousand_candidates_keep_the_truth(seed):
    case = make_case(Cell("seir", seed=seed))
    library = embedded(case)
    assert len(library.columns) > 3000 > SCREEN_ABOVE
    words: list[str] = []
    kept = screen(case.study, library, Knowledge(), 1.5, words.append)
    assert len(kept.columns) < KEPT + 200
    assert "Screening 3," in words[0] and "MB" in words[0]
    for state, row in case.truth.items():
        for term in row:
            kept.find(state, term)


def test_a_small_library_is_left_alone_and_beliefs_are_kept():
    case = make_case(Cell("seir", seed=0))
    assert screen(case.study, case.library, Knowledge(), 1.5, print) is case.library
    odd = Belief("exposed", "infectious*hill(infectious,450,6)", excluded=True)
    library = embedded(case)
    assert library.columns[library.find(odd.state, odd.term)]
    kept = screen(case.study, library, Knowledge((odd,)), 1.5, lambda words: None)
    kept.find(odd.state, odd.term)


def test_a_fit_says_that_it_screened():
    case = make_case(Cell("seir", seed=1))
    quick = Settings(starts=1, mcmc_steps=4000, draws=20, neighbours=4, noise="constant")
    found = discover(case.study, embedded(case), settings=quick)
    assert [w.code for w in found.warnings].count("screened") == 1
    assert len(found.library.columns) < KEPT + 200
    assert found.chi2_per_point < 1.3 and np.nanmin(found.r_squared) > 0.8


def test_terms_that_are_zero_throughout_are_left_out_and_named():
    time = np.arange(6.0)
    growth, nothing = np.exp(0.3 * time), np.zeros_like(time)
    values = [np.stack(own, axis=1) for own in ((growth, nothing), (nothing, growth))]
    apart = Study.from_arrays("apart", ["x", "y"], [time, time], values)
    library = Library.polynomial(apart, 2)
    kept, words = informed(apart, library, Knowledge())
    texts = {term.text for term in kept.terms}
    assert "x*y" not in texts and {"1", "x", "y", "x^2", "y^2"} <= texts
    assert words.startswith("x*y is zero throughout these data")
    told = Knowledge().with_belief(Belief("x", "x*y", required=True))
    assert informed(apart, library, told)[0].find("x", "x*y") is not None
    again, silent = informed(apart, kept, Knowledge())
    assert again is kept and not silent

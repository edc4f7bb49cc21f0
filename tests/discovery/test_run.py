"""A search that ends stuck is tried again in pieces."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from twinlab.benchmark.cells import Cell, make_case
from twinlab.discovery import Settings, discover
from twinlab.discovery.found import stuck
from twinlab.discovery.run import Run
from twinlab.knowledge import Knowledge


def test_a_stuck_search_is_rescued_in_pieces(monkeypatch):
    """Two noisy records of relaxation oscillations: every whole-record start breaks away."""
    case = make_case(Cell("van_der_pol", seed=3, noise=0.15, points=30, conditions=2))
    seen = []
    rescued = Run.rescued

    def watched(self, problem, found, noise_models):
        better = rescued(self, problem, found, noise_models)
        seen.append((found, better))
        return better

    monkeypatch.setattr(Run, "rescued", watched)
    settings = Settings(complexity=2.0)  # under the default the search is not stuck
    discovery = discover(case.study, case.library, case.knowledge, settings=settings, seed=3)
    ((before, after),) = seen
    assert stuck(before.outcomes, 2) and not stuck(after.outcomes, 2)
    true = sorted(
        case.library.find(state, term) for state, row in case.truth.items() for term in row
    )
    np.testing.assert_array_equal(discovery.best.columns, true)
    # One answer on whole records, not on pieces.
    assert discovery.problem.n_trajectory == 2


def test_a_search_cut_short_in_vain_is_made_in_full_then_without_variation():
    first = Run(Settings(), Knowledge(), 0, None, None, 10)
    second = first.less_hurried()
    assert second.patient and second.settings == first.settings
    assert not second.promising(SimpleNamespace(problem=None), [])
    third = second.less_hurried()
    assert third.settings.vary == "nothing"

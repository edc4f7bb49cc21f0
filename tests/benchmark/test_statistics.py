"""Intervals and reliability against closed forms and sums done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from twinlab.benchmark.statistics import EDGES, Reliability, bootstrap, clustered, wilson


@pytest.mark.parametrize(("hits", "n"), [(0, 5), (5, 5), (3, 7), (18, 20), (50, 100)])
def test_wilson_solves_its_equation(hits, n):
    """Its ends are the p with |hits/n - p| = z sqrt(p (1 - p) / n): roots of a quadratic."""
    z = 1.959963984540054
    rate = hits / n
    roots = np.sort(np.roots([1 + z * z / n, -(2 * rate + z * z / n), rate * rate]).real)
    assert wilson(hits, n) == pytest.approx(tuple(np.clip(roots, 0, 1)), abs=1e-9)


def test_wilson_of_nothing_is_not_a_number():
    assert all(math.isnan(v) for v in wilson(0, 0))


def test_bootstrap_is_seeded_and_near_the_normal_interval():
    values = np.random.default_rng(1).normal(3.0, 1.0, 200)
    low, high = bootstrap(values)
    assert (low, high) == bootstrap(values)
    half = 1.96 * values.std(ddof=1) / math.sqrt(200)
    assert low == pytest.approx(values.mean() - half, abs=0.04)
    assert high == pytest.approx(values.mean() + half, abs=0.04)
    assert bootstrap([*values, math.nan]) == (low, high)
    assert math.isnan(bootstrap([1.0])[0])


def test_clusters_that_miss_together_widen_the_interval():
    together = clustered([10, 0] * 10, [10] * 20)
    apart = clustered([5] * 20, [10] * 20)
    assert apart == (0.5, 0.5)
    assert together[1] - together[0] > 0.3


def test_reliability_by_hand():
    pairs = [(0.0, False), (0.02, False), (0.3, True), (0.3, False), (0.9, True), (1.0, True)]
    table = Reliability.of(pairs)
    assert table.brier == pytest.approx((0.02**2 + 0.7**2 + 0.3**2 + 0.1**2) / 6)
    # bins: [0, .05): sum p .02, true 0; [.25, .35): .6 against 1; [.85, .95): .9 against 1; 1: 1
    assert table.calibration_error() == pytest.approx((0.02 + 0.4 + 0.1 + 0.0) / 6)
    assert table.middle_n == 3
    assert table.middle_gap == pytest.approx((0.4 + 0.1) / 3)


def test_reliability_pools_and_survives_json():
    first = Reliability.of([(0.3, True), (0.7, False)])
    second = Reliability.of([(0.3, False)])
    both = first + second
    again = Reliability.from_json(both.to_json())
    whole = Reliability.of([(0.3, True), (0.7, False), (0.3, False)])
    for table in (both, again):
        np.testing.assert_allclose(table.n, whole.n)
        np.testing.assert_allclose(table.total, whole.total)
        assert table.brier == pytest.approx(whole.brier)
    assert whole.n.sum() == 3 and len(whole.n) == len(EDGES) - 1
    assert math.isnan(Reliability.of([]).brier)

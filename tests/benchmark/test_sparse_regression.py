"""Thresholded least squares on Gram matrices against its definition and against PySINDy."""

from __future__ import annotations

import numpy as np
import pytest

from twinlab.benchmark import sparse_regression as benchmark
from twinlab.benchmark.side_by_side import take_turns
from twinlab.benchmark.stlsq import ROUNDS, bags, stlsq, stlsq_ensemble


@pytest.fixture(scope="module")
def regression():
    """Correlated features, noisy slopes and the coefficients (3, 15), some near the threshold."""
    rng = np.random.default_rng(4)
    features = rng.standard_normal((400, 15)) + 1.5 * rng.standard_normal((400, 1))
    truth = rng.choice([0.0, 0.0, 0.25, 1.0, -2.0], (3, 15))
    return features, features @ truth.T + 0.3 * rng.standard_normal((400, 3)), truth


def by_rows(features, slopes, threshold, ridge):
    """The definition, on the rows."""
    out = np.zeros((slopes.shape[1], features.shape[1]))
    for row, y in zip(out, slopes.T, strict=True):
        kept = np.arange(features.shape[1])
        for _ in range(ROUNDS):
            x = features[:, kept]
            b = np.linalg.solve(x.T @ x + ridge * np.eye(kept.size), x.T @ y)
            if (abs(b) >= threshold).all():
                break
            kept = kept[abs(b) >= threshold]
        row[kept] = np.linalg.lstsq(features[:, kept], y, rcond=None)[0]
    return out


@pytest.mark.parametrize("threshold", [0.05, 0.3, 1e9])
def test_equals_the_definition(regression, threshold):
    features, slopes, _ = regression
    found = stlsq(features, slopes, threshold, 0.1)
    expected = by_rows(features, slopes, threshold, 0.1)
    assert ((found != 0) == (expected != 0)).all()
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)
    assert found.any() == (threshold < 1e9)


def test_a_column_that_depends_on_others_gets_zero(regression):
    features, slopes, _ = regression
    twice = np.column_stack([features, features[:, 0]])
    found = stlsq(twice, slopes, 0.0, 1e-20)
    np.testing.assert_array_equal(found[:, -1], 0.0)
    np.testing.assert_allclose(found[:, :-1], by_rows(features, slopes, 0.0, 1e-20), rtol=1e-6)


def test_ensemble_is_that_of_resampled_rows(regression):
    features, slopes, _ = regression
    weights = bags(len(slopes), 6, 3)
    assert (weights.sum(1) == len(slopes)).all() and weights.std() > 0.5
    found = stlsq_ensemble(features, slopes, 0.2, weights=weights)
    for bag, got in zip(weights.astype(int), found, strict=True):
        expected = by_rows(np.repeat(features, bag, 0), np.repeat(slopes, bag, 0), 0.2, 0.05)
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-8)
    drawn = stlsq_ensemble(features, slopes, 0.2, n_models=6, seed=3)
    np.testing.assert_array_equal(drawn, found)


def test_equals_pysindy():
    pytest.importorskip("pysindy", reason="PySINDy is in the bench extra")
    features, slopes, _ = benchmark.lorenz(1000, 0.005, 2)
    theirs = benchmark.pysindy_stlsq(features, slopes, 0)()
    np.testing.assert_allclose(stlsq(features, slopes, benchmark.THRESHOLD), theirs, atol=1e-8)
    assert np.count_nonzero(theirs) >= 7


def test_spike_and_slab_finds_the_equations_of_an_exact_regression(regression):
    features, slopes, truth = regression
    inclusion, low, high = benchmark.spike_and_slab(features, slopes)
    assert ((inclusion > 0.5) == (truth != 0)).all()
    words = benchmark.quality(inclusion > 0.5, low, high, truth)
    assert words.startswith("3 of 3 supports right")
    covered, true = (int(word) for word in words.split(", ")[1].split()[:3:2])
    assert covered >= 0.7 * true > 0


def test_turns_are_taken_round_by_round():
    calls = []
    times = take_turns({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3)
    assert calls == ["a", "b"] * 3
    assert times["a"].turns == 3 and 0 <= times["a"].fastest <= times["a"].middle

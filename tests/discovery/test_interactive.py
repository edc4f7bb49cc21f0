"""Answers without refitting agree with the discovery and obey the new prior."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from twinlab.discovery import choose_columns, reconsider
from twinlab.discovery.bands import (
    BandsOnDemand,
    make_bands,
    pointwise_quantiles,
    predictive,
    shares,
)
from twinlab.discovery.draws import QUANTILE_METHOD, central_interval
from twinlab.discovery.noise import Noise
from twinlab.discovery.posterior import quick_root
from twinlab.knowledge import Belief, Knowledge

from .conftest import true_columns


def test_nothing_changed_gives_the_same_answer(found):
    again = reconsider(found)
    assert again.status == "provisional"
    assert again.best.columns.tolist() == found.best.columns.tolist()
    assert again.best.probability == pytest.approx(found.best.probability, abs=0.1)
    np.testing.assert_allclose(again.inclusion, found.inclusion, atol=0.1)
    for a, b in zip(again.bands, found.bands, strict=True):
        scale = b.mean.std(axis=0)
        assert (abs(a.quantiles - b.quantiles).mean(axis=(0, 1)) < 0.05 * scale).all()


def test_richer_prior_gives_richer_models(found):
    rich = reconsider(found, prior_log_odds=6.0)
    poor = reconsider(found, prior_log_odds=-6.0)
    assert rich.inclusion.sum() > found.inclusion.sum() + 0.5
    assert poor.inclusion.sum() <= found.inclusion.sum() + 1e-6


def test_excluded_and_required_terms(found):
    library = found.library
    out, into = library.find("prey", "prey*predator"), library.find("predator", "prey^2")
    knowledge = Knowledge(
        (
            Belief("prey", "prey*predator", excluded=True),
            Belief("predator", "prey^2", required=True),
        )
    )
    changed = reconsider(found, knowledge=knowledge)
    assert changed.inclusion[out] == 0
    assert changed.inclusion[into] == pytest.approx(1)
    assert (changed.posterior.coefficients[:, out] == 0).all()


def test_a_wider_slab_lowers_the_probability_of_extra_terms(found):
    wide = reconsider(found, slab_width=100.0)
    extra = np.setdiff1d(np.arange(found.inclusion.size), found.best.columns)
    assert wide.inclusion[extra].sum() < found.inclusion[extra].sum() + 1e-3
    assert wide.best.columns.tolist() == sorted(true_columns(found.library))


def test_choosing_the_best_columns_gives_the_best_model(found):
    point = choose_columns(found, found.best.columns)
    np.testing.assert_array_equal(point.coefficients, found.best.coefficients)
    for line, band in zip(point.trajectories, found.bands, strict=True):
        np.testing.assert_allclose(line, band.mean, rtol=2e-3, atol=2e-3)
    assert not point.diverged
    np.testing.assert_allclose(point.r_squared, found.r_squared, atol=1e-3)


def test_choosing_other_columns_uses_the_regression(found):
    columns = np.append(found.best.columns, found.library.find("prey", "prey^2"))
    point = choose_columns(found, columns)
    assert point.columns.tolist() == sorted(columns)
    assert np.nanmin(point.r_squared) > 0.95
    empty = choose_columns(found, [])
    assert empty.coefficients.size == 0
    assert np.allclose(empty.trajectories[0], empty.trajectories[0][0])


def test_bands_are_simulated_when_asked_for(found, monkeypatch):
    made = []
    make = BandsOnDemand._make
    monkeypatch.setattr(BandsOnDemand, "_make", lambda self, r: made.append(r) or make(self, r))
    bands = reconsider(found).bands
    assert len(bands) == len(found.bands) == 2 and made == []
    assert bands[-1] is bands[1] and made == [1]
    assert bands[0:2] == (bands[0], bands[1]) and made == [1, 0]
    with pytest.raises(IndexError):
        bands[2]


def test_bands_do_not_depend_on_who_simulates_them(found):
    args = found.problem, found.posterior, found.best, found.noise, None
    with ThreadPoolExecutor(2) as pool:
        for shared, own in zip(make_bands(*args, pool), BandsOnDemand(*args), strict=True):
            np.testing.assert_array_equal(shared.quantiles, own.quantiles)
            np.testing.assert_array_equal(shared.mean, own.mean)


@pytest.mark.parametrize("rank", [4, 2])
def test_quick_root_is_a_factor(rank):
    half = np.random.default_rng(1).standard_normal((4, rank)) * [[1e-3], [1.0], [50.0], [1e4]]
    root = quick_root(half @ half.T)
    np.testing.assert_allclose(root @ root.T, half @ half.T, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("shape", [(37, 5, 2), (200, 31, 20)])
def test_quantiles_are_those_of_numpy(shape):
    draws = np.random.default_rng(0).standard_normal(shape)
    expected = np.quantile(draws, [0.05, 0.25, 0.5, 0.75, 0.95], axis=0, method=QUANTILE_METHOD)
    np.testing.assert_allclose(pointwise_quantiles(draws), expected)
    lower, upper = central_interval(draws, 0.9)
    np.testing.assert_allclose([lower, upper], expected[[0, 4]])


def test_one_more_draw_lies_inside_as_often_as_is_told():
    draws = np.random.default_rng(0).random((30, 20_000))
    for level in (0.5, 0.9):
        lower, upper = central_interval(draws, level)
        # Of uniform draws the width is the probability.
        assert (upper - lower).mean() == pytest.approx(level, abs=2e-3)
    few = central_interval(draws[:5], 0.9)
    np.testing.assert_array_equal(few, [draws[:5].min(axis=0), draws[:5].max(axis=0)])


def test_shares_are_systematic_and_complete():
    counts = shares([0.5, 0.3, 0.2], 100)
    assert counts.tolist() == [50, 30, 20]
    assert shares([0.999, 0.001], 100).sum() == 100


def test_predictive_quantiles_of_a_normal_are_exact():
    z = np.array([-1.6449, -0.6745, 0.0, 0.6745, 1.6449])
    quantiles = (2.0 + 0.3 * z)[:, None, None]
    noise = Noise("constant", np.array([0.4]), np.ones((1, 1)), np.zeros(1))
    np.testing.assert_allclose(predictive(quantiles, noise)[:, 0, 0], 2.0 + 0.5 * z, atol=1e-4)

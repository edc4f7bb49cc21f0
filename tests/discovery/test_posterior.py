"""Intervals over models that share a term, against SciPy."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import t

from twinlab.discovery.posterior import averaged_intervals
from twinlab.discovery.result import RankedModel

PROBLEM = SimpleNamespace(n_values=30, n_trajectory=2, n_state=2)
FREE = (np.full(6, -np.inf), np.full(6, np.inf))


def ranked(probability: float, **told: tuple[float, float]) -> RankedModel:
    """A model of terms c0, c1, ... with (coefficient, sd) of each."""
    columns = np.array([int(name[1:]) for name in told])
    w, sd = np.array(list(told.values())).reshape(-1, 2).T
    none = np.zeros((w.size, 2))
    return RankedModel(columns, probability, 0.0, w, sd, none, np.diag(sd**2), np.zeros((2, 2)))


def mixture(level: float, *parts: tuple[float, float, float, int]) -> float:
    """Quantile of a mixture of (weight, mean, sd, number of coefficients)."""
    total = sum(weight for weight, *_ in parts)

    def excess(x: float) -> float:
        below = 0.0
        for weight, mean, sd, k in parts:
            freedom = 30 - 4 - k
            scale = sd * np.sqrt((freedom - 2) / freedom)
            below += weight / total * t.cdf(x, freedom, mean, scale)
        return below - level

    return brentq(excess, -50.0, 50.0, xtol=1e-12)


def test_each_term_is_averaged_over_the_models_that_hold_it():
    models = (
        ranked(0.5, c0=(1.0, 0.1), c2=(-2.0, 0.3), c4=(3.0, 0.2)),
        ranked(0.3, c2=(-4.0, 0.5)),
        ranked(0.2, c0=(1.4, 0.2), c1=(7.0, 1.0)),
    )
    found = averaged_intervals(PROBLEM, models, FREE)
    for row, parts in zip(found, (
        [(0.5, 1.0, 0.1, 3), (0.2, 1.4, 0.2, 2)],
        [(0.5, -2.0, 0.3, 3), (0.3, -4.0, 0.5, 1)],
        [(0.5, 3.0, 0.2, 3)],
    ), strict=True):  # fmt: skip
        expected = [mixture(level, *parts) for level in (0.05, 0.95)]
        np.testing.assert_allclose(row, expected, rtol=1e-7)


def test_what_is_known_has_no_width_and_bounds_hold():
    models = (ranked(0.6, c0=(1.0, 0.0), c1=(0.1, 0.3)), ranked(0.4, c0=(1.0, 0.0)))
    lower = np.zeros(6)
    found = averaged_intervals(PROBLEM, models, (lower, FREE[1]))
    np.testing.assert_allclose(found[0], [1.0, 1.0], atol=1e-12)
    assert found[1, 0] == 0.0
    assert found[1, 1] == pytest.approx(mixture(0.95, (1.0, 0.1, 0.3, 2)))


def test_models_without_terms_do_not_disturb():
    empty = ranked(0.3)
    assert averaged_intervals(PROBLEM, (empty,), FREE).shape == (0, 2)
    one = ranked(0.7, c3=(2.0, 0.1))
    np.testing.assert_array_equal(
        averaged_intervals(PROBLEM, (one, empty), FREE), averaged_intervals(PROBLEM, (one,), FREE)
    )

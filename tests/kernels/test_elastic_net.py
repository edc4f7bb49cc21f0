"""The elastic-net path against independent solvers and its own optimality conditions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, enet_path

from twinlab.kernels.elastic_net import elastic_net_path, standardised_path
from twinlab.kernels.elastic_net_rows import elastic_net_path_rows

FREE = np.inf


def problem(seed=0, n=120, columns=25, shared=1.5):
    """Return a correlated regression with six true columns."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, columns)) + shared * rng.standard_normal((n, 1))
    truth = np.zeros(columns)
    truth[:6] = [1.0, -1.0, 2.0, -2.0, 0.5, 3.0]
    return x, x @ truth + rng.standard_normal(n)


def grams(x, y):
    return np.ascontiguousarray(x.T @ x), np.ascontiguousarray(x.T @ y), float(y @ y)


def solve(gram, vector, yy, penalties, l1_ratio, factor=None, lower=None, upper=None, **options):
    size = vector.size
    return elastic_net_path(
        gram,
        vector,
        yy,
        np.asarray(penalties, float),
        float(l1_ratio),
        np.ones(size) if factor is None else np.asarray(factor, float),
        np.full(size, -FREE) if lower is None else np.asarray(lower, float),
        np.full(size, FREE) if upper is None else np.asarray(upper, float),
        options.get("tolerance", 1e-12),
        options.get("max_sweeps", 20_000),
    )


def reference(gram, vector, penalty, l1_ratio, factor, lower, upper, sweeps=20_000):
    """Plain coordinate descent, one line a rule; stops when nothing moves."""
    w = np.clip(np.zeros(vector.size), lower, upper)
    for _ in range(sweeps):
        before = w.copy()
        for j in np.flatnonzero(np.diag(gram) > 0):
            slope = vector[j] - gram[j] @ w + gram[j, j] * w[j]
            shrunk = np.sign(slope) * max(abs(slope) - penalty * l1_ratio * factor[j], 0.0)
            value = shrunk / (gram[j, j] + penalty * (1 - l1_ratio) * factor[j])
            w[j] = min(max(value, lower[j]), upper[j])
        if np.max(np.abs(w - before)) < 1e-13:
            break
    return w


def objective(gram, vector, penalty, l1_ratio, factor, w):
    ridge = 0.5 * (1 - l1_ratio) * np.sum(factor * w**2)
    return (
        0.5 * w @ gram @ w - vector @ w + penalty * (l1_ratio * np.sum(factor * np.abs(w)) + ridge)
    )


def kkt_violation(gram, vector, penalty, l1_ratio, factor, lower, upper, w):
    """Largest distance of the negative gradient from the subdifferential's normal cone."""
    slope = vector - gram @ w - penalty * (1 - l1_ratio) * factor * w
    l1 = penalty * l1_ratio * factor
    low = np.where(w > 0, l1, -l1)  # subdifferential of l1 |w| is [low, high]
    high = np.where(w < 0, -l1, l1)
    low = np.where(w <= lower, -np.inf, low)
    high = np.where(w >= upper, np.inf, high)
    return float(np.max(np.maximum(np.maximum(low - slope, slope - high), 0.0)))


@pytest.mark.parametrize("l1_ratio", [0.3, 0.95, 1.0])
def test_equals_scikit_learn_path(l1_ratio):
    x, y = problem()
    gram, vector, yy = grams(x, y)
    penalties = np.geomspace(np.abs(vector).max() / l1_ratio, 0.1, 30)
    ours, gap, _ = solve(gram, vector, yy, penalties, l1_ratio, tolerance=1e-14)
    _, theirs, _ = enet_path(
        x, y, l1_ratio=l1_ratio, alphas=penalties / len(y), tol=1e-14, max_iter=200_000
    )
    np.testing.assert_allclose(ours, theirs.T, atol=1e-5)
    assert np.all(gap <= 1e-14 * yy)


def test_equals_scikit_learn_with_precomputed_gram_and_positive_coefficients():
    x, y = problem(1)
    gram, vector, yy = grams(x, y)
    model = ElasticNet(
        alpha=20 / len(y), l1_ratio=0.8, precompute=gram, fit_intercept=False, positive=True,
        tol=1e-12, max_iter=100_000,
    ).fit(x, y)  # fmt: skip
    ours, _, _ = solve(gram, vector, yy, [20.0], 0.8, lower=np.zeros(vector.size))
    np.testing.assert_allclose(ours[0], model.coef_, atol=1e-6)
    assert (ours[0] == 0).any() and (ours[0] > 0).any()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 0.95, 1.0])
def test_equals_plain_coordinate_descent_with_bounds_and_factors(seed, l1_ratio):
    rng = np.random.default_rng(seed)
    x, y = problem(seed, columns=12)
    gram, vector, yy = grams(x, y)
    size = vector.size
    factor = np.where(np.arange(size) == seed, 0.0, rng.uniform(0.5, 2.0, size))
    lower = np.where(rng.random(size) < 0.3, 0.0, -FREE)
    upper = np.where((rng.random(size) < 0.3) & (lower < 0), 0.0, FREE)
    lower[7], upper[7] = 0.2, 0.4
    lower[8] = upper[8] = 0.0
    penalties = np.array([60.0, 20.0, 5.0])
    ours, gap, sweeps = solve(gram, vector, yy, penalties, l1_ratio, factor, lower, upper)
    for k, penalty in enumerate(penalties):
        expected = reference(gram, vector, penalty, l1_ratio, factor, lower, upper)
        np.testing.assert_allclose(ours[k], expected, atol=1e-5)
        assert kkt_violation(gram, vector, penalty, l1_ratio, factor, lower, upper, ours[k]) < 1e-3
    assert np.all(gap <= 1e-12 * yy) and np.all(sweeps < 20_000)


def test_optimality_conditions_over_a_long_path():
    x, y = problem(3, n=80, columns=60)
    gram, vector, yy = grams(x, y)
    size = vector.size
    penalties = np.geomspace(np.abs(vector).max() / 0.95, 1e-2, 80)
    ours, gap, _ = solve(gram, vector, yy, penalties, 0.95)
    for penalty, w in zip(penalties, ours, strict=True):
        bounds = np.full(size, -FREE), np.full(size, FREE)
        assert kkt_violation(gram, vector, penalty, 0.95, np.ones(size), *bounds, w) < 1e-3
    assert np.all(gap <= 1e-12 * yy)
    assert not np.any(ours[0]) and np.count_nonzero(ours[-1]) > 20


@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
@pytest.mark.parametrize("sweeps", [4, 8, 16])
def test_gap_bounds_the_distance_from_the_minimum_also_when_stopped_early(l1_ratio, sweeps):
    x, y = problem(5, shared=4.0)
    gram, vector, yy = grams(x, y)
    factor = np.ones(vector.size)
    exact, _, _ = solve(gram, vector, yy, [2.0], l1_ratio, tolerance=1e-15)
    rough, gap, used = solve(gram, vector, yy, [2.0], l1_ratio, max_sweeps=sweeps)
    excess = objective(gram, vector, 2.0, l1_ratio, factor, rough[0]) - objective(
        gram, vector, 2.0, l1_ratio, factor, exact[0]
    )
    assert used[0] <= sweeps
    assert np.isfinite(gap[0]) and gap[0] >= excess - 1e-10 * yy


def test_cap_is_met_and_reported():
    x, y = problem(5, shared=30.0)
    gram, vector, yy = grams(x, y)
    _, gap, sweeps = solve(gram, vector, yy, [1e-3], 1.0, max_sweeps=1)
    assert sweeps[0] == 1
    assert gap[0] > 1e-12 * yy


@pytest.mark.parametrize("l1_ratio", [0.9, 1.0])
def test_singular_gram_with_twin_columns(l1_ratio):
    x, y = problem(2, n=10, columns=25)
    x[:, 1] = x[:, 0]
    gram, vector, yy = grams(x, y)
    penalties = np.geomspace(np.abs(vector).max() / l1_ratio, 1e-2, 40)
    ours, gap, sweeps = solve(gram, vector, yy, penalties, l1_ratio, tolerance=1e-9)
    assert np.isfinite(ours).all()
    assert np.all(gap <= 1e-9 * yy) and np.all(sweeps < 20_000)


@pytest.mark.parametrize("l1_ratio", [0.9, 1.0])
def test_zero_columns_stay_at_zero(l1_ratio):
    x, y = problem(4, columns=10)
    x[:, [2, 7]] = 0.0
    gram, vector, yy = grams(x, y)
    factor = np.ones(10)
    factor[7] = 0.0
    ours, gap, _ = solve(gram, vector, yy, [10.0, 1.0], l1_ratio, factor)
    keep = np.delete(np.arange(10), [2, 7])
    without, _, _ = solve(*grams(x[:, keep], y), [10.0, 1.0], l1_ratio)
    np.testing.assert_allclose(ours[:, keep], without, atol=1e-6)
    assert not ours[:, [2, 7]].any()
    assert np.all(gap <= 1e-12 * yy)


def test_unpenalised_column_satisfies_its_normal_equation():
    x, y = problem(6)
    gram, vector, yy = grams(x, y)
    factor = np.ones(vector.size)
    factor[20] = 0.0
    ours, _, _ = solve(gram, vector, yy, [1e6, 10.0], 0.95, factor, tolerance=1e-14)
    assert np.flatnonzero(ours[0]).tolist() == [20]
    np.testing.assert_allclose(ours[0, 20], vector[20] / gram[20, 20])
    assert abs((vector - gram @ ours[1])[20]) < 1e-6 * abs(vector[20])


def test_standardised_path_is_indifferent_to_units():
    x, y = problem(7)
    gram, vector, yy = grams(x, y)
    unit = np.geomspace(1e-4, 1e5, vector.size)
    fraction, plain = standardised_path(gram, vector, yy, tolerance=1e-12)
    _, scaled = standardised_path(gram * np.outer(unit, unit), vector * unit, yy, tolerance=1e-12)
    np.testing.assert_allclose(scaled * unit, plain, atol=1e-6)
    assert fraction[0] == 1.0 and fraction.shape == (60,) and np.all(np.diff(fraction) < 0)
    assert not plain[0].any() and plain[2].any()


def test_standardised_path_excludes_requires_and_signs():
    x, y = problem(8)
    gram, vector, yy = grams(x, y)
    size = vector.size
    flags = np.zeros((2, size), bool)
    flags[0, [5, 9]] = True
    flags[1, 3] = True
    sign = np.zeros(size, np.int64)
    sign[[1, 2]] = [1, -1]
    _, path = standardised_path(gram, vector, yy, excluded=flags[0], required=flags[1], sign=sign)
    assert not path[:, [5, 9]].any()
    assert path[0, 3] != 0 and np.count_nonzero(path[0]) == 1
    assert np.all(path[:, 1] >= 0) and np.all(path[:, 2] <= 0)
    assert np.count_nonzero(path[1]) > 1


def test_standardised_path_of_nothing():
    x, y = problem(9, columns=6)
    gram, vector, yy = grams(x, y)
    _, none = standardised_path(gram, vector, yy, excluded=np.ones(6, bool))
    _, zero = standardised_path(np.zeros((6, 6)), np.zeros(6), 0.0)
    assert none.shape == zero.shape == (60, 6)
    assert not none.any() and not zero.any()


def test_standardised_path_refuses_ridge():
    x, y = problem(9, columns=6)
    with pytest.raises(ValueError, match="l1_ratio"):
        standardised_path(*grams(x, y), l1_ratio=0.0)


@pytest.mark.parametrize("l1_ratio", [0.8, 1.0])
def test_path_from_rows_equals_path_from_gram(l1_ratio):
    rng = np.random.default_rng(11)
    x, y = problem(11, n=30, columns=80)
    size = x.shape[1]
    factor = rng.uniform(0.5, 2.0, size)
    lower = np.where(rng.random(size) < 0.3, 0.0, -FREE)
    x[:, 9] = 0.0
    penalties = np.geomspace(np.abs(x.T @ y).max() / l1_ratio, 1e-2, 40)
    options = (penalties, l1_ratio, factor, lower, np.full(size, FREE), 1e-14, 20_000)
    rows, gap, sweeps = elastic_net_path_rows(np.asfortranarray(x), y, *options)
    gram, _, _ = elastic_net_path(*grams(x, y), *options)
    np.testing.assert_allclose(rows, gram, atol=1e-4)
    assert np.all(gap <= 1e-14 * (y @ y)) and np.all(sweeps < 20_000)
    assert np.count_nonzero(rows[-1]) > 15 and not rows[:, 9].any()


def test_path_from_rows_grows_beyond_the_number_of_rows():
    """The set of columns ever worked on may outgrow its first room."""
    x, y = problem(12, n=12, columns=200, shared=0.0)
    penalties = np.geomspace(np.abs(x.T @ y).max(), 1e-3, 60)
    free = np.full(200, FREE)
    options = (penalties, 1.0, np.ones(200), -free, free, 1e-9, 20_000)
    rows, gap, _ = elastic_net_path_rows(np.asfortranarray(x), y, *options)
    assert np.count_nonzero(rows.any(axis=0)) > 12
    assert np.all(gap <= 1e-9 * (y @ y))


def test_coefficients_do_not_depend_on_where_the_path_began():
    """The inverse kept from penalty to penalty must leave no trace."""
    x, y = problem(13, n=200, columns=40)
    gram, vector, yy = grams(x, y)
    penalties = np.geomspace(np.abs(vector).max() / 0.5, 1e-1, 50)
    whole, _, _ = solve(gram, vector, yy, penalties, 0.5, tolerance=1e-14)
    last, _, _ = solve(gram, vector, yy, penalties[-1:], 0.5, tolerance=1e-14)
    rising, _, _ = solve(gram, vector, yy, penalties[::-1], 0.5, tolerance=1e-14)
    np.testing.assert_allclose(last[0], whole[-1], atol=1e-6)
    np.testing.assert_allclose(rising[::-1], whole, atol=1e-6)

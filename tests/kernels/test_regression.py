"""Gram assembly and polishing against dense NumPy and SciPy's least squares."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares, minimize
from scipy.stats import norm, t

from twinlab.discovery.steps import eliminate_initial
from twinlab.kernels import (
    OK,
    Data,
    Initial,
    no_drive,
    normal_equations,
    nothing_local,
    polish,
    trajectory_sensitivity,
)
from twinlab.kernels.regression import HALVING_BLOCK, add_upper_half

from .systems import plain_entries, predator_prey, tolerance


@pytest.fixture(scope="module")
def problem():
    """Two trajectories of predators and prey, noisy, some entries missing."""
    model, rng = predator_prey(), np.random.default_rng(3)
    starts, times, values = [0], [], []
    initial = np.array([[1.2, 0.6], [2.0, 1.5]])
    for x0, n in zip(initial, (9, 13), strict=True):
        time = np.sort(np.r_[0.0, rng.uniform(0, 6, n - 2), 6.0])
        clean = solve_ivp(model.rhs, (0, 6), x0, "DOP853", time, rtol=1e-10, atol=1e-10).y.T
        times.append(time)
        values.append(clean + 0.05 * rng.standard_normal(clean.shape))
        starts.append(starts[-1] + n)
    weight = np.full((starts[-1], 2), 1 / 0.05)
    weight[rng.random(weight.shape) < 0.2] = 0.0
    value = np.where(weight > 0, np.concatenate(values), 0.0)
    none = np.zeros((0, 3))
    data = Data(
        np.array(starts), np.concatenate(times), value, weight, np.zeros(2, bool),
        np.zeros(value.shape), False, none, none,
    )  # fmt: skip
    prior = Initial(initial + 0.1, np.full((2, 2), 0.5))
    return model, data, prior, initial


def dense_rows(model, data, prior, initial, coefficients):
    """Rows of the joint regression on coefficients and all initial-state shifts."""
    n_column, d, n_trajectory = coefficients.size, 2, len(initial)
    rows, z = [], []
    for r in range(n_trajectory):
        part = slice(data.start[r], data.start[r + 1])
        time = data.time[part]
        x, s = np.empty((time.size, d)), np.empty((time.size, d, n_column + d))
        trajectory_sensitivity(
            initial[r], time, model.terms, model.entries, coefficients, model.terms,
            model.entries, r, no_drive(n_trajectory, d), tolerance(d, 1e-8), x, s,
        )  # fmt: skip
        for i in range(time.size):
            for e in range(d):
                weight = data.weight[part][i, e]
                if weight == 0:
                    continue
                row = np.zeros(n_column + d * n_trajectory)
                row[:n_column] = weight * s[i, e, :n_column]
                row[n_column + r * d : n_column + (r + 1) * d] = weight * s[i, e, n_column:]
                rows.append(row)
                change = s[i, e, :n_column] @ coefficients
                z.append(weight * (data.value[part][i, e] - x[i, e] + change))
        for e in range(d):
            row = np.zeros(n_column + d * n_trajectory)
            row[n_column + r * d + e] = np.sqrt(prior.precision[r, e])
            rows.append(row)
            z.append(np.sqrt(prior.precision[r, e]) * (prior.mean[r, e] - initial[r, e]))
    return np.array(rows), np.array(z)


def test_gram_equals_the_dense_regression_with_initial_states_eliminated(problem):
    model, data, prior, initial = problem
    w = model.coefficients
    status, cost, *blocks = normal_equations(
        initial, w, model.terms, model.entries, nothing_local(w.size, 2), w, model.terms,
        model.entries, nothing_local(w.size, 2), data, prior, no_drive(2, 2),
        tolerance(2, 1e-8), np.zeros(w.size), np.empty_like(data.value),
    )  # fmt: skip
    assert status == OK
    got = eliminate_initial(w, initial, cost, tuple(blocks), 0.0)
    gram, vector, yy = got.matrix, got.vector, got.yy
    offset, slope, hessian = got.initial_offset, got.initial_slope, got.initial_hessian
    rows, z = dense_rows(model, data, prior, initial, w)
    k = w.size
    design, nuisance = rows[:, :k], rows[:, k:]
    # Project the nuisance columns out by least squares.
    keep = np.eye(len(z)) - nuisance @ np.linalg.pinv(nuisance)
    np.testing.assert_allclose(gram, design.T @ keep @ design, rtol=1e-7, atol=1e-6)
    np.testing.assert_allclose(vector, design.T @ keep @ z, rtol=1e-7, atol=1e-6)
    assert yy == pytest.approx(z @ keep @ z, rel=1e-8)
    trial = w * 1.1
    best = np.linalg.lstsq(nuisance, z - design @ trial, rcond=None)[0].reshape(2, 2)
    np.testing.assert_allclose(offset - slope @ trial, initial + best, rtol=1e-7)
    block = nuisance.T @ nuisance
    np.testing.assert_allclose(hessian[1], block[2:, 2:], rtol=1e-8)


def active(model, columns):
    """The model of some columns alone, renumbered."""
    keep = np.isin(model.entries.column, columns)
    entries = model.entries._replace(
        state=model.entries.state[keep],
        term=model.entries.term[keep],
        column=np.searchsorted(columns, model.entries.column[keep]),
        value=model.entries.value[keep],
    )
    return entries


def residuals(packed, model, entries, data, prior, precision, logarithmic=False):
    """Everything whose squares the polish minimises, by SciPy's own integration."""
    k = precision.size
    w, initial = packed[:k], packed[k:].reshape(2, 2)
    reduced = model._replace(entries=entries)
    out = [np.sqrt(precision) * w]
    for r in range(2):
        part = slice(data.start[r], data.start[r + 1])
        time = data.time[part]
        x = solve_ivp(
            lambda t, y: reduced.rhs(t, y, w), (time[0], time[-1]), initial[r], "DOP853", time,
            rtol=1e-9, atol=1e-9,
        ).y.T  # fmt: skip
        seen = data.weight[part] > 0
        gap = (
            np.log(data.value[part][seen] / x[seen])
            if logarithmic
            else (data.value[part] - x)[seen]
        )
        out += [data.weight[part][seen] * gap]
        out.append(np.sqrt(prior.precision[r]) * (initial[r] - prior.mean[r]))
    return np.concatenate(out)


@pytest.mark.parametrize("logarithmic", [False, True])
def test_polish_finds_the_least_squares_optimum(problem, logarithmic):
    model, data, prior, initial = problem
    data = data._replace(logarithmic=np.full(2, logarithmic), value=np.maximum(data.value, 0.02))
    columns = np.nonzero(model.coefficients)[0]
    entries, precision = active(model, columns), np.full(4, 0.01)
    free = np.full(4, np.inf)
    start = model.coefficients[columns] * np.array([0.8, 1.2, 1.1, 0.9])
    status, w, x0, cost, h_w, h_x, cross, x = polish(
        initial, start, model.terms, entries, nothing_local(4, 2), data, prior,
        no_drive(2, 2), tolerance(2, 1e-8), precision, -free, free, 40, 1e-3, 1e-3,
    )  # fmt: skip
    assert status == OK
    best = least_squares(
        residuals,
        np.r_[start, initial.ravel()],
        args=(model, entries, data, prior, precision, logarithmic),
        xtol=1e-12,
        ftol=1e-12,
    )
    assert cost == pytest.approx(2 * best.cost, rel=1e-5)
    np.testing.assert_allclose(np.r_[w, x0.ravel()], best.x, rtol=2e-3)
    hessian = best.jac.T @ best.jac
    np.testing.assert_allclose(h_w, hessian[:4, :4], rtol=5e-3, atol=1e-2 * hessian[:4, :4].max())
    np.testing.assert_allclose(h_x[1], hessian[6:, 6:], rtol=5e-3, atol=1.0)
    np.testing.assert_allclose(cross[1], hessian[:4, 6:], rtol=5e-3, atol=1e-2 * hessian.max())


def test_a_rough_fit_ends_within_its_standstill(problem):
    model, data, prior, initial = problem
    columns = np.nonzero(model.coefficients)[0]
    entries, precision = active(model, columns), np.full(4, 0.01)
    start, free = model.coefficients[columns] * 1.4, np.full(4, np.inf)
    fixed = (
        model.terms, entries, nothing_local(4, 2), data, prior, no_drive(2, 2),
        tolerance(2, 1e-8), precision, -free, free, 60, 1e-3,
    )  # fmt: skip
    cost, rough = (polish(initial, start, *fixed, standstill)[3] for standstill in (1e-6, 3.0))
    assert cost < rough < cost + 3.0


def test_polish_respects_bounds_and_reports_a_bad_start(problem):
    model, data, prior, initial = problem
    columns = np.nonzero(model.coefficients)[0]
    entries, precision = active(model, columns), np.full(4, 0.01)
    fixed = (
        model.terms, entries, nothing_local(4, 2), data, prior, no_drive(2, 2),
        tolerance(2, 1e-6), precision,
    )  # fmt: skip
    upper = np.array([0.9, np.inf, np.inf, np.inf])
    free = np.full(4, np.inf)
    _, w, *_ = polish(initial, model.coefficients[columns], *fixed, -free, upper, 20, 1e-3, 1e-3)
    assert w[0] <= 0.9
    explosive = np.array([50.0, 40.0, 3.0, 50.0])
    status, *_ = polish(initial, explosive, *fixed, -free, free, 5, 1e-3, 1e-3)
    assert status != OK


def test_half_of_a_symmetric_product_is_the_product():
    rows = np.random.default_rng(2).standard_normal((30, 2 * HALVING_BLOCK + 7))
    out = np.ones((rows.shape[1], rows.shape[1]))
    add_upper_half(rows, out)
    upper = np.triu_indices(rows.shape[1])
    np.testing.assert_allclose(out[upper], 1.0 + (rows.T @ rows)[upper], rtol=1e-12, atol=1e-12)


def test_empty_model_can_be_polished(problem):
    model, data, prior, initial = problem
    entries, none = active(model, np.zeros(0, int)), np.zeros(0)
    status, w, x0, cost, h_w, *_ = polish(
        initial, none, model.terms, entries, nothing_local(0, 2), data, prior,
        no_drive(2, 2), tolerance(2, 1e-6),
        none, none, none, 10, 1e-3, 1e-3,
    )  # fmt: skip
    assert status == OK and w.size == 0 and h_w.shape == (0, 0)
    weight = data.weight[: data.start[1]] ** 2
    mean = (weight * data.value[: data.start[1]]).sum(0) + prior.precision[0] * prior.mean[0]
    np.testing.assert_allclose(x0[0], mean / (weight.sum(0) + prior.precision[0]), rtol=1e-6)


def test_plain_entries_are_sorted_by_state():
    assert (np.diff(plain_entries(3, 4).state) >= 0).all()


@pytest.mark.parametrize("student", [False, True])
def test_polish_finds_the_maximum_of_the_censored_likelihood(problem, student):
    model, data, prior, initial = problem
    limit = 1.2
    below = (data.value[:, 1] < limit) & (data.weight[:, 1] > 0)
    value, censored = data.value.copy(), np.zeros(data.value.shape)
    value[below, 1], censored[below, 1] = limit, 1.0
    # Two gross errors, which a t distribution bears.
    value[3, 0] += 1.0
    value[15, 0] -= 1.0
    data = data._replace(value=value, censored=censored, student=student)
    assert below.sum() > 3
    columns = np.nonzero(model.coefficients)[0]
    entries, precision = active(model, columns), np.full(4, 0.01)
    start, free = model.coefficients[columns] * 1.05, np.full(4, np.inf)
    status, w, x0, cost, *_ = polish(
        initial, start, model.terms, entries, nothing_local(4, 2), data, prior,
        no_drive(2, 2), tolerance(2, 1e-8), precision, -free, free, 60, 1e-3, 1e-3,
    )  # fmt: skip
    assert status == OK
    law = t(4) if student else norm
    order_below = np.concatenate(
        [censored[a:b][data.weight[a:b] > 0] for a, b in pairwise(data.start)]
    )

    def minus_two_log(packed):
        parts, place, total = residuals(packed, model, entries, data, prior, precision), 4, 0.0
        total += (parts[:4] ** 2).sum()
        rows = []
        for r in range(2):
            n = int((data.weight[data.start[r] : data.start[r + 1]] > 0).sum())
            rows.append(parts[place : place + n])
            total += (parts[place + n : place + n + 2] ** 2).sum()
            place += n + 2
        rows = np.concatenate(rows)
        known = order_below == 0
        total -= 2 * (law.logpdf(rows[known]) - law.logpdf(0.0)).sum()
        return total - 2 * law.logcdf(rows[~known]).sum()

    best = minimize(minus_two_log, np.r_[w, x0.ravel()], method="BFGS", options={"gtol": 1e-3})
    assert cost == pytest.approx(minus_two_log(np.r_[w, x0.ravel()]), rel=1e-5)
    assert cost == pytest.approx(best.fun, abs=2e-3)
    np.testing.assert_allclose(np.r_[w, x0.ravel()], best.x, rtol=3e-3)


def observables(x):
    """The states, a sum with an offset, and a ratio of two sums, in NumPy."""
    total = 2.0 * x[..., 0] + x[..., 1] + 0.3
    ratio = 100.0 * x[..., 0] / (x[..., 0] + 0.5 * x[..., 1] + 0.1)
    return np.concatenate([x, total[..., None], ratio[..., None]], axis=-1)


def test_derived_and_logarithmic_observables_by_finite_differences(problem):
    """Value, cost, gradient and rows of sums, ratios and a column on the log scale."""
    model, data, prior, initial = problem
    rng = np.random.default_rng(5)
    numerator = np.array([[2.0, 1.0, 0.3], [100.0, 0.0, 0.0]])
    denominator = np.array([[0.0, 0.0, 1.0], [1.0, 0.5, 0.1]])
    wide = np.abs(rng.normal(2.0, 0.5, (len(data.value), 4)))
    weight = rng.uniform(0.5, 2.0, wide.shape) * (rng.random(wide.shape) < 0.7)
    data = data._replace(
        value=wide, weight=weight, censored=np.zeros(wide.shape), numerator=numerator,
        denominator=denominator, logarithmic=np.array([False, True, False, True]),
    )  # fmt: skip
    k, x_all = model.coefficients.size, np.empty(wide.shape)
    flat, same = Initial(prior.mean, np.full((2, 2), 1e-12)), nothing_local(k, 2)

    def equations(w, start):
        return normal_equations(
            start, w, model.terms, model.entries, same, w, model.terms, model.entries, same, data,
            flat, no_drive(2, 2), tolerance(2, 1e-9), np.zeros(k), x_all,
        )  # fmt: skip

    w = model.coefficients + 0.01
    status, cost, h_w, g_w, _, g_x, _ = equations(w, initial)
    assert status == OK
    np.testing.assert_allclose(observables(x_all[:, :2]), x_all, rtol=1e-12)
    plain = weight * (wide - x_all)
    logged = weight * np.log(wide / x_all)
    own = np.where([False, True, False, True], logged, plain)
    assert cost == pytest.approx((own**2).sum(), rel=1e-8)
    step = 1e-5
    for a in (1, 4, 7, 8):
        high, low = w.copy(), w.copy()
        high[a] += step
        low[a] -= step
        slope = (equations(high, initial)[1] - equations(low, initial)[1]) / (2.0 * step)
        assert g_w[a] == pytest.approx(-0.5 * slope, rel=1e-4, abs=1e-4 * np.abs(g_w).max())
    moved = initial.copy()
    moved[1, 0] += step
    high = equations(w, moved)[1]
    moved[1, 0] -= 2.0 * step
    slope = (high - equations(w, moved)[1]) / (2.0 * step)
    assert g_x[1, 0] == pytest.approx(-0.5 * slope, rel=1e-4)
    # The Gauss-Newton block is that of the rows' own slopes.
    a = 4
    high, low = w.copy(), w.copy()
    high[a] += step
    low[a] -= step
    rows = []
    for trial in (high, low):
        equations(trial, initial)
        rows.append(np.where([False, True, False, True], np.log(x_all), x_all) * weight)
    own_slope = (rows[0] - rows[1]) / (2.0 * step)
    assert h_w[a, a] == pytest.approx((own_slope**2).sum(), rel=1e-4)

"""Coefficients that differ between trajectories, against SciPy with every parameter dense."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares

from twinlab.kernels import (
    OK,
    Data,
    Initial,
    Local,
    no_drive,
    normal_equations,
    nothing_local,
    polish,
)

from .systems import predator_prey, tolerance

N = 4


@pytest.fixture(scope="module")
def problem():
    """Four trajectories; the growth of the prey differs, the predators' death by a covariate."""
    model, rng = predator_prey(), np.random.default_rng(5)
    columns = np.nonzero(model.coefficients)[0]
    keep = np.isin(model.entries.column, columns)
    entries = model.entries._replace(
        state=model.entries.state[keep],
        term=model.entries.term[keep],
        column=np.searchsorted(columns, model.entries.column[keep]),
        value=model.entries.value[keep],
    )
    small = model._replace(entries=entries)
    w = model.coefficients[columns]
    local = Local(
        np.array([0, -1, 1, 0]), 2, 4, np.array([1, 0]), rng.standard_normal((N, 2)) * 0.5,
        np.array([[False, False], [False, True], [True, True], [False, False]]),
    )  # fmt: skip
    initial = np.hstack([rng.uniform(0.7, 2.0, (N, 2)), 0.2 * rng.standard_normal((N, 1))])
    effects = np.array([0.3, -0.2])
    time = np.linspace(0.0, 5.0, 12)
    value = np.concatenate(
        [simulated(small, np.r_[w, effects], initial[r], r, local, time) for r in range(N)]
    )
    value = value + 0.03 * rng.standard_normal(value.shape)
    data = Data(
        np.arange(N + 1) * 12, np.tile(time, N), value, np.full(value.shape, 1 / 0.03),
        np.zeros(2, bool), np.zeros(value.shape), False, np.zeros((0, 3)), np.zeros((0, 3)),
    )  # fmt: skip
    precision = np.tile([0.5, 0.5, 1 / 0.3**2], (N, 1))
    prior = Initial(initial * np.array([1.1, 0.9, 0.0]), precision)
    return small, w, effects, local, initial, data, prior


def coefficients_of(w, own, r, local):
    log = np.zeros(2)
    log[0] = own[2]
    np.add.at(log, local.effect_slot, w[4:] * local.effect[r])
    log[local.off[r]] = -np.inf
    return w[:4] * np.where(local.slot >= 0, np.exp(log[local.slot]), 1.0)


def simulated(model, w, own, r, local, time):
    coefficients = coefficients_of(w, own, r, local)
    return solve_ivp(
        lambda t, y: model.rhs(t, y, coefficients), (0, time[-1]), own[:2], "DOP853", time,
        rtol=1e-9, atol=1e-9,
    ).y.T  # fmt: skip


def residuals(packed, model, local, data, prior, precision):
    w, own = packed[:6], packed[6:].reshape(N, 3)
    out = [np.sqrt(precision) * w]
    for r in range(N):
        part = slice(data.start[r], data.start[r + 1])
        gap = data.value[part] - simulated(model, w, own[r], r, local, data.time[part])
        out += [(data.weight[part] * gap).ravel()]
        out.append(np.sqrt(prior.precision[r]) * (own[r] - prior.mean[r]))
    return np.concatenate(out)


def test_equations_are_those_of_the_dense_regression(problem):
    model, w, effects, local, initial, data, prior = problem
    shared, precision = np.r_[w, effects] * 1.05, np.full(6, 0.01)
    status, cost, h_w, g_w, h_x, g_x, cross = normal_equations(
        initial, shared, model.terms, model.entries, local, shared, model.terms, model.entries,
        local, data, prior, no_drive(N, 2), tolerance(2, 1e-8), precision,
        np.empty_like(data.value),
    )  # fmt: skip
    assert status == OK
    packed = np.r_[shared, initial.ravel()]
    fixed = (model, local, data, prior, precision)
    rows = residuals(packed, *fixed)
    slope = np.stack(
        [
            (residuals(packed + step, *fixed) - residuals(packed - step, *fixed)) / 2e-5
            for step in 1e-5 * np.eye(packed.size)
        ],
        axis=1,
    )
    hessian, gradient = slope.T @ slope, -slope.T @ rows
    scale = np.sqrt(np.diag(hessian))
    assert cost == pytest.approx(rows @ rows, rel=1e-6)

    def agree(mine, reference, by):
        np.testing.assert_allclose(mine / by, reference / by, atol=1e-4)

    agree(h_w, hessian[:6, :6], np.outer(scale[:6], scale[:6]))
    agree(g_w, gradient[:6], scale[:6] * np.sqrt(cost))
    for r in range(N):
        own = slice(6 + 3 * r, 9 + 3 * r)
        agree(h_x[r], hessian[own, own], np.outer(scale[own], scale[own]))
        agree(cross[r], hessian[:6, own], np.outer(scale[:6], scale[own]))
        agree(g_x[r], gradient[own], scale[own] * np.sqrt(cost))


def test_polish_finds_the_joint_optimum(problem):
    model, w, effects, local, initial, data, prior = problem
    precision, free = np.full(6, 0.01), np.full(6, np.inf)
    start = initial.copy()
    start[:, 2] = 0.0
    status, found, own, cost, *_ = polish(
        start, np.r_[w * 1.1, 0.0, 0.0], model.terms, model.entries, local, data, prior,
        no_drive(N, 2), tolerance(2, 1e-8), precision, -free, free, 40, 1e-7, 1e-3,
    )  # fmt: skip
    assert status == OK
    best = least_squares(
        residuals,
        np.r_[found, own.ravel()],
        args=(model, local, data, prior, precision),
        xtol=1e-11,
        ftol=1e-11,
    )
    assert cost == pytest.approx(2 * best.cost, abs=2e-3)
    np.testing.assert_allclose(np.r_[found, own.ravel()], best.x, rtol=0.01, atol=0.01)


def test_no_slot_is_the_plain_model(problem):
    """Bit for bit: what does not vary costs and changes nothing."""
    model, w, _, local, initial, data, prior = problem
    states = Initial(prior.mean[:, :2].copy(), prior.precision[:, :2].copy())
    plain = initial[:, :2].copy()
    still = local._replace(
        slot=np.full(4, -1), n_slot=0, effect_slot=np.zeros(0, int), effect=np.zeros((N, 0)),
        off=np.zeros((N, 0), bool),
    )  # fmt: skip
    fixed = (data, states, no_drive(N, 2), tolerance(2, 1e-6), np.full(4, 0.01))
    out = [
        normal_equations(
            plain,
            w,
            model.terms,
            model.entries,
            table,
            w,
            model.terms,
            model.entries,
            table,
            *fixed,
            np.empty_like(data.value),
        )  # fmt: skip
        for table in (still, nothing_local(4, N))
    ]
    # A slot whose factor is one everywhere gives the same too.
    one = local._replace(
        effect_slot=np.zeros(0, int), effect=np.zeros((N, 0)), off=np.zeros((N, 2), bool)
    )
    varied = normal_equations(
        np.hstack([plain, np.zeros((N, 1))]), w, model.terms, model.entries, one, w, model.terms,
        model.entries, one, data, prior._replace(mean=prior.mean), *fixed[2:],
        np.empty_like(data.value),
    )  # fmt: skip
    for first, second in zip(*out, strict=True):
        np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(varied[2], out[0][2], rtol=1e-12)
    np.testing.assert_allclose(varied[4][:, :2, :2], out[0][4], rtol=1e-12)

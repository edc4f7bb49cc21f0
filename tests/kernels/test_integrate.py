"""The integrators against SciPy at tight tolerance."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline

from twinlab.expressions.table import term_table
from twinlab.expressions.term import Term
from twinlab.kernels import OK, integrate, integrate_draws, no_drive
from twinlab.kernels.integrate import DIVERGED, TOO_MANY_STEPS

from .systems import (
    Entries,
    gene_network,
    plain_entries,
    predator_prey,
    regular_drive,
    tolerance,
)


def run(model, x0, time, tol, drive=None):
    d = len(x0)
    out = np.empty((time.size, d))
    status = integrate(
        np.array(x0, float),
        time,
        model.terms,
        model.entries,
        model.coefficients,
        0,
        drive or no_drive(1, d),
        tol,
        out,
    )
    return status, out


@pytest.mark.parametrize(
    ("model", "x0"), [(predator_prey(), [1.5, 0.7]), (gene_network(), [2.0, 0.1, 0.3])]
)
def test_matches_scipy_at_dense_and_sparse_times(model, x0):
    time = np.sort(np.r_[0.0, np.random.default_rng(0).uniform(0, 12, 57), 12.0])
    status, out = run(model, x0, time, tolerance(len(x0)))
    truth = solve_ivp(model.rhs, (0, 12), x0, "DOP853", time, rtol=1e-12, atol=1e-12).y.T
    assert status == OK
    np.testing.assert_allclose(out, truth, rtol=2e-7, atol=2e-8)


def test_error_falls_with_the_tolerance():
    model, time = predator_prey(), np.linspace(0, 10, 41)
    truth = solve_ivp(model.rhs, (0, 10), [1.5, 0.7], "DOP853", time, rtol=1e-12, atol=1e-13).y.T
    errors = [
        abs(run(model, [1.5, 0.7], time, tolerance(2, r))[1] - truth).max()
        for r in (1e-3, 1e-5, 1e-7)
    ]
    assert errors[0] > 5 * errors[1] > 25 * errors[2]
    assert errors[2] < 1e-6


def test_times_need_not_start_at_zero():
    model = predator_prey()
    _, early = run(model, [1.0, 2.0], np.linspace(0, 8, 9), tolerance(2))
    _, late = run(model, [1.0, 2.0], np.linspace(1900, 1908, 9), tolerance(2))
    np.testing.assert_allclose(early, late, rtol=1e-7)


def test_divergence_and_the_step_cap_are_reported():
    names = ["x"]
    terms = term_table([Term.product({"x": 2})], names)
    explosive = predator_prey()._replace(
        terms=terms, entries=plain_entries(1, 1), coefficients=np.ones(1)
    )
    time = np.linspace(0, 2, 11)
    status, out = run(explosive, [1.0], time, tolerance(1))
    assert status == DIVERGED
    assert np.isnan(out[time >= 1.0]).all()
    np.testing.assert_allclose(out[time < 0.9, 0], 1 / (1 - time[time < 0.9]), rtol=1e-6)
    status, _ = run(predator_prey(), [1.0, 1.0], time, tolerance(2, max_steps=3))
    assert status == TOO_MANY_STEPS


def test_inputs_drive_and_nudging_pulls():
    terms = term_table([Term.product({"u": 1}), Term.product({"x": 1})], ["x", "u"])
    entries = Entries(np.array([0, 0]), np.array([0, 1]), np.array([0, 1]), np.ones(2))
    grid = np.linspace(0, 5, 51)
    spline_u, spline_x = CubicSpline(grid, np.sin(grid)), CubicSpline(grid, np.cos(grid))
    drive = regular_drive(
        0.1,
        np.ascontiguousarray(spline_u.c.T[None, :, :, None]),
        np.ascontiguousarray(spline_x.c.T[None, :, :, None]),
        np.array([3.0]),
    )
    out = np.empty((11, 1))
    time = np.linspace(0, 5, 11)
    w = np.array([2.0, -0.7])
    status = integrate(np.array([0.4]), time, terms, entries, w, 0, drive, tolerance(1), out)

    def rhs(t, x):
        return 2.0 * spline_u(t) - 0.7 * x + 3.0 * (spline_x(t) - x)

    truth = solve_ivp(rhs, (0, 5), [0.4], "DOP853", time, rtol=1e-11, atol=1e-12).y.T
    assert status == OK
    np.testing.assert_allclose(out, truth, rtol=1e-6, atol=1e-7)


def test_draws_are_the_single_runs_in_any_split():
    model, rng = predator_prey(), np.random.default_rng(1)
    time = np.linspace(0, 10, 30)
    initial = rng.uniform(0.5, 2, (6, 2))
    w = model.coefficients * rng.uniform(0.8, 1.2, (6, 12))
    whole, halves = np.empty((6, 30, 2)), np.empty((6, 30, 2))
    status = np.empty(6, np.int64)
    fixed = (model.terms, model.entries)
    drive, tol = no_drive(1, 2), tolerance(2)
    integrate_draws(initial, time, *fixed, w, 0, drive, tol, whole, status)
    for part in (slice(0, 3), slice(3, 6)):
        integrate_draws(
            initial[part], time, *fixed, w[part], 0, drive, tol, halves[part], status[part]
        )
    assert (status == OK).all()
    assert np.array_equal(whole, halves)
    single = run(model._replace(coefficients=w[4]), initial[4], time, tol)[1]
    assert np.array_equal(whole[4], single)

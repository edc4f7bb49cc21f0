"""Sensitivities against the variational equation integrated by SciPy."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline

from twinlab.expressions.kinds import HILL_BY_COEFFICIENT, HILL_BY_HALF
from twinlab.kernels import OK, evaluate_terms, no_drive, trajectory_sensitivity
from twinlab.kernels.flow import factor_value, flow_jacobian
from twinlab.kernels.linear import divide_right

from .systems import gene_network, predator_prey, regular_drive, tolerance


def jacobian(model, x, w, kappa):
    """Central differences of the plain right-hand side."""
    d = len(x)
    out = np.empty((d, d))
    for m in range(d):
        step = np.zeros(d)
        step[m] = 1e-6
        out[:, m] = (model.rhs(0, x + step, w) - model.rhs(0, x - step, w)) / 2e-6
    return out - np.diag(kappa)


def reference(model, x0, time, target=None, kappa=0.0):
    """Solve ``dS/dt = J S + df/dw`` column by column with SciPy."""
    d, n_entry = len(x0), model.entries.state.size
    kappa = np.full(d, kappa)

    def rhs(t, packed):
        x, s = packed[:d], packed[d:].reshape(d, n_entry + d)
        values = dict(zip(model.names, x, strict=True))
        theta = np.array([float(term.evaluate(values)) for term in model.listed])
        source = np.zeros((d, n_entry + d))
        source[model.entries.state, np.arange(n_entry)] = (
            theta[model.entries.term] * model.entries.value
        )
        pull = kappa * (target(t) - x) if target is not None else 0.0
        ds = jacobian(model, x, model.coefficients, kappa) @ s + source
        return np.r_[model.rhs(t, x) + pull, ds.ravel()]

    start = np.zeros((d, n_entry + d))
    start[:, n_entry:] = np.eye(d)
    packed = solve_ivp(
        rhs, (time[0], time[-1]), np.r_[x0, start.ravel()], "DOP853", time, rtol=1e-10, atol=1e-11
    ).y.T
    return packed[:, :d], packed[:, d:].reshape(-1, d, n_entry + d)


def run(model, x0, time, drive, relative):
    d, n_entry = len(x0), model.entries.state.size
    x, s = np.empty((time.size, d)), np.empty((time.size, d, n_entry + d))
    status = trajectory_sensitivity(
        np.array(x0, float),
        time,
        model.terms,
        model.entries,
        model.coefficients,
        model.terms,
        model.entries,
        0,
        drive,
        tolerance(d, relative),
        x,
        s,
    )
    assert status == OK
    return x, s


@pytest.mark.parametrize(
    ("model", "x0"), [(predator_prey(), [1.5, 0.7]), (gene_network(), [2.0, 0.1, 0.3])]
)
def test_all_columns_match_the_variational_equation(model, x0):
    time = np.array([0.0, 0.3, 1.1, 2.0, 4.5, 8.0])
    x_ref, s_ref = reference(model, x0, time)
    scale = abs(s_ref).max(axis=0)
    x, s = run(model, x0, time, no_drive(1, len(x0)), 1e-8)
    np.testing.assert_allclose(x, x_ref, rtol=1e-6, atol=1e-7)
    assert (abs(s - s_ref) / (scale + 1e-9)).max() < 1e-5
    # At the tolerance the fits use, sensitivities still have three digits.
    _, rough = run(model, x0, time, no_drive(1, len(x0)), 1e-5)
    assert (abs(rough - s_ref) / (scale + 1e-9)).max() < 2e-3


def test_nudged_sensitivities_match():
    model, time = predator_prey(), np.linspace(0, 6, 9)
    grid = np.linspace(0, 6, 61)
    spline = CubicSpline(grid, np.c_[1 + 0.5 * np.sin(grid), 1 + 0.5 * np.cos(grid)])
    drive = regular_drive(
        0.1,
        np.zeros((1, 60, 4, 0)),
        np.ascontiguousarray(spline.c.transpose(1, 0, 2)[None]),
        np.full(2, 2.5),
    )
    x_ref, s_ref = reference(model, [1.2, 0.9], time, spline, 2.5)
    x, s = run(model, [1.2, 0.9], time, drive, 1e-8)
    np.testing.assert_allclose(x, x_ref, rtol=1e-5)
    np.testing.assert_allclose(s, s_ref, atol=2e-5)


def test_jacobian_matches_finite_differences():
    model = gene_network()
    x = np.array([1.3, 0.6, 0.4])
    dx, jac = np.empty(3), np.empty((3, 3))
    n_term = len(model.listed)
    flow_jacobian(
        0.0, x, model.terms, model.entries, model.coefficients, 0, no_drive(1, 3),
        np.empty(3), np.empty(n_term), np.empty((n_term, 3)), dx, jac,
    )  # fmt: skip
    np.testing.assert_allclose(dx, model.rhs(0, x), rtol=1e-12)
    np.testing.assert_allclose(jac, jacobian(model, x, None, np.zeros(3)), atol=1e-8)


def test_terms_match_the_numpy_reference():
    model = gene_network()
    x = np.array([1.3, 0.6, 0.4])
    theta = np.empty(len(model.listed))
    evaluate_terms(x, model.terms, theta)
    values = dict(zip(model.names, x, strict=True))
    np.testing.assert_allclose(theta, [term.evaluate(values) for term in model.listed])


@pytest.mark.parametrize("value", [0.0, 1e-9, 0.4, 1.7, 2e3])
@pytest.mark.parametrize("half", [0.3, 1.7])
@pytest.mark.parametrize("hill", [1.0, 2.6, 9.0])
def test_derivatives_of_hill_functions_by_their_constants(value, half, hill):
    """Against complex-step differences, which do not cancel (Squire and Trapp 1998)."""

    def activation(half, hill):
        return 1.0 / (1.0 + (half / max(value, 1e-12 * half.real)) ** hill)

    step = 1e-20
    by_half = activation(half * np.exp(1j * step), hill).imag / step
    by_coefficient = activation(half + 0j, hill * np.exp(1j * step)).imag / step
    got = [factor_value(kind, hill, half, value) for kind in (HILL_BY_HALF, HILL_BY_COEFFICIENT)]
    np.testing.assert_allclose(
        [-hill * got[0], hill * got[1]], [by_half, by_coefficient], rtol=1e-9, atol=1e-60
    )


def test_divide_right_needs_pivots():
    rng = np.random.default_rng(0)
    for d in (1, 2, 5, 9, 20):
        m, p = rng.standard_normal((d, d)), rng.standard_normal((d, d))
        m[0, 0] = 0.0 if d > 1 else 2.0
        out = np.empty((d, d))
        assert divide_right(p, m, out, np.empty((d, d)))
        np.testing.assert_allclose(out @ m, p, atol=1e-9)
    assert not divide_right(np.eye(2), np.zeros((2, 2)), np.empty((2, 2)), np.empty((2, 2)))

"""The implicit methods: order, agreement with SciPy's Radau, the choice, and failures in words."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from twinlab.kernels import OK, STATUS_TEXT, Drive, integrate, no_drive, trajectory_sensitivity
from twinlab.kernels.control import (
    DIVERGED,
    STEP_TOO_SMALL,
    TOO_MANY_STEPS,
    TOO_STIFF,
)
from twinlab.kernels.linear import factorise, solve_factored
from twinlab.kernels.rosenbrock_tableau import (
    COUPLING,
    DENSE,
    GAMMA,
    NODES,
    RADAU,
    RADAU_GAMMA,
    RADAU_NODES,
    STAGES,
    TIME_SLOPE,
)

from .stiff_systems import Case, drug_and_target, model, radau, radau_sensitivity, robertson
from .stiff_systems import van_der_pol as relaxation
from .systems import regular_drive


def run(case, relative, drive=None, max_steps=20_000):
    made, d = case.model, case.initial.size
    out = np.empty((case.time.size, d))
    status = integrate(
        case.initial, case.time, made.terms, made.entries, made.coefficients, 0,
        drive or no_drive(1, d), case.tolerance(relative, max_steps), out,
    )  # fmt: skip
    return status, out


def run_sensitivity(case, relative, drive=None, max_steps=20_000):
    made, d, n = case.model, case.initial.size, case.model.entries.state.size
    x, s = np.empty((case.time.size, d)), np.empty((case.time.size, d, n + d))
    status = trajectory_sensitivity(
        case.initial, case.time, made.terms, made.entries, made.coefficients, made.terms,
        made.entries, 0, drive or no_drive(1, d), case.tolerance(relative, max_steps), x, s,
    )  # fmt: skip
    return status, x, s


def test_the_method_has_order_five_and_its_dense_output_four():
    """A plain NumPy step on a problem that is nonlinear and depends on time."""

    def f(t, y):
        return np.array([-y[0] * y[1] + np.cos(t), -3 * y[1] ** 2 + y[0] * np.sin(2 * t)])

    def step(t, h, y):
        jacobian = np.array([[-y[1], -y[0]], [np.sin(2 * t), -6 * y[1]]])
        in_time = np.array([-np.sin(t), 2 * y[0] * np.cos(2 * t)])
        u = np.zeros((8, 2))
        for s in range(8):
            state = y + STAGES[s] @ u
            rhs = f(t + NODES[s] * h, state) + COUPLING[s] @ u / h + h * TIME_SLOPE[s] * in_time
            u[s] = np.linalg.solve(np.eye(2) / (h * GAMMA) - jacobian, rhs)
        return state + u[7], u

    exact = solve_ivp(f, (0, 2), [1.0, 0.5], "DOP853", dense_output=True, rtol=1e-13, atol=1e-14)
    errors = []
    for n in (16, 32, 64):
        y, h, inside, local = np.array([1.0, 0.5]), 2 / n, 0.0, 0.0
        for i in range(n):
            y_new, u = step(i * h, h, y)
            for s in (0.25, 0.5, 0.75):
                d = DENSE @ u
                state = (1 - s) * y + s * (y_new + (1 - s) * (d[0] + s * (d[1] + s * d[2])))
                inside = max(inside, abs(state - exact.sol((i + s) * h)).max())
            local = max(local, abs(u[7]).max())
            y = y_new
        errors.append([abs(y - exact.sol(2.0)).max(), inside, local])
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    # Solution 5, dense output 4 + 1 in one step, estimate 4 + 1 in one step.
    assert (orders[:, 0] > 4.5).all()
    assert (orders[:, 1] > 4.5).all()
    assert ((orders[:, 2] > 4.3) & (orders[:, 2] < 5.3)).all()


def test_radau_integrates_its_polynomials():
    for power in range(3):
        np.testing.assert_allclose(
            RADAU @ RADAU_NODES**power, RADAU_NODES ** (power + 1) / (power + 1), atol=1e-14
        )
    for power in range(5):
        assert RADAU[2] @ RADAU_NODES**power == pytest.approx(1 / (power + 1))
    assert np.abs(np.linalg.eigvals(RADAU) - RADAU_GAMMA).min() < 1e-12


def test_factors_solve_and_a_singular_matrix_is_refused():
    rng = np.random.default_rng(0)
    for d in (1, 3, 8):
        matrix, b = rng.standard_normal((d, d)), rng.standard_normal(d)
        matrix[0, 0] = 0.0 if d > 1 else 2.0
        factors, pivot, x = matrix.copy(), np.empty(d, np.int64), b.copy()
        assert factorise(factors, pivot)
        solve_factored(factors, pivot, x)
        np.testing.assert_allclose(matrix @ x, b, atol=1e-10)
    for bad in (np.ones((2, 2)), np.full((2, 2), np.nan), np.full((2, 2), np.inf)):
        assert not factorise(bad, np.empty(2, np.int64))


@pytest.mark.parametrize("case", [robertson(), drug_and_target(), relaxation()])
def test_every_component_is_as_exact_as_asked_at_every_time(case):
    """Output times lie anywhere in the steps: this is the dense output."""
    truth = radau(case)
    for relative in (1e-4, 1e-6, 1e-8):
        status, out = run(case, relative)
        assert status == OK
        # Relative to the component's own size, a hundredth of its scale at least.
        error = abs(out - truth) / (abs(truth) + 1e-2 * case.scale)
        assert error.max() < 10 * relative


@pytest.mark.parametrize(("case", "bound"), [(robertson(), 2e-4), (drug_and_target(), 2e-4)])
def test_sensitivities_of_stiff_models_match(case, bound):
    truth, states = radau_sensitivity(case), radau(case)
    largest = abs(truth).max(axis=0)
    status, x, s = run_sensitivity(case, 1e-5)
    assert status == OK
    assert (abs(x - states) / (abs(states) + 1e-2 * case.scale)).max() < 1e-4
    assert (abs(s - truth) / largest).max() < 3e-5
    # Relative to what each one is at the time, where that is above a thousandth of its largest.
    assert (abs(s - truth) / (abs(truth) + 1e-3 * largest)).max() < bound


def test_tight_tolerances_tighten_the_sensitivities():
    case = drug_and_target()
    truth = radau_sensitivity(case)
    largest = abs(truth).max(axis=0)
    _, _, rough = run_sensitivity(case, 1e-4)
    _, _, fine = run_sensitivity(case, 1e-8)
    assert (abs(fine - truth) / largest).max() < 1e-6 < (abs(rough - truth) / largest).max()


def test_sensitivities_are_the_slopes_of_the_states():
    """A column that touches several states adds up its entries; against differences."""
    case, relative = drug_and_target(1e5), 1e-10
    status, _, s = run_sensitivity(case, 1e-7)
    assert status == OK
    for column in range(6):
        step = 1e-4 * case.model.coefficients[column]
        ends = []
        for sign in (1, -1):
            w = case.model.coefficients.copy()
            w[column] += sign * step
            ends.append(run(case._replace(model=case.model._replace(coefficients=w)), relative)[1])
        slope = (ends[0] - ends[1]) / (2 * step)
        own = s[:, :, :10][:, :, case.model.entries.column == column].sum(axis=2)
        np.testing.assert_allclose(own, slope, atol=1e-4 * abs(slope).max())


def driven(kappa: float) -> tuple[Case, Drive]:
    """A fast state that follows an input with a kink, and is nudged as well."""
    rows = [(0, 0, 0, 1), (0, 1, 1, -1), (1, 1, 2, 1), (1, 2, 3, -1)]
    made = model(["x", "y", "u"], [{"u": 1}, {"x": 1}, {"y": 1}], rows, [1e5, 1e5, 1.0, 0.5])
    made = made._replace(names=["x", "y", "u"])
    grid = np.linspace(0, 10, 51)
    inputs, target = np.zeros((1, 50, 4, 1)), np.zeros((1, 50, 4, 2))
    values = np.where(grid < 4, grid, 8 - grid)
    inputs[0, :, 3, 0], inputs[0, :, 2, 0] = values[:-1], np.diff(values) / 0.2
    waves = np.stack([np.sin(grid), np.cos(grid)], axis=1)
    target[0, :, 3], target[0, :, 2] = waves[:-1], np.diff(waves, axis=0) / 0.2
    case = Case(made, np.array([3.0, 1.0]), np.linspace(0, 10, 34), np.ones(2))
    return case, regular_drive(0.2, inputs, target, np.full(2, kappa))


def test_inputs_and_nudging_act_on_stiff_models():
    kappa = 3.0
    case, drive = driven(kappa)
    grid = np.linspace(0, 10, 51)

    def rhs(t, packed):
        x, own = packed[:2], packed[2:].reshape(2, 2)
        u = np.interp(t, grid, np.where(grid < 4, grid, 8 - grid))
        pull = kappa * (
            np.array([np.interp(t, grid, np.sin(grid)), np.interp(t, grid, np.cos(grid))]) - x
        )
        jacobian = np.array([[-1e5 - kappa, 0], [1.0, -0.5 - kappa]])
        source = np.array([[u, 0.0], [0.0, x[0]]])
        dx = np.array([1e5 * (u - x[0]), x[0] - 0.5 * x[1]]) + pull
        return np.r_[dx, (jacobian @ own + source).ravel()]

    packed = solve_ivp(
        rhs, (0, 10), [3.0, 1.0, 0, 0, 0, 0], "Radau", case.time, rtol=1e-9, atol=1e-12,
        max_step=0.1,
    ).y.T  # fmt: skip
    status, out = run(case, 1e-6, drive)
    assert status == OK
    np.testing.assert_allclose(out, packed[:, :2], atol=1e-5)
    status, x, s = run_sensitivity(case, 1e-6, drive)
    assert status == OK
    np.testing.assert_allclose(x, packed[:, :2], atol=1e-5)
    truth = packed[:, 2:].reshape(-1, 2, 2)
    own = s[:, :, [0, 2]]
    assert (abs(own - truth) <= 1e-4 * abs(truth).max(axis=0)).all()


def test_few_steps_do_for_a_stiff_model_and_the_cap_is_told_apart():
    """The explicit method would need some 100,000 steps."""
    case = drug_and_target()
    assert run(case, 1e-5, max_steps=100)[0] == OK
    assert run_sensitivity(case, 1e-5, max_steps=100)[0] == OK
    assert run(case, 1e-5, max_steps=45)[0] == TOO_STIFF
    assert run_sensitivity(case, 1e-5, max_steps=45)[0] == TOO_STIFF
    assert run(case, 1e-5, max_steps=10)[0] == TOO_MANY_STEPS


def test_an_oscillator_is_not_taken_for_stiff():
    """Thousands of steps that accuracy needs: the cap is one of steps, not of stiffness."""
    made = model(["x", "y"], [{"x": 1}, {"y": 1}], [(0, 1, 0, 1), (1, 0, 1, -1)], [1.0, 1.0])
    case = Case(made, np.array([1.0, 0]), np.array([0.0, 2000.0]), np.ones(2))
    assert run(case, 1e-5, max_steps=1000)[0] == TOO_MANY_STEPS
    assert run_sensitivity(case, 1e-5, max_steps=1000)[0] == TOO_MANY_STEPS
    status, out = run(case, 1e-9, max_steps=10**6)
    assert status == OK
    np.testing.assert_allclose(out[1], [np.cos(2000.0), -np.sin(2000.0)], atol=1e-4)


def test_failures_say_what_is_wrong():
    names = [{"x": 1}, {"x": 2}]
    growing = model(["x"], names, [(0, 1, 0, 1)], [1.0])
    case = Case(growing, np.ones(1), np.linspace(0, 2, 5), np.ones(1))
    assert run(case, 1e-6)[0] == DIVERGED
    assert run_sensitivity(case, 1e-6)[0] == DIVERGED
    # A fast state first makes the model stiff, then the slow one grows without bound.
    pair = model(
        ["x", "y"], [{"x": 1}, {"y": 1}, {"y": 2}], [(0, 1, 0, 1e4), (0, 0, 0, -1e4), (1, 2, 1, 1)],
        [1.0, 1.0],
    )  # fmt: skip
    both = Case(pair, np.array([0.0, 1.0]), np.array([0, 0.5, 1.1, 1.5, 2.0]), np.ones(2))
    status, out = run(both, 1e-6)
    assert status == DIVERGED
    assert np.isnan(out[2:]).all()
    np.testing.assert_allclose(out[1, 1], 2.0, rtol=1e-5)
    assert run_sensitivity(both, 1e-6)[0] == DIVERGED
    # -sqrt(x) reaches zero at t = 2 and is not defined below.
    root = model(["x"], names, [(0, 0, 0, -1)], [1.0])
    exponent = root.terms.exponent.copy()
    exponent[0, 0] = 0.5
    root = root._replace(terms=root.terms._replace(exponent=exponent))
    ended = Case(root, np.ones(1), np.linspace(0, 3, 4), np.ones(1))
    assert run(ended, 1e-6)[0] == STEP_TOO_SMALL
    texts = [STATUS_TEXT[s] for s in (TOO_MANY_STEPS, DIVERGED, STEP_TOO_SMALL, TOO_STIFF)]
    for text, word in zip(
        texts, ("too long|step cap", "diverge", "singular", "stiff"), strict=True
    ):
        assert any(part in text for part in word.split("|"))

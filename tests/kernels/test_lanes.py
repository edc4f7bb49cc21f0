"""Many draws at once against one draw at a time, and against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from twinlab.expressions.kinds import HILL_ACTIVATION, HILL_REPRESSION
from twinlab.kernels import OK, Tolerance, integrate_draws, integrate_lanes, no_drive
from twinlab.kernels.integrate import DIVERGED, TOO_MANY_STEPS

from .systems import gene_network, predator_prey, regular_drive, tolerance


def both(model, initial, time, coefficients, tol, drive=None):
    n, d = initial.shape
    answers = []
    for kernel in (integrate_lanes, integrate_draws):
        out, status = np.empty((n, time.size, d)), np.zeros(n, np.int64)
        kernel(
            initial, time, model.terms, model.entries, coefficients, 0,
            drive or no_drive(1, d), tol, out, status,
        )  # fmt: skip
        answers.append((out, status))
    return answers


def draws(model, centre, n, seed=0, spread=0.2):
    rng = np.random.default_rng(seed)
    initial = np.array(centre) * np.exp(spread * rng.standard_normal((n, len(centre))))
    return initial, model.coefficients * np.exp(
        spread * rng.standard_normal((n, model.coefficients.size))
    )


@pytest.mark.parametrize("n", [3, 20, 32, 90])
@pytest.mark.parametrize(
    ("model", "centre"), [(predator_prey(), [1.5, 0.7]), (gene_network(), [2.0, 0.1, 0.3])]
)
def test_equals_one_draw_at_a_time(model, centre, n):
    time = np.sort(np.r_[0.0, np.random.default_rng(1).uniform(0, 12, 40), 12.0])
    initial, coefficients = draws(model, centre, n)
    (lanes, status), (alone, _) = both(model, initial, time, coefficients, tolerance(len(centre)))
    assert (status == OK).all()
    np.testing.assert_allclose(lanes, alone, rtol=1e-9, atol=1e-11)


def test_equals_scipy():
    model, time = gene_network(), np.linspace(0, 10, 30)
    initial, coefficients = draws(model, [2.0, 0.1, 0.3], 12)
    (lanes, _), _ = both(model, initial, time, coefficients, tolerance(3))
    for x0, w, got in zip(initial, coefficients, lanes, strict=True):
        truth = solve_ivp(
            lambda t, x, w=w: model.rhs(t, x, w), (0, 10), x0, "DOP853", time, rtol=1e-11,
            atol=1e-12,
        ).y.T  # fmt: skip
        np.testing.assert_allclose(got, truth, rtol=3e-7, atol=3e-8)


@pytest.mark.parametrize("own_exponents", [False, True])
def test_constants_of_each_draw(own_exponents):
    model, time = gene_network(), np.linspace(0, 8, 20)
    initial, coefficients = draws(model, [2.0, 0.1, 0.3], 24)
    constants = model.terms.constant * np.exp(
        0.3 * np.random.default_rng(2).standard_normal((24, *model.terms.constant.shape))
    )
    exponents = np.repeat(model.terms.exponent[None], 24, axis=0)
    if own_exponents:
        hill = np.isin(model.terms.factor_kind, (HILL_ACTIVATION, HILL_REPRESSION))
        exponents[:, hill] *= np.random.default_rng(3).uniform(0.8, 1.3, (24, hill.sum()))
    out, status = np.empty((24, time.size, 3)), np.zeros(24, np.int64)
    alone = np.empty_like(out)
    rest = (0, no_drive(1, 3), tolerance(3))
    integrate_lanes(
        initial, time, model.terms, model.entries, coefficients, *rest, out, status, constants,
        exponents if own_exponents else None,
    )  # fmt: skip
    for r in range(24):
        terms = model.terms._replace(constant=constants[r], exponent=exponents[r])
        integrate_draws(
            initial[r : r + 1], time, terms, model.entries,
            coefficients[r : r + 1], *rest, alone[r : r + 1], status[r : r + 1],
        )  # fmt: skip
    np.testing.assert_allclose(out, alone, rtol=1e-9, atol=1e-11)
    assert np.ptp(out[:, -1], axis=0).min() > 1e-3


def test_nudging_is_that_of_one_draw():
    model, time = predator_prey(), np.linspace(0, 6, 25)
    initial, coefficients = draws(model, [1.5, 0.7], 16)
    target = np.zeros((1, 6, 4, 2))
    target[0, :, 3] = np.linspace(0.5, 2.0, 12).reshape(6, 2)
    drive = regular_drive(1.0, np.zeros((1, 1, 4, 0)), target, np.array([3.0, 0.0]))
    (lanes, _), (alone, _) = both(model, initial, time, coefficients, tolerance(2), drive)
    (free, _), _ = both(model, initial, time, coefficients, tolerance(2))
    np.testing.assert_allclose(lanes, alone, rtol=1e-6, atol=1e-8)
    assert np.abs(lanes - free).max() > 0.1


def test_a_draw_that_diverges_leaves_the_others_alone():
    model, time = predator_prey(), np.linspace(0, 5, 21)
    initial, coefficients = draws(model, [1.5, 0.7], 40)
    coefficients[7] = 0.0
    coefficients[7, 3] = 5.0  # dx/dt = 5 x^2
    (lanes, status), (alone, expected) = both(model, initial, time, coefficients, tolerance(2))
    assert status[7] == expected[7] == DIVERGED and (np.delete(status, 7) == OK).all()
    np.testing.assert_array_equal(np.isnan(lanes), np.isnan(alone))
    assert np.isnan(lanes[7, -1]).all() and np.isfinite(lanes[7, 0]).all()


def test_step_cap_is_reported():
    model, time = predator_prey(), np.linspace(0, 50, 21)
    initial, coefficients = draws(model, [1.5, 0.7], 12)
    tol = Tolerance(1e-9, np.full(2, 1e-11), np.full(2, 1e6), 20)
    (lanes, status), _ = both(model, initial, time, coefficients, tol)
    assert (status == TOO_MANY_STEPS).all() and np.isnan(lanes[:, -1]).all()

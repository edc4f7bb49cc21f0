"""Boluses and infusions: trajectories, draws and sensitivities against SciPy restarted at each."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from twinlab.kernels import (
    OK,
    Drive,
    Tolerance,
    integrate,
    integrate_draws,
    integrate_lanes,
    no_drive,
    trajectory_sensitivity,
)
from twinlab.kernels.integrate import DIVERGED

from .stiff_systems import Plain, drug_and_target
from .systems import gene_network, predator_prey, tolerance


def dosed(d: int, events) -> Drive:
    """One trajectory from time 0 with events (time, rate from then on, jump)."""
    n = len(events) + 1
    begin, rate, jump = np.zeros(n), np.zeros((n, d)), np.zeros((n, d))
    for row, event in enumerate(events, 1):
        begin[row], rate[row], jump[row] = event
    given = np.cumsum(jump, axis=0)
    given[1:] += np.cumsum(rate[:-1] * np.diff(begin)[:, None], axis=0)
    return no_drive(1, d)._replace(
        first=np.array([0, n]), trajectory=np.zeros(n, np.int64), begin=begin, rate=rate,
        jump=jump, given=given, knot=np.zeros((n, 1)), inputs=np.zeros((n, 1, 4, 0)),
    )  # fmt: skip


def restarted(rhs, x0, time, drive, method="DOP853", **options):
    """SciPy from event to event; at the time of an event what was before it."""
    out, x = np.empty((time.size, len(x0))), np.array(x0, float)
    edges = [*drive.begin, time[-1]]
    out[0] = x
    for row, (a, b) in enumerate(pairwise(edges)):
        x = x + drive.jump[row]
        if b <= a:
            continue
        inside = (time > a) & (time <= b)
        found = solve_ivp(
            lambda t, y, row=row: rhs(t, y) + drive.rate[row], (a, b), x, method,
            np.unique(np.r_[a, time[inside], b]), rtol=1e-11, atol=1e-13, **options,
        ).y.T  # fmt: skip
        out[inside], x = found[1 : 1 + inside.sum()], found[-1]
    return out


# A bolus at the start, an infusion, boluses between two measurements and at one.
EVENTS = [
    (0.0, [0, 0], [0.5, 0]), (2.0, [0, 0.4], [0, 0]), (3.25, [0, 0], [0, 0]),
    (5.1, [0, 0], [0.7, 0.2]), (6.0, [0, 0], [1.0, 0]),
]  # fmt: skip
TIME = np.linspace(0, 9, 19)


def simulate(model, x0, w, drive, time=TIME, relative=1e-9):
    out = np.empty((time.size, len(x0)))
    status = integrate(
        np.array(x0, float), time, model.terms, model.entries, np.array(w), 0, drive,
        tolerance(len(x0), relative), out,
    )  # fmt: skip
    assert status == OK
    return out


def test_equals_scipy_restarted_at_the_events():
    model, drive = predator_prey(), dosed(2, EVENTS)
    out = simulate(model, [1.2, 0.8], model.coefficients, drive)
    np.testing.assert_allclose(
        out, restarted(model.rhs, [1.2, 0.8], TIME, drive), rtol=2e-7, atol=1e-8
    )
    # What is measured at the time of a bolus was measured before it.
    assert out[0] == pytest.approx([1.2, 0.8])
    just_after = simulate(
        model, [1.2, 0.8], model.coefficients, drive, np.array([0.0, 1e-9, 6.0, 6.0 + 1e-9])
    )
    np.testing.assert_allclose(just_after[1] - just_after[0], [0.5, 0], atol=1e-7)
    np.testing.assert_allclose(just_after[3] - just_after[2], [1.0, 0], atol=1e-7)


def test_a_later_start_skips_what_was_before():
    model, drive = predator_prey(), dosed(2, EVENTS)
    whole = simulate(model, [1.2, 0.8], model.coefficients, drive)
    for i in (5, 12):  # within the infusion, and at the time of a bolus
        part = simulate(model, whole[i], model.coefficients, drive, TIME[i:])
        np.testing.assert_allclose(part, whole[i:], rtol=1e-6)


@pytest.mark.parametrize("n", [4, 40])
def test_draws_and_lanes_go_through_events(n):
    model, drive, rng = predator_prey(), dosed(2, EVENTS), np.random.default_rng(0)
    initial = rng.uniform(0.5, 1.5, (n, 2))
    w = model.coefficients * rng.uniform(0.8, 1.2, (n, 12))
    w[1] = 0.0
    w[1, 3] = 0.19  # dx/dt = 0.19 x^2: that draw diverges after some doses
    answers = []
    for kernel in (integrate_draws, integrate_lanes):
        out, status = np.empty((n, TIME.size, 2)), np.zeros(n, np.int64)
        limited = Tolerance(1e-9, np.full(2, 1e-11), np.full(2, 50.0), 20_000)
        kernel(initial, TIME, model.terms, model.entries, w, 0, drive, limited, out, status)
        answers.append((out, status))
    (alone, expected), (lanes, status) = answers
    np.testing.assert_array_equal(status, expected)
    assert status[1] == DIVERGED and (np.delete(status, 1) == OK).all()
    assert np.isfinite(alone[1, 8]).all() and np.isnan(alone[1, -1]).all()
    np.testing.assert_allclose(lanes, alone, rtol=1e-8, atol=1e-10)


def test_nudging_follows_the_doses():
    """Toward x = 1 + what was given, at a rate at which nothing else matters."""
    model, drive = predator_prey(), dosed(2, EVENTS)
    target = np.zeros((1, 1, 4, 2))
    target[0, 0, 3] = 1.0
    drive = drive._replace(target=target, kappa=np.full(2, 2000.0))
    out = simulate(model, [1.0, 1.0], np.zeros(12), drive, relative=1e-7)
    given = [
        drive.given[row] + drive.rate[row] * (t - drive.begin[row])
        for t, row in zip(TIME, np.maximum(np.searchsorted(drive.begin[1:], TIME), 0), strict=True)
    ]
    np.testing.assert_allclose(out, 1.0 + np.array(given), atol=1e-3)


def sensitivities(model, x0, drive, time, tol):
    d, n = len(x0), model.entries.state.size
    x, s = np.empty((time.size, d)), np.empty((time.size, d, n + d))
    status = trajectory_sensitivity(
        np.array(x0, float), time, model.terms, model.entries, model.coefficients, model.terms,
        model.entries, 0, drive, tol, x, s,
    )  # fmt: skip
    assert status == OK
    return x, s


def differences(run, x0, w):
    """Central differences of ``run(x0, w)`` by each coefficient and each initial state."""
    at = np.r_[w, x0]
    slopes = []
    for i in range(at.size):
        step = 1e-4 * max(abs(at[i]), 0.1)
        ends = [at + sign * step * (np.arange(at.size) == i) for sign in (1, -1)]
        high, low = (run(p[len(w) :], p[: len(w)]) for p in ends)
        slopes.append((high - low) / (2 * step))
    return np.stack(slopes, axis=2)


def test_sensitivities_go_on_across_events():
    model = gene_network()
    events = [
        (1.0, [0.3, 0, 0], [0, 0, 0]),
        (2.2, [0, 0, 0], [0, 0.5, 0]),
        (4.0, [0] * 3, [1, 0, 0]),
    ]
    drive, time, x0 = dosed(3, events), np.linspace(0, 6, 7), [2.0, 0.1, 0.3]
    x, s = sensitivities(model, x0, drive, time, tolerance(3, 1e-8))
    np.testing.assert_allclose(x, restarted(model.rhs, x0, time, drive), rtol=1e-5)
    slopes = differences(
        lambda start, w: simulate(model, start, w, drive, time, 1e-10), x0, model.coefficients
    )
    by_column = np.stack(
        [s[:, :, :6][:, :, model.entries.column == c].sum(axis=2) for c in range(5)], axis=2
    )
    found = np.concatenate([by_column, s[:, :, 6:]], axis=2)
    np.testing.assert_allclose(found, slopes, atol=2e-5 * abs(slopes).max())


def test_stiff_models_go_through_events():
    case = drug_and_target()
    model, x0 = case.model, case.initial
    events = [
        (0.5, [0, 0, 0], [3.0, 0, 0]),
        (2.0, [1.5, 0, 0], [0, 0, 0]),
        (4.0, [0] * 3, [0, 1, 0]),
    ]
    drive, time = dosed(3, events), np.r_[0.0, np.geomspace(1e-3, 10, 12)]
    plain = Plain(model)
    truth = restarted(plain.rhs, x0, time, drive, "Radau", jac=plain.jacobian)
    # With the explicit method alone the last stretch takes more steps than that.
    tol = case.tolerance(1e-7, 2000)
    out = np.empty_like(truth)
    rest = (model.terms, model.entries)
    assert integrate(x0, time, *rest, model.coefficients, 0, drive, tol, out) == OK
    np.testing.assert_allclose(out, truth, rtol=1e-5, atol=1e-6)
    x, s = sensitivities(model, x0, drive, time, tol)
    np.testing.assert_allclose(x, truth, rtol=1e-5, atol=1e-6)

    def run(start, w):
        ends = np.empty_like(truth)
        assert integrate(start, time, *rest, w, 0, drive, case.tolerance(1e-10), ends) == OK
        return ends

    slopes = differences(run, x0, model.coefficients)
    n = model.entries.state.size
    by_column = np.stack(
        [s[:, :, :n][:, :, model.entries.column == c].sum(axis=2) for c in range(6)], axis=2
    )
    found = np.concatenate([by_column, s[:, :, n:]], axis=2)
    scale = abs(slopes).max(axis=(0, 1))
    assert (abs(found - slopes) / scale).max() < 2e-3

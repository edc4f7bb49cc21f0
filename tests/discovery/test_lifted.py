"""Fits through states of pieces: against plain fits, and where those stand still."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from twinlab.discovery import Settings
from twinlab.discovery.lifted import cut, drive_of, lifted
from twinlab.discovery.noise import make_noise
from twinlab.discovery.problem import make_problem
from twinlab.discovery.search import prepare_frame
from twinlab.discovery.steps import Point, polish_point
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Dose, Study

from .records import LORENZ, lorenz_record

LOTKA = {("x", "x"): 1.0, ("x", "x*y"): -0.5, ("y", "y"): -1.0, ("y", "x*y"): 0.5}


def framed(study, truth, noise):
    """Frame, the true support with its rates, and the noise of a study's records."""
    library = Library.polynomial(study, degree=2)
    problem = make_problem(study, library, Knowledge())
    frame = prepare_frame(problem, np.full(problem.n_column, 1e-4), Settings())
    columns = np.array([library.find(*key) for key in truth])
    order = np.argsort(columns)
    rates = np.array(list(truth.values()))[order]
    sd = make_noise(problem, "constant", noise * problem.scale, frame.smooth.at_data)
    return frame, Point(columns[order], rates, frame.initial_prior.mean), sd


def predators(n_record=2, dose=None):
    """Predators and prey over some turns; prey may be added to the last record."""

    def flow(_, s):
        return [s[0] - 0.5 * s[0] * s[1], 0.5 * s[0] * s[1] - s[1]]

    rng, time, values = np.random.default_rng(4), np.linspace(0.0, 30.0, 121), []
    for r in range(n_record):
        start, parts = np.array([2.0 + r, 1.5]), []
        cuts = [0.0, 30.0] if dose is None or r < n_record - 1 else [0.0, dose.time, 30.0]
        for a, b in zip(cuts[:-1], cuts[1:], strict=True):
            at = time[(time >= a) & (time <= b)] if a == 0 else time[(time > a) & (time <= b)]
            solution = solve_ivp(flow, (a, b), start, "DOP853", dense_output=True, rtol=1e-10)
            parts.append(solution.sol(at).T)
            start = solution.y[:, -1] + ([dose.amount, 0.0] if dose is not None else 0.0)
        values.append(np.concatenate(parts))
    study = Study.from_arrays("p", ["x", "y"], [time] * n_record, [
        v * (1 + 0.03 * rng.standard_normal(v.shape)) for v in values
    ])  # fmt: skip
    if dose is None:
        return study
    *others, last = study.trajectories
    return replace(study, trajectories=(*others, replace(last, doses=(dose,))))


@pytest.mark.parametrize("dose", [None, Dose(11.1, 1.0, "x")])
def test_it_ends_where_a_plain_fit_does(dose):
    frame, truth, noise = framed(predators(dose=dose), LOTKA, 0.03)
    pieces = cut(frame.problem, frame.smooth)
    assert pieces.owner.size > 6 and set(pieces.owner) == {0, 1}
    plain = polish_point(frame, truth, noise, 0.0, 30)
    point = lifted(frame, replace(truth, coefficients=1.1 * truth.coefficients), noise)
    np.testing.assert_allclose(point.coefficients, plain.coefficients, rtol=2e-4)
    np.testing.assert_allclose(point.initial, plain.initial, rtol=2e-3)
    np.testing.assert_allclose(plain.coefficients, truth.coefficients, rtol=0.1)


def test_a_chaotic_record_is_fitted_where_a_plain_fit_stands_still():
    frame, truth, noise = framed(lorenz_record(1000, 10.0, 0.4), LORENZ, 0.4)
    start = replace(truth, coefficients=1.05 * truth.coefficients)
    plain = polish_point(frame, start, noise, 0.0, 50)
    fit = polish_point(frame, lifted(frame, start, noise), noise, 0.0, 5)
    assert fit.cost < 1.1 * 3000 < 0.5 * plain.cost
    np.testing.assert_allclose(fit.coefficients, truth.coefficients, rtol=0.15, atol=0.5)


def test_bounds_hold_and_known_coefficients_stay():
    frame, truth, noise = framed(predators(), LOTKA, 0.03)
    prior = frame.prior
    lower, upper = prior.lower.copy(), prior.upper.copy()
    upper[truth.columns[0]] = 0.9
    lower[truth.columns[2]] = upper[truth.columns[2]] = truth.coefficients[2]
    bound = replace(frame, prior=prior._replace(lower=lower, upper=upper))
    start = replace(truth, coefficients=truth.coefficients * np.array([0.8, 1.1, 1.0, 1.1]))
    point = lifted(bound, start, noise)
    assert point.coefficients[0] == pytest.approx(0.9, rel=1e-9)
    assert point.coefficients[2] == truth.coefficients[2]
    plain = polish_point(bound, point, noise, 0.0, 10)
    np.testing.assert_allclose(point.coefficients, plain.coefficients, rtol=1e-3)


def test_a_model_that_cannot_be_simulated_is_none():
    frame, truth, noise = framed(predators(), {("x", "x^2"): 80.0, ("y", "y"): -1.0}, 0.03)
    assert lifted(frame, truth, noise) is None


def test_records_too_many_to_be_cut_are_left_to_plain_fits(monkeypatch):
    frame, truth, noise = framed(predators(), LOTKA, 0.03)
    monkeypatch.setattr("twinlab.discovery.lifted.MOST_STATES", 7)
    assert cut(frame.problem, frame.smooth).owner.tolist() == [0, 1]
    assert lifted(frame, truth, noise) is None


def test_what_acts_on_a_piece_is_what_acts_on_its_record():
    study = predators(dose=Dose(11.1, 1.0, "x"))
    frame, *_ = framed(study, LOTKA, 0.03)
    pieces, drive = cut(frame.problem, frame.smooth), frame.problem.drive()
    own = drive_of(drive, pieces.owner)
    for i, r in enumerate(pieces.owner):
        mine, whole = (slice(d.first[j], d.first[j + 1]) for d, j in ((own, i), (drive, r)))
        np.testing.assert_array_equal(own.jump[mine], drive.jump[whole])
        np.testing.assert_array_equal(own.begin[mine], drive.begin[whole])
        assert (own.trajectory[mine] == i).all()

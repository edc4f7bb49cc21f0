"""Doses and inputs as stretches, and a model found across them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from twinlab import Library, Twin, discover
from twinlab.discovery.bands import display_grid, make_lots, simulate
from twinlab.discovery.problem import make_problem
from twinlab.discovery.result import Settings
from twinlab.discovery.segments import cut_problem
from twinlab.discovery.smoothing import smooth_data
from twinlab.errors import UserError
from twinlab.knowledge import Knowledge
from twinlab.study import Dose, Study


def dosed(times, values, doses, names=("x",)) -> Study:
    study = Study.from_arrays("s", names, times, values)
    pairs = zip(study.trajectories, doses, strict=True)
    return replace(study, trajectories=tuple(replace(t, doses=d) for t, d in pairs))


def decay(time, doses, rate=0.7, start=0.2):
    """dx/dt = -rate x + infusions, with boluses, in closed form."""
    x = start * np.exp(-rate * (time - time[0]))
    for d in doses:
        after = time - d.time
        if d.duration == 0:
            x = x + np.where(after > 0, d.amount * np.exp(-rate * np.maximum(after, 0)), 0)
        else:
            held = np.clip(after, 0, d.duration)
            level = d.amount / d.duration / rate * -np.expm1(-rate * held)
            x = x + level * np.exp(-rate * np.maximum(after - d.duration, 0))
    return x


TIME = np.array([0, 0.25, 0.5, 1, 2, 3, 4, 6, 6.5, 7, 8, 10, 12])


def patients(noise=0.08, seed=0) -> Study:
    rng = np.random.default_rng(seed)
    regimens = [
        (Dose(0, a), Dose(6, b)) if i % 3 else (Dose(0, a, duration=2.0), Dose(6, b))
        for i, (a, b) in enumerate(rng.uniform(5, 10, (6, 2)))
    ]
    values = [
        (decay(TIME, r) * np.exp(noise * rng.standard_normal(TIME.size)))[:, None] for r in regimens
    ]
    return dosed([TIME] * 6, values, regimens)


def problem_of(study: Study, degree=1, **names):
    return make_problem(study, Library.polynomial(study, degree=degree, **names), Knowledge())


def test_simulations_follow_the_closed_form():
    study = patients(0.0)
    problem = problem_of(study)
    column = problem.library.find("x", "x")
    w = np.zeros((1, problem.n_column))
    w[0, column] = -0.7
    for r, t in enumerate(study.trajectories):
        time = display_grid(problem, r, 20.0)
        x, _ = simulate(problem, r, time, make_lots(problem, w), np.array([[0.2]]))
        np.testing.assert_allclose(x[0, :, 0], decay(time, t.doses), rtol=1e-5)
    # The line of a bolus at time 6 has a point on either side of the jump.
    assert np.diff(time[np.searchsorted(time, 6.0) :][:2])[0] < 1e-4


def test_what_is_given_by_when():
    study = dosed(
        [TIME], [np.ones((13, 1)) + TIME[:, None]],
        [(Dose(0, 5.0), Dose(1, 4.0, duration=2.0), Dose(3.3, 1.0), Dose(3.3, 2.0))],
    )  # fmt: skip
    schedule = problem_of(study).schedule
    np.testing.assert_allclose(schedule.events(0), [0, 1, 3, 3.3])
    at = np.array([0.0, 0.5, 1.0, 2.0, 3.0, 3.3, 3.4])
    np.testing.assert_allclose(schedule.given_at(0, at)[:, 0], [0, 5, 5, 7, 9, 9, 12])


def test_a_dose_before_the_first_measurement_begins_the_trajectory():
    study = dosed([TIME[1:]], [decay(TIME[1:], [Dose(0, 9.0)])[:, None]], [(Dose(0, 9.0),)])
    problem = problem_of(study)
    assert problem.times(0)[0] == 0 and np.isnan(problem.value[0, 0])
    assert make_problem(problem.study, problem.library, Knowledge()).time.size == problem.time.size
    w = np.zeros((1, problem.n_column))
    w[0, problem.library.find("x", "x")] = -0.7
    x, _ = simulate(problem, 0, problem.times(0), make_lots(problem, w), np.array([[0.2]]))
    np.testing.assert_allclose(x[0, :, 0], decay(TIME, [Dose(0, 9.0)]), rtol=1e-5)


def test_times_equal_but_for_rounding_are_one():
    time = np.array([0.0, 0.3, 1.0, 2.0])
    study = dosed([time], [time[:, None] + 1], [(Dose(0.1 + 0.2, 1.0),)])
    assert problem_of(study).schedule.events(0)[0] == 0.3


def test_an_infusion_raises_an_input_while_it_lasts():
    value = np.column_stack([1 + TIME, np.where(TIME == 2, np.nan, TIME)])
    study = dosed([TIME], [value], [(Dose(0.7, 6.0, "u", 1.8),)], ("x", "u"))
    problem = problem_of(study, states=["x"], inputs=["u"])
    at = np.sort(np.r_[0.7, 0.700001, 2.5, 2.500001, np.linspace(0, 12, 50)])
    found = problem.schedule.inputs_at(0, at)[:, 0]
    truth = at + np.where((at > 0.7) & (at <= 2.5), 6.0 / 1.8, 0.0)
    np.testing.assert_allclose(found, truth, atol=1e-9)
    w = np.zeros((1, problem.n_column))
    w[0, [problem.library.find("x", "u"), problem.library.find("x", "x")]] = 1.0, -1.0
    x, _ = simulate(problem, 0, TIME, make_lots(problem, w), np.array([[1.0]]))
    reference = solve_ivp(
        lambda t, x: t + 6 / 1.8 * (0.7 < t <= 2.5) - x, (0, 12), [1.0], t_eval=TIME, rtol=1e-9,
        max_step=0.01,
    ).y[0]  # fmt: skip
    np.testing.assert_allclose(x[0, :, 0], reference, rtol=1e-4)


def test_further_inputs_are_the_same_beside_the_old_ones():
    value = np.column_stack([1 + TIME, np.sin(TIME)])
    study = dosed([TIME], [value], [(Dose(0.7, 6.0, "u", 1.8),)], ("x", "u"))
    schedule = problem_of(study, states=["x"], inputs=["u"]).schedule
    grid, at = np.linspace(0, 12, 31), np.linspace(0, 12, 77)
    pieces = np.random.default_rng(0).standard_normal((30, 4, 2))
    wider = schedule.with_inputs(grid, pieces).inputs_at(0, at)
    np.testing.assert_allclose(wider[:, :1], schedule.inputs_at(0, at), atol=1e-12)
    cell = np.minimum((at / 0.4).astype(int), 29)
    u = (at - grid[cell])[:, None]
    own = ((pieces[cell, 0] * u + pieces[cell, 1]) * u + pieces[cell, 2]) * u + pieces[cell, 3]
    inside = np.abs(at[:, None] - grid).min(axis=1) > 1e-9
    np.testing.assert_allclose(wider[inside, 1:], own[inside], atol=1e-12)


def test_the_smooth_jumps_where_the_data_do():
    problem = problem_of(patients(0.02))
    smooth = smooth_data(problem)
    jump = np.diff(smooth.mean[1, :, 0]).max()
    assert jump > 3.0 and np.abs(np.diff(smooth.continuous[1, :, 0])).max() < 0.4 * jump
    left = smooth.mean - smooth.continuous
    for r in range(6):
        given = problem.schedule.given_at(r, problem.grid(r))
        np.testing.assert_allclose(left[r], given, atol=1e-9)


def test_pieces_of_a_record_keep_their_doses():
    problem = problem_of(patients())
    cut = cut_problem(problem, Knowledge(), Settings(), 0.5)
    assert cut.n_trajectory == 12 and not cut.n_values > problem.n_values
    assert [len(t.doses) for t in cut.study.trajectories] == [1, 1] * 6


def test_other_doses_follow_the_same_rules_or_are_refused():
    study = patients(0.0)
    library = Library.polynomial(study, degree=1, latent=["gut"])
    problem = make_problem(study, library, Knowledge())
    assert problem.dose_target == "gut"
    jump = problem.with_doses(1, [Dose(1.0, 3.0)]).schedule
    assert jump.jump[jump.rows(1)][:, 1].tolist() == [0.0, 3.0]
    with pytest.raises(UserError, match="before the subject's first time"):
        problem.with_doses(1, [Dose(-1.0, 3.0)])
    two = dosed([TIME], [np.column_stack([TIME + 1, TIME + 2])], [()], ("x", "y"))
    with pytest.raises(UserError, match="into which state"):
        problem_of(two).with_doses(0, [Dose(1.0, 3.0)])


@pytest.mark.parametrize("seed", [0, 1])
def test_elimination_is_found_across_doses(seed):
    study = patients(seed=seed)
    found = discover(study, Library.polynomial(study, degree=3), seed=seed)
    assert found.best.columns.tolist() == [found.library.find("x", "x")]
    assert found.best.coefficients[0] == pytest.approx(-0.7, abs=0.03)
    assert "doses_ignored" not in [w.code for w in found.warnings]
    twin = Twin(found)
    at, rate = np.linspace(0, 20, 30), -found.best.coefficients[0]
    start = found.best.initial[1, 0]
    own = study.trajectories[1].doses
    usual = twin.simulate(at, subject="2").best[:, 0]
    np.testing.assert_allclose(usual, decay(at, own, rate, start), rtol=1e-4)
    none = twin.what_if(at, 0.0, subject="2").best[:, 0]
    np.testing.assert_allclose(none, decay(at, (), rate, start), rtol=1e-4, atol=1e-6)
    regimen = [Dose(t, 3.0) for t in (0, 4, 8)]
    other = twin.what_if(at, regimen, subject="2", draws=20)
    np.testing.assert_allclose(other.best[:, 0], decay(at, regimen, rate, start), rtol=1e-4)
    lower, upper = other.band()
    assert ((lower < other.best * 1.1) & (upper > other.best * 0.9)).all()
    for bad in (-1.0, [Dose(0, 1.0, "gut")], [Dose(np.nan, 1.0)], [Dose(0, -1.0)]):
        with pytest.raises(UserError):
            twin.what_if(at, bad, subject="2")

"""A whole discovery whose Hill constants are off the grid, and all that is made of its answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from twinlab.discovery import (
    Discovery,
    Settings,
    choose_columns,
    discover,
    discovery_mapping,
    reconsider,
)
from twinlab.discovery.bands import make_lots, simulate
from twinlab.discovery.result import DrawnConstants
from twinlab.library import Library
from twinlab.report import summary_text
from twinlab.report.page import report_html
from twinlab.study import Study
from twinlab.twin import Twin

from .conftest import predator_prey
from .test_families import HALF, HILL, a_library, elimination


@pytest.fixture(scope="module")
def saturated() -> Discovery:
    study = elimination(noise=0.02, seed=1)
    return discover(study, a_library(study), seed=1, settings=Settings(draws=60))


def hill_column(discovery: Discovery) -> int:
    [shape] = discovery.best.shapes
    return shape.column


def test_one_term_with_its_own_constants_and_intervals(saturated):
    [shape] = saturated.best.shapes
    library = saturated.library
    assert library.column_state(shape.column) == 0
    assert shape.half_saturation == pytest.approx(HALF, rel=0.05)
    assert shape.hill_coefficient == pytest.approx(HILL, rel=0.15)
    factor = library.term_of(shape.column).factors[shape.factor]
    assert (factor.constant, factor.exponent) == (shape.half_saturation, shape.hill_coefficient)
    for value, (low, high) in (
        (shape.half_saturation, shape.half_saturation90),
        (shape.hill_coefficient, shape.hill_coefficient90),
    ):
        assert low <= value <= high
    saturating = [c for c in saturated.best.columns if "hill" in library.term_of(int(c)).text]
    assert saturating == [shape.column]
    k = len(saturated.best.columns)
    joint = saturated.best.joint_covariance
    assert joint.shape == (k + 1 + shape.hill_free,) * 2
    np.testing.assert_allclose(joint[:k, :k], saturated.best.covariance)


def test_coefficient_and_constants_are_correlated_in_the_draws(saturated):
    column = hill_column(saturated)
    drawn = saturated.posterior.constants
    place = drawn.column.tolist().index(column)
    w = saturated.posterior.coefficients[:, column]
    own = w != 0
    half = np.log(drawn.value[own, place, 0])
    covariance = saturated.best.joint_covariance
    k, at = len(saturated.best.columns), saturated.best.columns.tolist().index(column)
    expected = covariance[at, k] / np.sqrt(covariance[at, at] * covariance[k, k])
    assert np.corrcoef(w[own], half)[0, 1] == pytest.approx(expected, abs=0.25)
    assert half.std() == pytest.approx(np.sqrt(covariance[k, k]), rel=0.35)


def test_family_is_sure_where_single_columns_share_its_probability(saturated):
    family = next(f for f in saturated.families if hill_column(saturated) in f.columns)
    assert (family.equation, family.variables, family.roles) == ("x", ("x",), ("activation",))
    assert family.probability > 0.99
    assert family.probability <= sum(saturated.inclusion[list(family.columns)]) + 1e-9
    assert sum(c.probability for c in saturated.classes) == pytest.approx(1.0)
    assert sorted(i for c in saturated.classes for i in c.models) == list(
        range(len(saturated.models))
    )


def test_drawn_constants_are_simulated(saturated):
    """Against SciPy with the constants of the draw written out."""
    problem, column = saturated.problem, hill_column(saturated)
    library, time = saturated.library, np.linspace(0, 6, 7)
    # Enough to be simulated side by side, every third by another model.
    pairs = np.exp(np.random.default_rng(5).normal([[0.5, 0.7]], 0.3, (9, 1, 2)))
    w = np.zeros((9, problem.n_column))
    w[:, [library.find("x", "y"), column]] = [0.3, -2.0]
    w[:, [library.find("y", "1"), library.find("y", "y")]] = [1.0, -0.5]
    w[::3, library.find("y", "1")] = 0.0
    constants = DrawnConstants(np.array([column]), np.array([0]), pairs)
    start = np.array([4.0, 1.0])
    lots = make_lots(problem, w, constants)
    x, status = simulate(problem, 0, time, lots, np.tile(start, (9, 1)))
    assert not status.any()
    for r, (half, n) in enumerate(pairs[:, 0]):

        def rhs(t, z, half=half, n=n, source=float(r % 3 > 0)):
            h = z[0] ** n / (half**n + z[0] ** n)
            return [0.3 * z[1] - 2 * h, source - 0.5 * z[1]]

        expected = solve_ivp(rhs, (0, 6), start, "DOP853", time, rtol=1e-9, atol=1e-9).y.T
        np.testing.assert_allclose(x[r], expected, rtol=1e-4, atol=1e-5)
        alone, _ = simulate(problem, 0, time, make_lots(problem, w[[r]], constants.pick([r])),
                            start[None])  # fmt: skip
        np.testing.assert_allclose(x[r], alone[0], rtol=1e-8, atol=1e-9)
    assert abs(x[1] - x[2]).max() > 0.1


def test_twin_keeps_and_simulates_fitted_constants(saturated, tmp_path):
    path = Twin(saturated).save(tmp_path / "a.twin")
    again = Twin.load(path)
    assert again.discovery.best.shapes[0].column == hill_column(saturated)
    np.testing.assert_array_equal(
        again.discovery.posterior.constants.value, saturated.posterior.constants.value
    )
    time = np.linspace(0, 6, 5)
    label = saturated.study.labels[0]
    first, second = (t.simulate(time, subject=label) for t in (Twin(saturated), again))
    np.testing.assert_array_equal(first.draws, second.draws)
    # Without the spread of the constants, one model's own draws scatter less.
    free = Twin(saturated, 1).simulate(time, subject=label).draws.std(axis=0)
    best = saturated.best
    stiff = replace(best, shapes=(), joint_covariance=None)
    held = replace(saturated, models=(stiff, *saturated.models[1:]))
    assert np.isfinite(free).all()
    assert Twin(held, 1).simulate(time, subject=label).draws.shape[1:] == free.shape


def test_answers_without_refitting_go_on_working(saturated):
    richer = reconsider(saturated, complexity=0.5)
    assert hill_column(richer) == hill_column(saturated)
    assert richer.families and richer.posterior.constants is not None
    same = reconsider(saturated)
    assert same.best.probability == pytest.approx(saturated.best.probability, abs=0.35)
    point = choose_columns(saturated, saturated.best.columns)
    np.testing.assert_allclose(point.fitted[0], saturated.fitted[0], atol=5e-3)


def test_report_and_json_tell_the_constants(saturated):
    mapping = discovery_mapping(saturated)
    [told] = mapping["models"][0]["parameters"]["constants"]
    [shape] = saturated.best.shapes
    assert told["half_saturation"] == pytest.approx(shape.half_saturation)
    assert told["term"] in {row["term"] for row in mapping["models"][0]["equations"]["x"]}
    assert sum(c["probability"] for c in mapping["classes"]) == pytest.approx(1.0)
    assert any(f["probability"] > 0.99 for f in mapping["saturating_families"])
    html = report_html(saturated)
    assert "Constants of saturating terms" in html and "Saturating terms as families" in html
    assert told["term"] in summary_text(saturated)


def test_a_right_atom_of_the_grid_is_kept():
    """A refined term pays for its freedom: constants that are right need none."""
    study = elimination(noise=0.03, seed=2)
    library = Library.polynomial(study, degree=1) + Library.user_terms(
        study, [f"hill(x,{HALF},{HILL})", "hill(x,4,1)"]
    )
    found = discover(study, library, seed=2, settings=Settings(draws=20, starts=1))
    assert library.find("x", f"hill(x,{HALF},{HILL})") in found.best.columns
    assert not found.best.shapes
    assert len(found.classes[0].models) > 1 or len(found.models) == 1


def test_libraries_without_hill_functions_are_left_alone(found):
    assert found.families == () and found.posterior.constants is None
    assert all(not m.shapes and m.joint_covariance is None for m in found.models)
    assert len(found.library.columns) == len(Library.polynomial(predator_prey(), 2).columns)


def test_class_names_what_the_data_cannot_tell():
    """At high noise neighbouring atoms of the grid say the same; the class says so."""
    study = elimination(noise=0.15, seed=3)
    found = discover(study, a_library(study), seed=3, settings=Settings(draws=20, starts=2))
    best = found.classes[0]
    assert 0 in best.models and len(best.models) > 1
    assert best.probability > found.best.probability
    assert "cannot tell apart" in best.text and "equation of x" in best.text


def test_constants_are_fitted_where_a_condition_differs():
    """Rows of effects follow those of the constants in every Hessian."""
    rng, time = np.random.default_rng(5), np.linspace(0, 6, 20)
    starts, rates = (6.0, 3.0, 1.5, 5.0), (2.0, 2.0, 2.0, 1.2)
    values = [
        solve_ivp(
            lambda _, x, v=v: 1 - v * x / (HALF + x), (0, 6), [x0], "DOP853", time, rtol=1e-9
        ).y.T
        * np.exp(0.01 * rng.standard_normal((time.size, 1)))
        for x0, v in zip(starts, rates, strict=True)
    ]
    study = Study.from_arrays(
        "clearance", ["x"], [time] * 4, values, conditions=["c1", "c2", "c3", "c4"]
    )
    library = Library.polynomial(study, degree=1) + Library.michaelis_menten(study, ["x"])
    discovery = discover(study, library, seed=1, settings=Settings(draws=60))
    [shape] = discovery.best.shapes
    assert shape.half_saturation90[0] < HALF < shape.half_saturation90[1]
    [effect] = discovery.varying.effects
    assert effect.name == "c4"
    assert discovery.variation.effects[0].size90[0] < np.log(0.6)
    assert discovery.variation.effects[0].size90[1] > np.log(0.6)

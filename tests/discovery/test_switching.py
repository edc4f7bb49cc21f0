"""Coefficients that are off in a condition are found, named, and zero wherever they are used."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares

from twinlab.discovery import (
    Settings,
    discovery_mapping,
    local_coefficients,
    reconsider,
)
from twinlab.discovery.contrasts import ContrastSearch
from twinlab.discovery.frame import Point
from twinlab.discovery.measured import told_apart
from twinlab.discovery.problem import make_problem
from twinlab.discovery.search import prepare_starts, weigh
from twinlab.discovery.switching import Begun, Masked, conditions_of, switched_starts
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.report.python_export import python_text
from twinlab.report.variation import variation_csv, variation_rows
from twinlab.study import Study
from twinlab.twin import Twin
from twinlab.twin.newcomers import population_draws

from .test_variation import TRUE, found, labels, prey_and_predators

NAMES = ["control", "ko1", "control2", "ko2"]
#: (label, condition) of what is off.
OFF = {("d predator/dt: predator", "ko1"), ("d prey/dt: prey", "ko2")}


@pytest.fixture(scope="module")
def study():
    factors = np.ones((4, 4))
    factors[1, 2] = factors[3, 0] = 0.0
    return prey_and_predators(2, factors, NAMES)


@pytest.fixture(scope="module")
def discovery(study):
    return found(study)


def test_knock_outs_are_found_and_named(discovery):
    assert labels(discovery) == TRUE
    variation, varying = discovery.variation, discovery.varying
    assert {(o.label, varying.off[o.off].name) for o in variation.off} == OFF
    assert all(o.probability > 0.9 for o in variation.off)
    assert not variation.terms and not variation.effects
    assert 0.8 < discovery.chi2_per_point < 1.2
    [warning] = [w for w in discovery.warnings if w.code == "varies"]
    assert "d prey/dt: prey is off in condition ko2 (probability" in warning.text


def simulated(w, start, time):
    a, b, c, d = w
    return solve_ivp(
        lambda t, x: [a * x[0] - b * x[0] * x[1], d * x[0] * x[1] - c * x[1]],
        (0, time[-1]), start, "DOP853", time, rtol=1e-8, atol=1e-8,
    ).y.T  # fmt: skip


def test_coefficients_are_those_of_a_plain_fit_with_zeros(discovery, study):
    """SciPy's least squares, the coefficients put to zero by hand in their conditions."""
    on = np.ones((4, 4))
    on[1, 2] = on[3, 0] = 0.0
    sd = np.array([discovery.noise_sd["prey"], discovery.noise_sd["predator"]])

    def residual(packed):
        w, starts = packed[:4], packed[4:].reshape(4, 2)
        parts = [
            (t.value - simulated(w * mask, start, t.time)) / sd
            for t, mask, start in zip(study.trajectories, on, starts, strict=True)
        ]
        return np.concatenate(parts).ravel()

    first = [t.value[0] for t in study.trajectories]
    best = least_squares(residual, np.r_[1.0, 0.5, 1.0, 0.5, np.ravel(first)], x_scale="jac")
    order = [
        discovery.library.find("prey", "prey"),
        discovery.library.find("prey", "predator*prey"),
        discovery.library.find("predator", "predator"),
        discovery.library.find("predator", "predator*prey"),
    ]
    place = np.searchsorted(discovery.best.columns, order)
    mine = np.abs(discovery.best.coefficients[place])
    # What priors of coefficients and initial states add is far below the uncertainty.
    assert (np.abs(mine - best.x[:4]) < 0.1 * discovery.best.sd[place]).all()


def off_places(discovery):
    names = [t.condition for t in discovery.study.trajectories]
    return [
        (names.index(condition), next(c for c in discovery.best.columns.tolist()
                                      if discovery.library.column_label(c) == label))
        for label, condition in OFF
    ]  # fmt: skip


def test_what_is_off_is_zero_wherever_it_is_used(discovery):
    again = reconsider(discovery, slab_width=30.0)
    for r, column in off_places(discovery):
        place = list(discovery.best.columns).index(column)
        assert discovery.best.of(r)[place] == 0.0 and discovery.best.of(0)[place] != 0.0
        for answer in (discovery, again):
            assert not answer.posterior.of(r)[:, column].any()
            assert answer.posterior.of(0)[:, column].all()
        newcomer = population_draws(
            discovery, discovery.study.trajectories[r], np.random.default_rng(0)
        )
        assert not newcomer[:, column].any()
    # Without births and with predators about, prey never grow: bands know it.
    band = discovery.bands[3]
    assert (np.diff(band.quantiles[2, :, 0]) < 0).all()


def test_told_in_words_numbers_and_files(discovery, tmp_path):
    told = local_coefficients(discovery)
    assert {item.label for item in told} == {label for label, _ in OFF}
    for item in told:
        [condition] = [c for label, c in OFF if label == item.label]
        at = item.names.index(condition)
        assert item.own[at] == 0.0 and not item.own90[at].any() and item.probability > 0.9
        [words] = item.explained
        assert words.startswith(f"{condition}: off (probability")
    assert any("ko1: off" in row.explained[0] for row in variation_rows(told))
    assert ",ko2,ko2,0,0,0," in variation_csv(discovery)
    mapping = discovery_mapping(discovery)["variation"]
    assert {(o["term"], o["condition"]) for o in mapping["off"]} == OFF
    assert mapping["trajectories"]["d prey/dt: prey"]["ko2"]["coefficient"] == 0.0
    twin = Twin(discovery)
    loaded = Twin.load(twin.save(tmp_path / "knockout.twin"))
    assert loaded.discovery.varying.off[0].name == discovery.varying.off[0].name
    assert loaded.discovery.variation.off == discovery.variation.off
    # Without births the prey fall in every draw, also where the twin is simulated.
    simulation = loaded.simulate(np.linspace(0.0, 4.0, 9), subject=discovery.study.labels[3])
    assert (np.diff(simulation.draws[:, :, 0], axis=1) < 0).all()
    program: dict[str, Any] = {}
    exec(python_text(twin), program)
    assert 0.0 in program["TRAJECTORIES"][discovery.study.labels[3]]["coefficients"]


@pytest.fixture(scope="module")
def start(study):
    problem = make_problem(study, Library.polynomial(study, degree=2), Knowledge())
    return prepare_starts(problem, Settings())[:1]


def test_starts_may_switch_off(start):
    terms = np.ones(start[0].frame.problem.n_column, bool)
    with ThreadPoolExecutor(1) as pool:
        [begun] = switched_starts(start, terms, "constant", 0, lambda _: lambda *_: None, pool)
    label = start[0].frame.problem.library.column_label
    assert {(label(c), name) for c, name in begun.off} == OFF
    assert {label(int(c)) for c in begun.model.fit.columns} == TRUE


@pytest.fixture(scope="module")
def search(start):
    frame = start[0].frame
    return ContrastSearch(frame, np.ones(frame.problem.n_column, bool), 0, lambda: None)


def told_by(search, pairs):
    label = search.plain.problem.library.column_label
    return {(label(c), search.conditions[j].name) for c, j in pairs}


def test_the_search_at_the_end_adds_what_a_start_missed(search, discovery):
    """One knock-out is given, and the other not, or as a small factor."""
    library = search.plain.problem.library
    births, deaths = library.find("prey", "prey"), library.find("predator", "predator")
    fit = discovery.best
    point = Point(fit.columns, fit.coefficients, fit.initial)
    plain = weigh(search.plain, point, discovery.noise)
    frame = search.frame((), np.zeros(0), ((deaths, 1),))
    model = weigh(frame, point, discovery.noise)
    begun = Begun(frame, model, ((deaths, "ko1"),))
    found = search.best(plain, [begun])
    assert told_by(search, found.off) == OFF and not found.contrasts
    small = Point(fit.columns, fit.coefficients, fit.initial, effects=np.array([-3.0]))
    contrast = search.weighed(small, discovery.noise, ((births, 3),), ((deaths, 1),))
    assert found.score > contrast.score + 3.0
    trials = search._switched(contrast)
    assert ((), OFF) in [(contrasts, told_by(search, off)) for _, _, contrasts, off in trials]


def test_posterior_of_supports_is_that_of_the_dense_regression(start):
    """Marginal likelihoods of what is off against rows with zeros, everything jointly normal."""
    rng, frame = np.random.default_rng(3), start[0].frame
    n = frame.problem.n_column
    rows = rng.standard_normal((4, 9, n))
    y = rng.standard_normal((4, 9)) + rows[:, :, 1]
    masked = Masked(
        np.einsum("jia,jib->jab", rows, rows), np.einsum("jia,ji->ja", rows, y),
        float((y**2).sum()), 36.0, frame, np.ones((4, n), bool), 20.0,
    )  # fmt: skip
    columns, off = np.array([1, 4]), np.zeros((4, n), bool)
    switched = off.copy()
    switched[2, 4] = switched[0, 1] = True

    def dense(mask):
        design = (rows * ~mask[:, None, :])[:, :, columns].reshape(36, 2)
        covariance = np.eye(36) + design / frame.precision[columns] @ design.T
        square = y.ravel() @ np.linalg.solve(covariance, y.ravel())
        log_det = np.linalg.slogdet(covariance)[1]
        return -0.5 * log_det - 0.5 * 56.0 * np.log((20.0 + square) / 56.0)

    gap = masked.judged(columns, switched)[0] - masked.judged(columns, off)[0]
    odds = -5.0 - np.log(2 * 4)
    assert gap == pytest.approx(dense(switched) - dense(off) + 2 * odds, rel=1e-8)


def test_conditions_that_are_alike_have_nothing_off():
    plain = prey_and_predators(2, np.ones((4, 4)), NAMES)
    assert found(plain).variation is None
    assert [c.name for c in conditions_of(plain)] == NAMES


def test_an_idle_contrast_is_taken_out_however_poorly_its_rival_was_met(search, discovery):
    """A model first met from a poor start must not leave a second contrast in the answer."""
    library = search.plain.problem.library
    births, deaths = library.find("prey", "prey"), library.find("predator", "predator")
    fit, noise = discovery.best, discovery.noise
    off = search.acting([(births, 3), (deaths, 1)], fit.columns)
    pair = ((births, 1), (births, 2))

    def point(effects):
        return Point(fit.columns, fit.coefficients, fit.initial, effects=effects)

    both = search.weighed(point(np.zeros(2)), noise, pair, off)
    for left, gone in (pair, pair[::-1]):
        good = search.weighed(point(np.zeros(1)), noise, (left,), off)
        assert good.score > both.score
        key = fit.columns.tobytes(), (left,), off
        search.met[key] = replace(good, score=both.score - 20.0)
        assert search._without(both, pair.index(gone)).score == pytest.approx(good.score, abs=0.1)
        search.met[key] = replace(good, score=both.score - 20.0)
    pared = search._pared(both)
    assert not pared.contrasts and pared.score > both.score


def test_what_was_left_out_of_a_condition_has_no_value_there():
    """A coefficient of a species that is not there is neither off nor another in that condition."""
    time = np.linspace(0, 6, 12)
    grown, none = 10 / (1 + 9 * np.exp(-time)), np.zeros(time.size)
    rows = [np.stack(v, axis=1) for v in ((grown, none), (none, grown), (grown, grown / 2))]
    study = Study.from_arrays("ab", ["a", "b"], [time] * 3, rows, conditions=["a", "b", "both"])
    library = Library.polynomial(study, degree=2)
    told = told_apart(study, library, np.eye(3))
    at = {label: told[:, library.find("a", label)].tolist() for label in ("1", "a", "b", "a*b")}
    assert at == {
        "1": [True] * 3, "a": [True, False, True], "b": [False, True, True], "a*b": [False] * 3,
    }  # fmt: skip

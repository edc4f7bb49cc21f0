"""The peers on data where the answer is known, and the translation of rational answers."""

from __future__ import annotations

import numpy as np
import pytest

from twinlab.benchmark import lasso_peer, sindy_pi
from twinlab.benchmark.adapters import METHODS
from twinlab.benchmark.cells import Cell, make_case
from twinlab.benchmark.integration import simulate_equations
from twinlab.benchmark.measure import measure
from twinlab.benchmark.metrics import judge
from twinlab.benchmark.peer_data import by_equation, candidates, common_grid
from twinlab.benchmark.simulation import DrawSimulator
from twinlab.expressions import parse_term
from twinlab.library import Library
from twinlab.study import Study

CLEAN = Cell("predator_prey", conditions=3, points=80, noise=0.0)


def test_draws_are_simulated_as_scipy_does():
    states, names = ("x", "y"), ("x", "y", "u")
    terms = [parse_term(t, names) for t in ("x", "x*y", "u", "hill(y,0.5,2)")]
    matrix = np.array([[0.4, -0.7, 0.2, 0.0], [0.0, 0.6, 0.1, -0.9]])
    time = np.linspace(0.0, 4.0, 41)
    inputs = np.sin(time)[:, None]
    simulator = DrawSimulator(names, terms, np.ones(2))
    got, good = simulator(np.array([1.0, 0.8]), time, matrix[None], inputs, relative=1e-9)
    equations = {
        s: {t.text: c for t, c in zip(terms, row, strict=True)}
        for s, row in zip(states, matrix, strict=True)
    }
    signals = {"u": (time, inputs[:, 0])}
    expected = simulate_equations(equations, states, [1.0, 0.8], time, inputs=signals)
    assert good.all()
    np.testing.assert_allclose(got[0], expected, rtol=1e-5)
    explosive = np.array([[0.0, 50.0, 0.0, 0.0], [50.0, 50.0, 0.0, 0.0]])
    bands = simulator.quantiles(np.ones(2), time, explosive[None], inputs)
    assert np.isnan(bands).all()


def test_every_equation_is_fitted_with_its_own_candidates():
    library = Library.polynomial(("x", "y"), degree=1)
    lacking = library.restrict([c for c in range(6) if c != library.find("x", "y")])
    allowed = candidates(lacking)
    assert allowed.sum() == 5
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 3))
    y = x @ rng.standard_normal((3, 2))
    fit = by_equation(allowed, x, y, lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0].T)
    for i in range(2):
        alone = np.linalg.lstsq(x[:, allowed[i]], y[:, i], rcond=None)[0]
        np.testing.assert_allclose(fit[i, allowed[i]], alone)
        assert not fit[i, ~allowed[i]].any()


def test_differing_times_become_one_grid():
    first, second = np.array([0.0, 1.0, 3.0, 4.0]), np.array([0.0, 2.0, 3.0, 5.0])
    study = Study.from_arrays("s", ("x",), [first, second], [2 * first[:, None], second[:, None]])
    both = common_grid(study).trajectories
    np.testing.assert_allclose(both[0].time, both[1].time)
    assert both[0].time[-1] == 4.0
    np.testing.assert_allclose(both[0].value, 2 * both[0].time[:, None])
    np.testing.assert_allclose(both[1].value, both[1].time[:, None])


def test_lasso_has_the_true_terms_on_clean_data():
    pytest.importorskip("sklearn", reason="the extra 'bench' is not installed")
    case = make_case(CLEAN)
    got = judge(lasso_peer.answer(case.study, case.library, case.knowledge, 0, 10.0), case)
    assert got["recall"] == 1.0 and got["coefficient_error"] < 0.1


def test_smoothed_derivatives_find_a_clean_system():
    pytest.importorskip("pysindy", reason="the extra 'bench' is not installed")
    case = make_case(CLEAN)
    answer = METHODS["pysindy-smooth"](case, 60.0)
    assert not answer.failure
    got = judge(answer, case)
    assert got["exact"] and got["coefficient_error"] < 0.1


def test_the_oracle_is_never_worse_than_the_default():
    pytest.importorskip("pysindy", reason="the extra 'bench' is not installed")
    case = make_case(Cell("logistic", conditions=2, points=30, noise=0.2))
    oracle, default = (
        judge(METHODS[name](case, 60.0), case) for name in ("pysindy-oracle", "pysindy")
    )
    assert oracle["f1"] >= default["f1"]


# ---------------------------------------------------------------------------------- SINDy-PI

MONOMIALS = [parse_term(t, ("x", "y")) for t in ("1", "x", "y", "x^2", "x*y", "y^2")]


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ([0.3, -0.5, 0.0, 0.0, 0.0, 0.0], [0, 0.5, 0, 0, 0, 0]),  # repression and activation of x
        ([0.0, 2.0, 0.0, 0.0, 0.0, 0.0], [0, 0.5, 0, 0, 0, 0]),  # pure Michaelis-Menten
        ([1.5, 0.0, 0.0, 0.0, 0.0, 0.0], [0, 0, 0, 0, 0, 4.0]),  # pure repression, n = 2
        ([0.1, 0.0, 0.0, 0.7, -0.4, 0.0], [0, 0.8, 0, 0, 0, 0]),  # products and higher powers
    ],
)
def test_rational_answers_are_rewritten_without_loss(above, below):
    above, below = np.array(above), np.array(below)
    written = sindy_pi._written(above, below, MONOMIALS, ("x", "y"))
    rng = np.random.default_rng(3)
    values = {"x": rng.uniform(0.1, 3, 40), "y": rng.uniform(0.1, 3, 40)}
    theta = np.stack([term.evaluate(values) for term in MONOMIALS], axis=1)
    expected = theta @ above / (1.0 + theta @ below)
    got = sum(c * parse_term(t, ("x", "y")).evaluate(values) for t, c in written.items())
    np.testing.assert_allclose(got, expected, rtol=2e-4)


def test_pure_saturation_is_one_term():
    above, below = np.array([0, 2.0, 0, 0, 0, 0]), np.array([0, 0.5, 0, 0, 0, 0])
    assert sindy_pi._written(above, below, MONOMIALS, ("x", "y")) == {"mm(x,2)": pytest.approx(4.0)}


def test_a_denominator_of_two_variables_cannot_be_written():
    below = np.array([0, 0.5, 0.5, 0, 0, 0])
    assert sindy_pi._written(np.ones(6), below, MONOMIALS, ("x", "y")) is None


def test_the_implicit_form_is_not_asked_of_polynomials():
    pytest.importorskip("cvxpy", reason="cvxpy is not installed")
    row = measure({"cell": vars(CLEAN), "method": "sindy-pi", "budget": 10})
    assert row["outcome"] == "skipped"


def test_the_implicit_form_finds_a_clean_rational_system():
    pytest.importorskip("cvxpy", reason="cvxpy is not installed")
    cell = Cell("pk_saturable", conditions=5, points=100, noise=0.0)
    row = measure({"cell": vars(cell), "method": "sindy-pi", "budget": 60})
    assert row["outcome"] == "answered"
    assert row["metrics"]["nrmse"] < 0.2

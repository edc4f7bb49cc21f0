"""The benchmark's systems against hand-written equations and another integrator."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from twinlab.benchmark.integration import simulate_equations
from twinlab.benchmark.systems import SYSTEMS
from twinlab.errors import UserError
from twinlab.expressions import parse_term

from .textbook import BY_NAME, community

SIGNED = {
    "fitzhugh_nagumo", "van_der_pol", "lorenz", "lorenz_esindy", "lorenz_odrbindy", "rossler",
}  # fmt: skip


def textbook_slope(name):
    """Right-hand side ``f(x, u)`` that knows nothing of the package's equations."""
    if name.startswith("glv"):
        return community(SYSTEMS[name].values, int(name[3:]))
    return BY_NAME[name]


def random_points(name, count):
    """States and inputs spread over several decades (over both signs where they have any)."""
    system = SYSTEMS[name]
    rng = np.random.default_rng(5)
    time = np.linspace(0, system.horizon, 50)
    top = system.trajectory(system.sample_initial(rng), time)
    top = np.abs(np.hstack((top, system.input_values(time)))).max(axis=0) + 0.1
    if name in SIGNED:
        return top * rng.uniform(-1, 1, (count, top.size))
    return top * np.exp(rng.uniform(np.log(0.01), np.log(3.0), (count, top.size)))


def slopes_at(name, points):
    """Textbook slopes at points, (n_point, n_state)."""
    n_state = len(SYSTEMS[name].states)
    slope = textbook_slope(name)
    return np.array([slope(point[:n_state], point[n_state:]) for point in points])


def test_every_system_is_checked():
    assert set(BY_NAME) | {"glv10", "glv20"} == set(SYSTEMS)


@pytest.mark.parametrize("name", sorted(SYSTEMS))
def test_trajectories_equal_the_textbook(name):
    system, slope = SYSTEMS[name], textbook_slope(name)
    start = system.sample_initial(np.random.default_rng(3))
    time = np.linspace(0, system.horizon, 37)
    inputs = system.input_values(time).T
    edges = [time[0], time[-1]] if not len(inputs) else time  # a kink at every time
    expected = [start]
    for begin, end in zip(edges[:-1], edges[1:], strict=True):
        inside = time[(time > begin) & (time <= end)]
        solution = solve_ivp(
            lambda t, x: slope(x, [np.interp(t, time, row) for row in inputs]),
            (begin, end), expected[-1], "DOP853", inside, rtol=1e-11, atol=1e-13,
        )  # fmt: skip
        expected.extend(solution.y.T)
    scale = np.abs(expected).max(axis=0)
    found = system.trajectory(start, time)
    np.testing.assert_allclose(found / scale, expected / scale, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", sorted(SYSTEMS))
def test_the_support_follows_from_the_textbook(name):
    """Regress the textbook's slopes on the whole library: the true terms and no others are left."""
    system, library = SYSTEMS[name], SYSTEMS[name].library()
    points = random_points(name, 4 * len(library.terms) + 60)
    slopes = slopes_at(name, points)
    values = dict(zip(library.names, points.T, strict=True))
    theta = np.array(
        [np.broadcast_to(term.evaluate(values), len(points)) for term in library.terms]
    )
    for number, state in enumerate(system.states):
        columns = library.columns_of(number)
        design = theta[[library.columns[c].term for c in columns]].T
        # points of equal weight, columns of equal size
        weight = 1.0 / (np.abs(slopes[:, number]) + np.median(np.abs(slopes[:, number])))
        weighted = design * weight[:, None]
        size = np.linalg.norm(weighted, axis=0)
        solved, _, rank, _ = np.linalg.lstsq(
            weighted / size, slopes[:, number] * weight, rcond=1e-14
        )
        assert rank == len(columns), "the truth is not unique in this library"
        found = {
            library.term_of(c).text: coefficient / s
            for c, coefficient, s in zip(columns, solved, size, strict=True)
            if abs(coefficient) > 1e-5 * np.abs(solved).max()
        }
        row = system.equations[state]
        true = {parse_term(term, library.names).text: value for term, value in row.items()}
        assert set(found) == set(true)
        for term, value in true.items():
            assert found[term] == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize("name", sorted(SYSTEMS))
def test_each_equation_depends_on_the_variables_of_its_terms(name):
    """Complex-step derivatives of the textbook show who acts on whom, and how strongly."""
    system, slope = SYSTEMS[name], textbook_slope(name)
    names = (*system.states, *system.inputs)
    n_state, step = len(system.states), 1e-30
    points = random_points(name, 5)
    acts = np.zeros((n_state, len(names)), bool)
    for point in points:
        for j in range(len(names)):
            moved = point.astype(complex)
            moved[j] += 1j * step
            gradient = np.imag(slope(moved[:n_state], moved[n_state:])) / step
            acts[:, j] |= np.abs(gradient) > 0
    expected = np.array(
        [
            [any(n in parse_term(term, names).variables for term in system.equations[s])
             for n in names]
            for s in system.states
        ]
    )  # fmt: skip
    np.testing.assert_array_equal(acts, expected)


@pytest.mark.parametrize("name", sorted(SYSTEMS))
def test_a_system_says_what_it_is(name):
    system = SYSTEMS[name]
    assert system.reference and system.title and system.tier in (1, 2, 3)
    assert system.parameters and set(system.initial) == set(system.states)
    assert set(system.hide) < set(system.states)
    assert set(system.knockouts) <= set(system.rates)
    assert set(system.units) <= {*system.states, *system.inputs}
    assert 1 <= system.design.conditions <= 12 and 8 <= system.design.points <= 1000


def test_constants_inside_terms_are_no_rates():
    assert set(SYSTEMS["toggle"].parameters) - set(SYSTEMS["toggle"].rates) == {
        "half_u", "half_v", "hill_u", "hill_v",
    }  # fmt: skip
    with pytest.raises(UserError, match="no parameter speed"):
        SYSTEMS["toggle"].equations_with({"speed": 0.0})


@pytest.mark.parametrize("name", sorted(SYSTEMS))
def test_the_library_holds_the_truth(name):
    system = SYSTEMS[name]
    library = system.library()
    columns = {library.find(s, term) for s, row in system.equations.items() for term in row}
    assert len(columns) == sum(map(len, system.equations.values()))
    assert library.states == system.states


def test_noise_has_the_stated_size_and_the_seed_decides():
    system = SYSTEMS["predator_prey"]
    data = system.simulate(3, 200, 0.1, seed=1)
    residual = np.concatenate(
        [t.value - clean for t, clean in zip(data.study.trajectories, data.clean, strict=True)]
    )
    np.testing.assert_allclose(residual.std(axis=0), data.sd, rtol=0.1)
    np.testing.assert_allclose(data.sd, 0.1 * np.concatenate(data.clean).std(axis=0))
    again = system.simulate(3, 200, 0.1, seed=1).study
    other = system.simulate(3, 200, 0.1, seed=2).study
    np.testing.assert_array_equal(again.trajectories[2].value, data.study.trajectories[2].value)
    assert not np.allclose(other.trajectories[2].value, data.study.trajectories[2].value)
    assert data.study.conditions == ("c1", "c2", "c3")


def test_divergence_is_none_and_a_missing_equation_is_constant():
    time = np.linspace(0, 5, 11)
    assert simulate_equations({"x": {"x^2": 1.0}}, ["x"], np.ones(1), time) is None
    assert simulate_equations({"x": {"log(x)": 1.0}}, ["x"], -np.ones(1), time) is None
    frozen = simulate_equations({"x": {"x": -1.0}}, ["x", "y"], np.array([1.0, 2.0]), time)
    np.testing.assert_allclose(frozen[:, 0], np.exp(-time), rtol=1e-6)
    np.testing.assert_array_equal(frozen[:, 1], 2.0)


@pytest.mark.parametrize(
    ("term", "value"),
    [
        ("repress(x,0.5,2)", 0.25 / (0.25 + 0.49)),
        ("mm(x,0.8)", 0.7 / 1.5),
        ("exp(-2*x)", np.exp(-1.4)),
        ("log(x)", np.log(0.7)),
        ("sin(3*x)", np.sin(2.1)),
        ("cos(3*x)", np.cos(2.1)),
        ("x^0.5*y", np.sqrt(0.7) * 2.0),
        ("3", 3.0),
    ],
)
def test_every_kind_of_factor_has_its_slope(term, value):
    # y' = term of the constants x = 0.7 and z = 2, so that y grows linearly
    names = ["x", "z", "out"]
    equations = {"out": {term.replace("y", "z"): 1.0}}
    out = simulate_equations(equations, names, np.array([0.7, 2.0, 0.0]), np.array([0.0, 1.0]))
    assert out[-1, 2] == pytest.approx(value, rel=1e-6)

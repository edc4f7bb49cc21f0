"""The benchmark's systems against hand-written equations and another integrator."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from twinlab.benchmark.integration import simulate_equations
from twinlab.benchmark.systems import SYSTEMS


def prey(t, x):
    return [x[0] - 0.5 * x[0] * x[1], -x[1] + 0.5 * x[0] * x[1]]


def seir(t, x):
    infected = 0.8 * x[0] * x[2]
    return [-infected, infected - 0.4 * x[1], 0.4 * x[1] - 0.2 * x[2]]


def neuron(t, x):
    return [x[0] - x[0] ** 3 / 3 - x[1] + 0.5, 0.24 * (x[0] + 0.7 / 0.8 - 0.8 * x[1])]


def enzyme(t, x):
    s, e, c, p, m, protein = x
    bind = 1.5 * s * e
    hill = p**2 / (0.25 + p**2)
    return [
        -bind + 0.3 * c,
        -bind + 1.3 * c,
        bind - 1.3 * c,
        c - 0.4 * p,
        hill - 0.7 * m,
        0.8 * m - 0.5 * protein,
    ]


BY_HAND = {
    "predator_prey": prey,
    "lotka_volterra": prey,
    "seir": seir,
    "fitzhugh_nagumo": neuron,
    "enzyme_hill": enzyme,
}


def test_every_system_is_checked():
    assert set(BY_HAND) == set(SYSTEMS)


@pytest.mark.parametrize("name", sorted(SYSTEMS))
def test_trajectories_equal_hand_written_equations(name):
    system = SYSTEMS[name]
    start = system.sample_initial(np.random.default_rng(3))
    time = np.linspace(0, system.horizon, 37)
    expected = solve_ivp(
        BY_HAND[name], (0, time[-1]), start, "DOP853", time, rtol=1e-11, atol=1e-13
    ).y.T
    if name == "fitzhugh_nagumo":
        assert BY_HAND[name](0, [0, 0])[1] == pytest.approx(system.equations["w"]["1"])
    np.testing.assert_allclose(system.trajectory(start, time), expected, rtol=1e-6, atol=1e-7)


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

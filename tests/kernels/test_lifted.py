"""Equations of pieces against those of trajectories, SciPy and differences."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from twinlab.kernels import (
    OK,
    Data,
    Initial,
    no_drive,
    normal_equations,
    nothing_local,
    piece_equations,
)

from .systems import plain_entries, predator_prey, tolerance


@pytest.fixture(scope="module")
def pieces():
    """Three pieces of one record; a value is missing."""
    model, rng = predator_prey(), np.random.default_rng(5)
    time, initial = np.linspace(0.0, 6.0, 13), rng.uniform(0.8, 2.0, (3, 2))
    value, weight = rng.uniform(0.5, 2.0, (13, 2)), np.full((13, 2), 4.0)
    weight[4, 1] = 0.0
    start = np.array([0, 4, 9, 13])
    none = np.zeros((0, 3))
    data = Data(
        start, time, value, weight, np.zeros(2, bool), np.zeros(value.shape), False, none, none
    )
    begin = time[start[:-1]]
    prior = Initial(initial + 0.2, np.array([[0.5, 0.3], [0.0, 0.0], [0.0, 0.0]]))
    return model, data, prior, initial, begin, np.array([begin[1], begin[2], begin[2]])


def solved(pieces, w, initial):
    model, data, prior, _, begin, end = pieces
    return piece_equations(
        initial, w, begin, end, model.terms, model.entries, data, prior, no_drive(3, 2),
        tolerance(2, 1e-9), np.full(w.size, 0.1),
    )  # fmt: skip


def test_they_are_those_of_trajectories(pieces):
    model, data, prior, initial, *_ = pieces
    w, local = model.coefficients, nothing_local(model.coefficients.size, 3)
    assert model.entries.state.size == plain_entries(2, 6).state.size
    expected = normal_equations(
        initial, w, model.terms, model.entries, local, w, model.terms, model.entries, local, data,
        prior, no_drive(3, 2), tolerance(2, 1e-9), np.full(w.size, 0.1), np.empty((13, 2)),
    )  # fmt: skip
    found = solved(pieces, w, initial)
    assert found[0] == expected[0] == OK
    for mine, theirs in zip(found[1:7], expected[1:], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-6 * np.abs(theirs).max())


def test_ends_and_their_derivatives(pieces):
    model, _, _, initial, begin, end = pieces
    w = model.coefficients
    *_, x_end, by_w, by_x = solved(pieces, w, initial)
    for r in (0, 1):
        there = solve_ivp(
            model.rhs, (begin[r], end[r]), initial[r], "DOP853", rtol=1e-11, atol=1e-12
        )
        np.testing.assert_allclose(x_end[r], there.y[:, -1], rtol=1e-7)
    assert not x_end[2].any() and not by_w[2].any() and not by_x[2].any()
    h = 1e-5
    for j in range(w.size):
        up, down = (solved(pieces, w + s * h * (np.arange(w.size) == j), initial)[-3]
                    for s in (1, -1))  # fmt: skip
        np.testing.assert_allclose(by_w[..., j], (up - down) / (2 * h), rtol=1e-4, atol=1e-6)
    for e in range(2):
        shift = h * (np.arange(2) == e)
        up, down = (solved(pieces, w, initial + s * shift)[-3] for s in (1, -1))
        np.testing.assert_allclose(by_x[..., e], (up - down) / (2 * h), rtol=1e-4, atol=1e-6)


def test_a_piece_that_explodes_is_reported(pieces):
    model, *_, initial, _, _ = pieces
    w = model.coefficients.copy()
    w[3] = 80.0
    status, cost, *_ = solved(pieces, w, initial)
    assert status != OK and cost == np.inf

"""Draws shared out into lots, against draws simulated one at a time."""

from __future__ import annotations

import numpy as np

from twinlab.discovery import discover
from twinlab.discovery.bands import CHUNK, make_lots, simulate
from twinlab.library import Library
from twinlab.study import Study


def study():
    time = np.linspace(0, 4, 9)
    values = np.c_[np.exp(-0.5 * time), 1 - np.exp(-0.5 * time)]
    return Study.from_arrays("decay", ("x", "y"), [time], [values])


def test_lots_give_what_single_draws_give():
    data = study()
    problem = discover(data, Library.polynomial(data, degree=2), seed=0).problem
    rng = np.random.default_rng(4)
    # Three supports in turn, more draws than one lot holds, one draw without any term.
    w = np.zeros((CHUNK + 20, problem.n_column))
    for row, columns in enumerate(w):
        chosen = ([0, 2], [1, 3, 4], [0, 1, 5])[row % 3]
        columns[chosen] = -0.2 * rng.random(len(chosen))
    w[7] = 0.0
    initial = rng.random((len(w), 2)) + 0.5
    time = np.linspace(0, 3, 7)
    lots = make_lots(problem, w)
    assert [lot.rows.size for lot in lots] == [CHUNK, 20]
    together, status = simulate(problem, 0, time, lots, initial)
    assert not status.any()
    for row in range(len(w)):
        alone, _ = simulate(problem, 0, time, make_lots(problem, w[row : row + 1]),
                            initial[row : row + 1])  # fmt: skip
        np.testing.assert_allclose(together[row], alone[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(together[7], np.broadcast_to(initial[7], (7, 2)))

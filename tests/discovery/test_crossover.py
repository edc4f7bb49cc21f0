"""Crossover of equations between models, and its score against the sampler's."""

from types import SimpleNamespace

import numpy as np
import pytest

from twinlab.discovery.crossover import column_group, crossovers, log_posterior
from twinlab.discovery.result import Gram
from twinlab.discovery.steps import SCALE_FREEDOM, select
from twinlab.knowledge import Knowledge
from twinlab.library import Library


@pytest.fixture
def regression():
    """Random rows; the truth is one term in each of two equations."""
    rng = np.random.default_rng(3)
    library = Library.polynomial(["a", "b"], degree=2)
    n = len(library.columns)
    rows = rng.standard_normal((80, n))
    truth = np.array([library.find("a", "a*b"), library.find("b", "b^2")])
    y = rows[:, truth] @ [1.0, -1.0] + 0.3 * rng.standard_normal(80)
    empty = np.zeros((1, 1))
    gram = Gram(rows.T @ rows, rows.T @ y, float(y @ y), 80.0, empty, empty, empty)
    frame = SimpleNamespace(
        problem=SimpleNamespace(library=library),
        precision=np.full(n, 0.01),
        prior=Knowledge().column_prior(library, complexity=1.0),
    )
    return frame, gram, truth


def test_score_is_the_samplers(regression):
    frame, gram, truth = regression
    supports = select(
        gram, frame.precision, frame.prior, truth, freedom=SCALE_FREEDOM, n_steps=500, seed=1
    )
    mine = [log_posterior(frame, gram, c) for c in supports.columns]
    np.testing.assert_allclose(mine, supports.log_posterior, atol=1e-6)


def test_each_equation_takes_its_best_part(regression):
    frame, gram, truth = regression
    library = frame.problem.library
    left = np.sort([truth[0], library.find("b", "a")])
    right = np.sort([library.find("a", "b"), truth[1]])
    found = crossovers(frame, gram, left, [left, right], 5)
    assert np.array_equal(found[0], np.sort(truth))
    assert len({c.tobytes() for c in found}) == len(found)


def test_reactions_are_a_group_of_their_own():
    library = Library.reactions(["a", "b"], ["a -> b"]) + Library.polynomial(["a", "b"], degree=1)
    assert set(column_group(library)) == {0, 1, 2}

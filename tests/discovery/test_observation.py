"""Problems whose columns are not the states alone."""

import numpy as np
import pytest

from twinlab.discovery import Settings, discover
from twinlab.discovery.noise import make_noise
from twinlab.discovery.problem import make_problem
from twinlab.discovery.smoothing import smooth_data
from twinlab.errors import UserError
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study, observe


@pytest.fixture(scope="module")
def decay():
    """A turns into B; measured are A, their sum plus C, and the share of A in per cent."""
    rng = np.random.default_rng(0)
    times, values = [], []
    for start in (2.0, 3.0, 4.0):
        t = np.linspace(0.0, 6.0, 30)
        a = start * np.exp(-0.5 * t)
        b = 1.0 + start - a
        clean = np.column_stack([a, a + b + 0.0 * t, 100.0 * a / (a + b)])
        times.append(t)
        values.append(clean * (1.0 + 0.01 * rng.standard_normal(clean.shape)))
    study = Study.from_arrays("decay", ["A", "total", "share"], times, values)
    return observe(study, {"total": "A + B", "share": "100*A/(A + B)"})


def test_states_come_first_and_a_state_follows_from_sums_and_ratios(decay):
    library = Library.polynomial(["A", "B"], degree=1)
    problem = make_problem(decay, library, Knowledge())
    assert problem.observables == ("A", "B", "total", "share")
    assert problem.value.shape == (90, 4) and np.isnan(problem.value[:, 1]).all()
    assert problem.seen.tolist() == [True, False, True, True]
    smooth = smooth_data(problem)
    assert smooth.mean.shape[2] == 2 and smooth.at_data.shape == (90, 4)
    true = problem.value[:, 2] - problem.value[:, 0]
    np.testing.assert_allclose(smooth.at_data[:, 1], true, atol=0.3)
    noise = make_noise(problem, "constant", smooth.sd, smooth.at_data)
    data = noise.data(problem)
    assert (data.weight[:, 1] == 0).all() and (data.weight[:, [0, 2, 3]] > 0).all()


def test_a_problem_observes_as_the_kernel_does(decay):
    problem = make_problem(decay, Library.polynomial(["A", "B"], degree=1), Knowledge())
    x = np.array([[1.0, 3.0], [2.0, 2.0]])
    expected = [[1.0, 3.0, 4.0, 25.0], [2.0, 2.0, 4.0, 50.0]]
    np.testing.assert_allclose(problem.observe(x), expected)


def test_a_log_normal_column_beside_others():
    t = np.linspace(0.0, 5.0, 40)
    rng = np.random.default_rng(1)
    times, values = [], []
    for virus in (1e3, 2e4):
        log_virus = np.log10(virus * np.exp(-0.7 * t)) + 0.1 * rng.standard_normal(t.size)
        times.append(t)
        values.append(np.column_stack([log_virus, np.exp(-0.3 * t) + 0.01 * np.cos(31 * t)]))
    study = Study.from_arrays("virus", ["log_virus", "cells"], times, values)
    study = observe(study, {"log_virus": "log10(virus)"})
    found = discover(study, Library.polynomial(study, degree=1), settings=Settings(starts=2))
    names = {found.library.column_label(int(c)): w for c, w in zip(
        found.best.columns, found.best.coefficients, strict=True)}  # fmt: skip
    assert names["d virus/dt: virus"] == pytest.approx(-0.7, abs=0.05)
    assert found.noise.logarithmic[0]
    assert found.noise.sd[0] == pytest.approx(0.1 * np.log(10.0), rel=0.25)


def test_what_cannot_be_observed_is_said(decay):
    with pytest.raises(UserError, match="'B' is no state"):
        make_problem(decay, Library.polynomial(["A"], degree=1), Knowledge())
    with pytest.raises(UserError, match="hold values of it"):
        make_problem(
            decay.select(variables=["A"]),
            Library.polynomial(["B"], degree=1, latent=["A"]),
            Knowledge(),
        )
    with pytest.raises(UserError, match="do not hold"):
        make_problem(
            decay.select(variables=["A"]), Library.polynomial(["A", "B"], degree=1), Knowledge()
        )
    with pytest.raises(UserError, match="it is among the states"):
        Library.polynomial(["A", "B"], latent=["A"])

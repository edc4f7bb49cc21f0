"""Smooths against the textbook formulas."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from twinlab.discovery.problem import make_problem
from twinlab.discovery.smoothing import LEVEL_VARIANCE, _choose, _kernel, smooth_data
from twinlab.discovery.weak import test_functions as bumps
from twinlab.discovery.weak import weak_start
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study

from .conftest import predator_prey, true_columns


def sine_problem(noise, n=60, n_trajectory=2, positive=False):
    rng = np.random.default_rng(0)
    times = [np.sort(rng.uniform(0, 10, n)) for _ in range(n_trajectory)]
    clean = [np.sin(t)[:, None] + (1.5 if positive else 0) for t in times]
    values = [x + noise * rng.standard_normal(x.shape) for x in clean]
    study = Study.from_arrays("sine", ["x"], times, values)
    return make_problem(study, Library.polynomial(study, degree=1), Knowledge())


def test_smooth_follows_the_signal_and_finds_the_noise():
    problem = sine_problem(0.1)
    smooth = smooth_data(problem)
    truth = np.sin(problem.grid(0))
    assert np.sqrt(np.mean((smooth.mean[0, :, 0] - truth) ** 2)) < 0.06
    assert 0.08 < smooth.sd[0] < 0.125
    at_grid = smooth.target[0, 5, 3, 0]
    assert at_grid == pytest.approx(smooth.mean[0, 5, 0])


def test_noise_floor_and_log_scale():
    problem = sine_problem(0.05, positive=True)
    assert smooth_data(problem, noise_floor=0.3).sd[0] >= 0.3 * problem.scale[0] * 0.999
    logged = smooth_data(problem, logarithmic=True)
    assert (logged.mean > 0).all()
    assert np.sqrt(np.mean((logged.mean[0, :, 0] - np.sin(problem.grid(0)) - 1.5) ** 2)) < 0.06


def test_chosen_hyperparameters_maximise_the_marginal_likelihood():
    problem = sine_problem(0.2, n=25, n_trajectory=1)
    t, y = problem.times(0), problem.value[:, 0]
    lengths = np.array([0.4, 1.0, 2.5])
    best = _choose([(t, y)], lengths, 0.0)

    def log_likelihood(length, ratio):
        unit = _kernel(t, t, length) + ratio * np.eye(t.size)
        centred = y - y.mean()
        variance = centred @ np.linalg.solve(unit, centred) / t.size
        return multivariate_normal(np.zeros(t.size), variance * unit).logpdf(centred)

    ratios = np.geomspace(1e-6, 4.0, 25)
    grid = {(a, b): log_likelihood(a, b) for a in lengths for b in ratios}
    top = max(grid, key=lambda pair: grid[pair])
    assert (best.length, best.ratio) == (pytest.approx(top[0]), pytest.approx(top[1]))
    assert LEVEL_VARIANCE > 1


def test_test_functions_integrate_by_parts_and_are_orthonormal():
    grid = np.linspace(2.0, 7.0, 201)
    phi, dphi = bumps(grid, 20)
    step = grid[1] - grid[0]
    np.testing.assert_allclose(phi @ phi.T / step, np.eye(len(phi)), atol=1e-8)
    x, slope = np.sin(2 * grid), 2 * np.cos(2 * grid)
    np.testing.assert_allclose(-dphi @ x, phi @ slope, atol=2e-3 * abs(phi @ slope).max())


def test_weak_regression_on_clean_data_recovers_the_truth():
    study = predator_prey(noise=0.0, n=80)
    library = Library.polynomial(study, degree=2)
    library = library.restrict(true_columns(library))
    truth = true_columns(library)
    problem = make_problem(study, library, Knowledge())
    start = weak_start(problem, smooth_data(problem))
    expected = [truth[c] for c in sorted(truth)]
    np.testing.assert_allclose(start.coefficients, expected, rtol=0.03)
    assert (start.magnitude > 0.5 * np.abs(expected)).all()

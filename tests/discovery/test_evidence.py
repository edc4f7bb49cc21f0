"""Noise models and the Laplace evidence against exact Gaussian results."""

import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.stats import cauchy, invgamma, multivariate_normal, norm

from twinlab.discovery.model_prior import SLAB_SHARE, log_sign_prior, log_support_prior
from twinlab.discovery.noise import Noise, make_noise
from twinlab.discovery.problem import make_problem
from twinlab.discovery.scaled import log_determinant, solve_and_invert, solve_scaled
from twinlab.discovery.search import POLISHED, settle, weigh
from twinlab.discovery.signs import sign_log_odds
from twinlab.discovery.smoothing import smooth_data
from twinlab.discovery.steps import (
    Frame,
    Point,
    initial_prior,
    log_evidence,
    polish_point,
)
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study


@pytest.fixture(scope="module")
def line():
    """Data on a line: x' = w is linear in all parameters, so Laplace is exact."""
    rng = np.random.default_rng(5)
    time = np.linspace(0, 2, 12)
    value = (1.0 + 0.7 * time + 0.1 * rng.standard_normal(12))[:, None]
    study = Study.from_arrays("line", ["x"], [time], [value])
    problem = make_problem(study, Library.polynomial(study, degree=1), Knowledge())
    smooth = smooth_data(problem, noise_floor=0.1)
    precision = np.array([0.04, 0.04])
    frame = Frame(problem, smooth, precision, problem.prior, initial_prior(problem, smooth), 100)
    return frame, time, value[:, 0]


def test_evidence_is_the_integral_over_coefficient_and_initial_state(line):
    """By quadrature over the coefficient, its slab Cauchy; the initial state is exact."""
    frame, time, y = line
    noise = make_noise(frame.problem, "constant", np.array([0.12]), frame.smooth.at_data)
    column = np.array([frame.problem.library.find("x", "1")])
    start = Point(column, np.zeros(1), frame.initial_prior.mean)
    fit = polish_point(frame, start, noise, 0.0, 20)
    prior0 = frame.initial_prior
    covariance = 0.12**2 * np.eye(12) + np.ones((12, 12)) / prior0.precision[0, 0]
    scale = SLAB_SHARE / np.sqrt(frame.precision[column[0]])
    w = np.linspace(fit.coefficients[0] - 1.0, fit.coefficients[0] + 1.0, 2001)
    mean = prior0.mean[0, 0] + w[:, None] * time
    density = np.exp(multivariate_normal(np.zeros(12), covariance).logpdf(y - mean))
    exact = np.log(trapezoid(density * cauchy(scale=scale).pdf(w), w))
    constant = 0.5 * 12 * np.log(2 * np.pi)
    extra = noise.log_prior(frame.problem) + log_support_prior(frame.prior, column)
    assert log_evidence(frame, fit, noise) == pytest.approx(exact + constant + extra, abs=0.01)


def test_the_evidence_of_a_hopeless_model_is_of_one_noise(line):
    """Squares under the noise it was fitted with, the normaliser of another, would flatter it."""
    frame, _, y = line
    wide = make_noise(frame.problem, "constant", np.array([2.0]), frame.smooth.at_data)
    column = np.array([frame.problem.library.find("x", "1")])
    start = Point(column, np.zeros(1), frame.initial_prior.mean)
    fit = polish_point(frame, start, wide, 0.0, 20)
    given_up = settle(frame, fit, wide, POLISHED[1:], hopeless=np.inf)
    squares = (((y - given_up.fit.x[:, 0]) / given_up.noise.sd[0]) ** 2).sum()
    away = given_up.fit.initial - frame.initial_prior.mean
    local = (frame.initial_prior.precision * away**2).sum()
    shared = (frame.precision[column] * given_up.fit.coefficients**2).sum()
    assert given_up.fit.cost == pytest.approx(squares + local + shared, rel=1e-4)
    assert given_up.evidence < weigh(frame, start, wide).evidence - 5.0


def test_a_sign_that_drives_below_zero_is_unlikely_beforehand():
    study = Study.from_arrays("s", ["a", "b"], [np.arange(3.0)], [np.arange(6.0).reshape(3, 2)])
    plain = Library.polynomial(study, degree=2) + Library.hill(study, half_saturation=[1.0])
    odds = sign_log_odds(plain, np.array([True, False]), 3.0)
    for term, wanted in {
        "1": 3.0, "b": 3.0, "b^2": 3.0, "repress(a,1,2)": 3.0, "hill(b,1,2)": 3.0,
        "a": 0.0, "a*b": 0.0, "hill(a,1,2)": 0.0,
    }.items():  # fmt: skip
        assert odds[plain.find("a", term)] == wanted, term
        assert odds[plain.find("b", term)] == 0.0, term
    logarithm = Library.user_terms(study, ["log(a)", "a*log(a)"])
    assert sign_log_odds(logarithm, np.array([True, False]), 3.0).tolist() == [-3.0, 0, 0, 0]
    reactions = Library.reactions(study, ["a -> b", "b -> a", "a -> : b"])
    odds = sign_log_odds(reactions, np.array([True, True]), 3.0)
    # Backwards the first two would draw from an empty pool; the third does so forwards.
    assert odds.tolist() == [3.0, 3.0, -3.0]
    problem = make_problem(study, plain, Knowledge(), positivity=3.0)
    column = np.array([plain.find("a", "b")])
    with_sign = [log_sign_prior(problem, column, np.array([w])) for w in (-1.0, 1.0)]
    assert np.exp(with_sign).sum() == pytest.approx(2.0)
    assert with_sign[1] - with_sign[0] == pytest.approx(3.0)


def test_log_likelihood_of_replicates_is_that_of_the_single_values(line):
    frame, *_ = line
    rng = np.random.default_rng(1)
    raw = rng.normal(2.0, 0.3, (3, 4))
    problem = frame.problem
    mean, spread = raw.mean(axis=1), raw.var(axis=1) * 4
    changed = {
        "value": mean[:, None],
        "count": np.full((3, 1), 4),
        "spread": spread[:, None],
        "sd": np.full((3, 1), np.nan),
        "censored": np.zeros((3, 1), bool),
        "time": np.arange(3.0),
        "start": np.array([0, 3]),
    }
    from dataclasses import replace

    problem = replace(problem, **changed)
    noise = make_noise(problem, "constant", np.array([0.25]), mean[:, None])
    x = mean[:, None] + 0.1
    data = noise.data(problem)
    chi2 = ((data.weight * (data.value - x)) ** 2).sum()
    got = noise.log_normaliser(problem) - 0.5 * chi2
    expected = norm(x, 0.25).logpdf(raw).sum() + 0.5 * 12 * np.log(2 * np.pi)
    assert got == pytest.approx(expected)


@pytest.mark.parametrize("model", ["proportional", "combined"])
def test_level_dependent_noise_has_the_sd_it_says(line, model):
    frame, *_ = line
    level = frame.smooth.at_data
    noise = make_noise(frame.problem, model, np.array([0.2]), level)
    sigma = 1 / noise.data(frame.problem).weight
    np.testing.assert_allclose(sigma, noise.at(level))
    assert np.sqrt((sigma**2).mean()) == pytest.approx(0.2)
    assert sigma[-1] > sigma[0]


def test_lognormal_likelihood_matches_scipy(line):
    frame, _, y = line
    noise = make_noise(frame.problem, "lognormal", np.array([0.3]), frame.smooth.at_data)
    x = (y * 1.1)[:, None]
    residual = noise.standardised(frame.problem, x)
    got = noise.log_normaliser(frame.problem) - 0.5 * (residual**2).sum()
    expected = (norm(np.log(x[:, 0]), noise.sd[0]).logpdf(np.log(y)) - np.log(y)).sum()
    assert got == pytest.approx(expected + 0.5 * 12 * np.log(2 * np.pi))


def test_noise_is_estimated_and_its_prior_is_proper(line):
    frame, time, y = line
    problem = frame.problem
    noise = make_noise(problem, "constant", np.array([1.0]), frame.smooth.at_data)
    slope, level = np.polyfit(time, y, 1)
    estimated = noise.estimate(problem, (level + slope * time)[:, None], 2.0)
    assert 0.06 < estimated.sd[0] < 0.16
    # A perfect fit does not drive the noise to nothing: the prior holds it.
    assert noise.estimate(problem, y[:, None], 2.0).sd[0] > 0.01 * problem.scale[0]
    guess = (0.05 * problem.scale[0]) ** 2
    density = invgamma(1.0, scale=guess)
    change = [
        Noise("constant", np.array([s]), noise.shape, noise.offset).log_prior(problem)
        for s in (0.05, 0.2)
    ]
    # Densities of the logarithm of the variance: the Jacobian is the variance itself.
    expected = [density.logpdf(s**2) + np.log(s**2) for s in (0.05, 0.2)]
    assert change[1] - change[0] == pytest.approx(expected[1] - expected[0])


def test_known_sd_takes_precedence(line):
    frame, *_ = line
    from dataclasses import replace

    sd = np.full((12, 1), np.nan)
    sd[:6] = 0.05
    problem = replace(frame.problem, sd=sd)
    noise = make_noise(problem, "constant", np.array([0.5]), frame.smooth.at_data)
    weight = noise.data(problem).weight[:, 0]
    np.testing.assert_allclose(weight[:6], 20.0)
    np.testing.assert_allclose(weight[6:], 2.0)
    far = problem.value + np.where(sd > 0, 9.0, 0.0)
    assert noise.estimate(problem, far, 0.0).sd[0] < 0.1


def test_badly_scaled_matrices_are_not_singular():
    unit = np.array([1e9, 1.0, 1e-9])
    core = np.array([[2.0, 0.3, 0.1], [0.3, 1.0, 0.2], [0.1, 0.2, 3.0]])
    matrix = core * np.outer(unit, unit)
    right = np.arange(6.0).reshape(3, 2)
    expected = np.linalg.solve(core, right / unit[:, None]) / unit[:, None]
    np.testing.assert_allclose(solve_scaled(matrix, right), expected, rtol=1e-9)
    sign, log = log_determinant(matrix)
    assert sign == 1 and log == pytest.approx(np.linalg.slogdet(core)[1])
    solution, inverse = solve_and_invert(matrix, right[:, 0])
    np.testing.assert_allclose(solution, expected[:, 0], rtol=1e-9)
    wanted = np.linalg.inv(core) / np.outer(unit, unit)
    np.testing.assert_allclose(inverse, wanted, rtol=1e-9)


def test_a_matrix_without_a_factor_is_still_solved():
    matrix = np.array([[1.0, 2.0], [2.0, 1.0]])
    solution, inverse = solve_and_invert(matrix, np.array([1.0, -1.0]))
    np.testing.assert_allclose(solution, [-1.0, 1.0], rtol=1e-9)
    np.testing.assert_allclose(inverse, np.linalg.inv(matrix), rtol=1e-9)

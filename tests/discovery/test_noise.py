"""Noise of every form: likelihoods against SciPy, sizes found, and what a discovery makes of it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import norm, t

from twinlab.discovery import Settings, discover
from twinlab.discovery.noise import (
    MODELS,
    STUDENT_SCALE,
    allowed_models,
    compared_models,
    make_noise,
)
from twinlab.discovery.problem import make_problem
from twinlab.discovery.smoothing import smooth_data
from twinlab.errors import UserError
from twinlab.kernels import STUDENT_FREEDOM
from twinlab.kernels.likelihood import effective_row
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study

from .conftest import predator_prey, true_columns

LIMIT = 2.0
HALF_LOG_TWO_PI = 0.5 * np.log(2 * np.pi)


def flat_problem(n=400, tails=None, noise=0.3, sd=None, censored=False):
    """Values around a line from 1 to 4, some of them below a limit."""
    rng = np.random.default_rng(4)
    level = np.linspace(1.0, 4.0, n)[:, None]
    error = rng.standard_normal(level.shape) if tails is None else rng.standard_t(tails, (n, 1))
    value = level + noise * error
    study = Study.from_arrays("flat", ["x"], [np.arange(float(n))], [value])
    below = value < LIMIT if censored else np.zeros(value.shape, bool)
    given = np.full(value.shape, np.nan) if sd is None else np.broadcast_to(sd, value.shape)
    own = replace(
        study.trajectories[0], value=np.where(below, LIMIT, value), censored=below, sd=given
    )
    study = replace(study, trajectories=(own,))
    problem = make_problem(study, Library.polynomial(study, degree=1), Knowledge())
    return problem, level


def log_likelihood(noise, problem, x):
    """As the evidence adds it up: half the cost and the noise's normaliser."""
    return noise.log_normaliser(problem) - 0.5 * cost_of(noise, problem, x)


def cost_of(noise, problem, x):
    """Cost of all values, row by row; the table at once must agree."""
    data = noise.data(problem)
    r = data.weight * (np.log(data.value / x) if data.logarithmic.all() else data.value - x)
    rows = [
        effective_row(a, c, data.student)
        for a, c in zip(r.ravel(), data.censored.ravel(), strict=True)
    ]
    cost = sum(row[0] for row in rows)
    excess, _ = noise.excess(problem, x)
    assert excess == pytest.approx(cost - sum(row[2] ** 2 for row in rows), abs=1e-8)
    return cost


@pytest.mark.parametrize("model", ["constant", "student"])
@pytest.mark.parametrize("censored", [False, True])
def test_likelihood_is_that_of_the_distribution(model, censored):
    problem, level = flat_problem(60, censored=censored)
    noise = make_noise(problem, model, np.array([0.4]), level)
    scale = 0.4 * STUDENT_SCALE
    law = norm(level, 0.4) if model == "constant" else t(STUDENT_FREEDOM, level, scale)
    assert law.std() == pytest.approx(0.4)
    below, y = problem.censored, problem.value
    expected = law.logpdf(y)[~below].sum() + law.logcdf(y)[below].sum()
    expected += HALF_LOG_TWO_PI * (~below).sum()
    assert below.any() == censored
    assert log_likelihood(noise, problem, level) == pytest.approx(expected)
    assert noise.quantile(0.95) * 0.4 == pytest.approx((law.ppf(0.95) - level)[0, 0])


def test_lognormal_censored_values_enter_on_the_log_scale():
    problem, level = flat_problem(60, noise=0.2, censored=True)
    problem = replace(problem, value=np.maximum(problem.value, 0.1))
    noise = make_noise(problem, "lognormal", np.array([0.5]), level)
    below = problem.censored
    assert below.sum() > 5
    z = np.log(problem.value / level) / noise.sd[0]
    expected = (z[~below] ** 2).sum() - 2 * norm.logcdf(z[below]).sum()
    assert cost_of(noise, problem, level) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("model", "tails", "censored"),
    [("constant", None, True), ("student", 4, False), ("student", 4, True)],
)
def test_size_is_the_maximum_of_the_likelihood(model, tails, censored):
    problem, level = flat_problem(1500, tails=tails, censored=censored)
    start = make_noise(problem, model, np.array([1.5]), level)
    noise = start.estimate(problem, level, 0.0).estimate(problem, level, 0.0)
    true = 0.3 if tails is None else 0.3 / STUDENT_SCALE
    assert noise.sd[0] == pytest.approx(true, rel=0.08)

    def minus(log_sd):
        own = replace(noise, sd=np.exp([log_sd]))
        return -log_likelihood(own, problem, level)

    best = minimize_scalar(minus, bounds=(-3, 1), method="bounded")
    assert noise.sd[0] == pytest.approx(np.exp(best.x), rel=0.01)


def test_outliers_hardly_move_the_size_of_student_noise():
    problem, level = flat_problem(400)
    spoilt = problem.value.copy()
    spoilt[::20] += 6.0
    spoilt = replace(problem, value=spoilt)
    sizes = {}
    for model in ("constant", "student"):
        noise = make_noise(problem, model, np.array([0.4]), level)
        for _ in range(3):
            noise = noise.estimate(spoilt, level, 0.0)
        sizes[model] = noise.sd[0]
    assert sizes["constant"] > 1.2 and sizes["student"] < 0.55


def test_replicates_of_student_noise_add_what_is_within_them():
    rng = np.random.default_rng(2)
    problem, level = flat_problem(600)
    raw = level[..., None] + 0.3 * STUDENT_SCALE * rng.standard_t(4, (600, 1, 5))
    mean = raw.mean(axis=2)
    problem = replace(
        problem,
        value=mean,
        count=np.full((600, 1), 5),
        spread=((raw - mean[..., None]) ** 2).sum(axis=2),
    )
    noise = make_noise(problem, "student", np.array([1.0]), level)
    for _ in range(3):
        noise = noise.estimate(problem, level, 0.0)
    assert noise.sd[0] == pytest.approx(0.3, rel=0.1)
    np.testing.assert_allclose(
        noise.data(problem).weight, np.sqrt(5) / (noise.sd[0] * STUDENT_SCALE)
    )


def test_limits_of_replicates_count_one_by_one():
    problem, level = flat_problem(60, censored=True)
    count = np.where(problem.censored, 3, 1)
    noise = make_noise(problem, "constant", np.array([0.4]), level)
    once, thrice = noise.data(problem), noise.data(replace(problem, count=count))
    np.testing.assert_array_equal(thrice.weight, once.weight)
    np.testing.assert_array_equal(thrice.censored, 3 * once.censored)
    assert once.censored.sum() == problem.censored.sum()
    assert replace(problem, count=count).n_values == (~problem.censored).sum()


def test_given_sds_leave_only_the_tails_to_choose():
    problem, level = flat_problem(60, sd=0.3)
    assert compared_models(problem) == ("constant", "student")
    noises = [make_noise(problem, m, np.array([0.7]), level) for m in MODELS[:3]]
    values = [log_likelihood(n, problem, level) + n.log_prior(problem) for n in noises]
    # A size that no value depends on has no say in the evidence.
    np.testing.assert_allclose(values, values[0])
    some = np.full((60, 1), np.nan)
    some[:30] = 0.3
    mixed, _ = flat_problem(60, sd=some)
    assert compared_models(mixed) == allowed_models(mixed) != ("constant", "student")


def test_allowed_models_follow_the_sign_of_the_data():
    problem, _ = flat_problem(60)
    assert allowed_models(replace(problem, value=np.abs(problem.value) + 0.1)) == MODELS
    zero = np.abs(problem.value)
    zero[0] = 0.0
    assert set(MODELS) - set(allowed_models(replace(problem, value=zero))) == {"lognormal"}
    assert allowed_models(replace(problem, value=problem.value - 9)) == ("constant", "student")


def test_smoothing_takes_half_of_a_positive_limit():
    problem, level = flat_problem(200, censored=True)
    low = problem.censored[:, 0] & (level[:, 0] < 1.5)
    smooth = smooth_data(problem).at_data[:, 0]
    assert np.abs(smooth[low] - 0.5 * LIMIT).mean() < 0.2
    assert np.abs(smooth - level[:, 0])[level[:, 0] > 3].mean() < 0.1


def test_a_state_that_is_nowhere_above_its_limit_is_refused():
    study = predator_prey(n=12)
    trajectories = tuple(
        replace(own, censored=np.repeat([[False, True]], 12, axis=0)) for own in study.trajectories
    )
    with pytest.raises(UserError, match="All values of predator lie below"):
        discover(replace(study, trajectories=trajectories))


def censored_study(share: float, seed: int = 1) -> Study:
    study = predator_prey(seed=seed, n_condition=3)
    limit = np.quantile(np.concatenate([own.value[:, 1] for own in study.trajectories]), share)
    out = []
    for own in study.trajectories:
        below = np.zeros(own.value.shape, bool)
        below[:, 1] = own.value[:, 1] < limit
        out.append(replace(own, value=np.where(below, limit, own.value), censored=below))
    return replace(study, trajectories=tuple(out))


def test_censored_values_do_not_bias_the_model():
    study = censored_study(0.35)
    found = discover(study, settings=Settings(noise="constant", draws=20))
    truth = true_columns(found.library)
    assert set(found.best.columns) == set(truth)
    wanted = np.array([truth[int(c)] for c in found.best.columns])
    np.testing.assert_allclose(found.best.coefficients, wanted, rtol=0.03)
    # Taken as measured, the same numbers lead elsewhere.
    blind = replace(
        study,
        trajectories=tuple(
            replace(own, censored=np.zeros_like(own.censored)) for own in study.trajectories
        ),
    )
    wrong = discover(blind, settings=Settings(noise="constant", draws=20))
    assert set(wrong.best.columns) != set(truth)
    codes = {w.code for w in found.warnings}
    assert "censoring_ignored" not in codes and "mostly_censored" not in codes
    for r, own in enumerate(study.trajectories):
        assert np.isnan(found.residuals[r][own.censored]).all()
        assert np.isfinite(found.residuals[r][~own.censored]).all()
    assert 0.8 < found.chi2_per_point < 1.3


def test_mostly_censored_states_are_named():
    found = discover(censored_study(0.6), settings=Settings(starts=1, draws=10, neighbours=2))
    told = [w.text for w in found.warnings if w.code == "mostly_censored"]
    assert len(told) == 1 and "60 % of the values of predator" in told[0]


def test_outliers_bring_student_noise_by_evidence():
    study, rng = predator_prey(seed=2, n_condition=3), np.random.default_rng(7)
    sd = 0.05 * np.concatenate([own.value for own in study.trajectories]).std(axis=0)
    spoilt = []
    for own in study.trajectories:
        wrong = rng.random(own.value.shape) < 0.1
        error = 10 * sd * rng.choice([-1.0, 1.0], own.value.shape)
        spoilt.append(replace(own, value=own.value + np.where(wrong, error, 0.0)))
    study = replace(study, trajectories=tuple(spoilt))
    found = discover(study, settings=Settings(draws=20))
    assert found.noise.student
    evidence = found.diagnostics["noise_evidence"]
    assert evidence[found.noise_model] > evidence["constant"] + 30
    truth = true_columns(found.library)
    assert set(found.best.columns) == set(truth)
    wanted = np.array([truth[int(c)] for c in found.best.columns])
    np.testing.assert_allclose(found.best.coefficients, wanted, rtol=0.03)
    forced = discover(study, settings=Settings(noise="constant", draws=20))
    error = np.abs(forced.best.coefficients[: wanted.size] / wanted - 1).max()
    assert error > 2 * np.abs(found.best.coefficients / wanted - 1).max()
    # The misfit is near one however the tails are.
    assert 0.8 < found.chi2_per_point < 1.3


@pytest.mark.parametrize("kind", ["replicates", "given", "mixed"])
def test_told_sizes_and_replicates_weigh_the_values(kind):
    """Some values are ten times as exact as others: the intervals must know it."""
    clean, rng = predator_prey(seed=3, noise=0.0, n_condition=3), np.random.default_rng(11)
    scale = 0.15 * np.concatenate([own.value for own in clean.trajectories]).std(axis=0)
    out = []
    for own in clean.trajectories:
        shape = own.value.shape
        exact = rng.random(shape) < 0.5
        count, spread = np.ones(shape, np.int64), np.zeros(shape)
        told = np.full(shape, np.nan)
        sd = np.broadcast_to(scale, shape) * np.where(exact, 0.1, 1.0)
        if kind == "replicates":
            count = np.where(exact, 100, 1)
            spread = np.where(exact, scale**2 * rng.chisquare(99, shape), 0.0)
        elif kind == "given":
            told = sd
        else:
            told = np.where(exact, sd, np.nan)
        value = own.value + sd * rng.standard_normal(shape)
        out.append(replace(own, value=value, count=count, spread=spread, sd=told))
    study = replace(clean, trajectories=tuple(out))
    found = discover(study, settings=Settings(noise="constant", draws=10, starts=2))
    truth = true_columns(found.library)
    assert set(found.best.columns) == set(truth)
    wanted = np.array([truth[int(c)] for c in found.best.columns])
    # As good as the exact half alone would allow, and known to be.
    assert np.abs(found.best.coefficients / wanted - 1).max() < 0.015
    assert (found.best.sd / np.abs(wanted) < 0.01).all()
    assert (np.abs(found.best.coefficients - wanted) < 3.5 * found.best.sd).all()
    assert 0.7 < found.chi2_per_point < 1.4
    if kind != "given":
        np.testing.assert_allclose(list(found.noise_sd.values()), scale, rtol=0.3)

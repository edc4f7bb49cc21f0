"""Coefficients of subjects that were not in a fit."""

from types import SimpleNamespace

import numpy as np
import pytest

from tests.discovery.test_variation import levels_of_their_own
from twinlab.discovery import Settings
from twinlab.discovery.result import Posterior
from twinlab.discovery.varying import Effect, Varying
from twinlab.errors import UserError
from twinlab.library import Library
from twinlab.twin import validate
from twinlab.twin.newcomers import effect_value, population_draws

EFFECTS = (
    Effect(0, "power", "weight", np.zeros(1), "", 70.0),
    Effect(1, "condition", "treated", np.zeros(1)),
    Effect(1, "linear", "age", np.zeros(1), "", 50.0, 10.0),
    Effect(1, "group", "sex", np.zeros(1), "1"),
)


def subject(condition="treated", **covariates):
    values = {"weight": 140.0, "age": 60.0, "sex": 1.0, **covariates}
    return SimpleNamespace(condition=condition, covariates=values, label="s9")


def varying_fit(n=20_000, sizes=(0.75, 0.5, 0.2, 0.0), omega=(0.3,)):
    varying = Varying(np.array([0, -1, 1]), 2, np.array(omega), EFFECTS, np.array(sizes))
    local = varying.draws(np.zeros((n, 1, len(omega))), np.tile(sizes, (n, 1)))
    posterior = Posterior(np.tile([2.0, -1.0, 3.0], (n, 1)), np.zeros((n, 1, 1)), None, local)
    return SimpleNamespace(posterior=posterior, varying=varying)


def test_newcomers_vary_as_the_population_does():
    drawn = population_draws(varying_fit(), subject(), np.random.default_rng(0))
    log = np.log(drawn[:, 0] / 2.0)
    assert log.mean() == pytest.approx(0.75 * np.log(2.0), abs=0.01)
    assert log.std() == pytest.approx(0.3, abs=0.01)
    assert np.all(drawn[:, 1] == -1.0)
    assert drawn[:, 2] == pytest.approx(3.0 * np.exp(0.5 + 0.2))
    plain = population_draws(
        varying_fit(), subject("", weight=70.0, age=50.0), np.random.default_rng(0)
    )
    assert plain[:, 2] == pytest.approx(3.0)
    assert np.log(plain[:, 0] / 2.0).mean() == pytest.approx(0.0, abs=0.01)


def test_what_does_not_vary_is_left_alone():
    fit = varying_fit(n=5)
    fit.varying = None
    drawn = population_draws(fit, subject(), np.random.default_rng(0))
    assert np.array_equal(drawn, fit.posterior.coefficients)


def test_effects_of_a_newcomer():
    assert [effect_value(e, subject()) for e in EFFECTS] == pytest.approx([np.log(2), 1, 1, 1])
    assert effect_value(EFFECTS[3], subject(sex=0.0)) == 0.0
    with pytest.raises(UserError, match="s9 has no usable weight"):
        effect_value(EFFECTS[0], subject(weight=float("nan")))
    with pytest.raises(UserError, match="s9 has no usable age"):
        effect_value(EFFECTS[2], SimpleNamespace(condition="", covariates={}, label="s9"))


def test_held_out_subjects_are_covered_with_the_spread_between_subjects():
    study, _ = levels_of_their_own()
    settings = Settings(draws=100, noise="lognormal", mcmc_steps=2000, vary="subject", starts=1)
    found = validate(study, Library.polynomial(study, degree=1), folds=2, settings=settings)
    assert 0.8 <= found.overall.coverage90 <= 1.0
    # Where all subjects settle, the interval is as wide as they differ: 0.4 on the log scale.
    last = [np.log(p.quantiles[:, -1, 0]) for p in found.predictions]
    assert 0.25 < np.mean([(q[4] - q[0]) / (2 * 1.645) for q in last]) < 0.75

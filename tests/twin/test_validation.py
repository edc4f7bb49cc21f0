"""Validation on data whose truth is known, and what it says when something is amiss."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from twinlab.discovery import CancelToken, Settings, dumps
from twinlab.errors import Cancelled, UserError
from twinlab.library import Library
from twinlab.study import Study
from twinlab.twin import Validation, validate, validation_mapping, verdict
from twinlab.twin.baselines import LAST, OTHERS, OWN, SMOOTH
from twinlab.twin.folds import make_folds
from twinlab.twin.informed import uninformed
from twinlab.twin.scores import flatten, grouped, score
from twinlab.twin.verdict import coverage_range

from ..discovery.conftest import predator_prey

QUICK = Settings(draws=100, mcmc_steps=4000, starts=1)


@pytest.fixture(scope="module")
def study() -> Study:
    return predator_prey(seed=2, n_condition=4, n=25)


@pytest.fixture(scope="module")
def by_subject(study: Study) -> Validation:
    return validate(study, leave="subject", folds=2, settings=QUICK, seed=1)


@pytest.fixture(scope="module")
def ends(study: Study) -> Validation:
    return validate(study, leave="end", share=0.4, settings=QUICK, seed=1)


def test_unseen_subjects_are_predicted_with_honest_intervals(by_subject: Validation) -> None:
    assert by_subject.complete and len(by_subject.folds) == 2
    assert by_subject.overall.n == 4 * 24 * 2
    assert by_subject.overall.r_squared > 0.95
    assert by_subject.overall.coverage90 > 0.75
    assert by_subject.overall.nrmse < 0.3 * by_subject.overall.baselines[LAST].nrmse
    assert by_subject.overall.nrmse < 0.3 * by_subject.overall.baselines[OTHERS].nrmse
    first = by_subject.predictions[0]
    assert first.start == "prey, predator estimated from the first time"
    assert first.given_time.size == 1 and first.time[0] > first.given_time[0]


def test_a_fold_never_sees_what_it_predicts(study: Study, by_subject: Validation) -> None:
    """Other values of a subject change its scores, and not its prediction."""
    changed = study.trajectories[0]
    value = changed.value.copy()
    value[1:] *= 1.7
    other = replace(study, trajectories=(replace(changed, value=value), *study.trajectories[1:]))
    only = validate(other, leave="subject", only=["1"], settings=QUICK, seed=1)
    plain = validate(study, leave="subject", only=["1"], settings=QUICK, seed=1)
    # The solver's tolerance follows the scale of all data: nothing else may.
    assert only.predictions[0].quantiles == pytest.approx(plain.predictions[0].quantiles, rel=1e-4)
    assert only.overall.nrmse > 2 * plain.overall.nrmse


def test_the_end_is_forecast_from_the_beginning(ends: Validation) -> None:
    assert ends.overall.r_squared > 0.95
    assert set(ends.overall.baselines) == {LAST, OWN, SMOOTH}
    assert ends.overall.nrmse < 0.3 * min(b.nrmse for b in ends.overall.baselines.values())
    assert all(p.given_time[-1] <= 6.0 < p.time[0] for p in ends.predictions)
    assert "of every record" in verdict(ends)[0]


def test_the_same_seed_gives_the_same_bytes_whatever_the_threads(
    study: Study, by_subject: Validation
) -> None:
    with ThreadPoolExecutor(1) as pool:
        again = validate(study, leave="subject", folds=2, settings=QUICK, seed=1, executor=pool)
    first, second = (dumps({**validation_mapping(v), "seconds": 0.0}) for v in (by_subject, again))
    assert first == second


def test_the_json_holds_every_prediction(by_subject: Validation) -> None:
    mapping = json.loads(dumps(validation_mapping(by_subject)))
    assert mapping["schema"] == 1 and mapping["leave"] == "subject"
    assert len(mapping["predictions"]) == 4
    prey = mapping["predictions"][0]["prey"]
    assert len(prey["value"]) == len(prey["q05"]) == len(prey["transform"]) == 24
    assert mapping["overall"]["n"] == by_subject.overall.n
    assert mapping["verdict"] == verdict(by_subject)


def test_coefficients_alone_can_be_fitted_again(study: Study) -> None:
    found = validate(
        study, leave="subject", only=["2"], fixed_structure=True, settings=QUICK, seed=1
    )
    assert len(found.folds[0].terms) == 4
    assert any("found on all data" in words for words in verdict(found))


def test_progress_is_told_and_a_stop_is_obeyed(study: Study) -> None:
    token, told = CancelToken(), []

    def progress(event) -> None:
        told.append(event)
        if len(told) > 3:
            token.cancel()

    with pytest.raises(Cancelled):
        validate(study, folds=2, settings=QUICK, progress=progress, cancel=token)
    assert all(e.stage == "validate" and 0 <= e.fraction <= 1 for e in told)
    assert told[0].text.startswith("Without subjects")


def apart() -> Study:
    """Two monocultures and their mixture: the species suppress each other."""
    time = np.linspace(0, 10, 15)
    rng = np.random.default_rng(4)

    def logistic(x0: float) -> np.ndarray:
        return 10 / (1 + (10 / x0 - 1) * np.exp(-time))

    def noisy(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        both = np.stack([a, b], axis=1)
        return np.where(both > 0, both * np.exp(0.03 * rng.standard_normal(both.shape)), 0.0)

    zero = np.zeros(time.size)
    values = [
        noisy(logistic(0.5), zero), noisy(logistic(1.0), zero),
        noisy(zero, logistic(0.5)), noisy(zero, logistic(1.0)),
        noisy(0.55 * logistic(0.5), 0.4 * logistic(0.5)),
    ]  # fmt: skip
    return Study.from_arrays(
        "protozoa", ["a", "b"], [time] * 5, values,
        conditions=["a alone", "a alone", "b alone", "b alone", "mixture"],
    )  # fmt: skip


@pytest.fixture(scope="module")
def mixture() -> Validation:
    return validate(apart(), leave="condition", only=["mixture"], settings=QUICK)


def test_what_monocultures_cannot_tell_is_said(mixture: Validation) -> None:
    assert mixture.folds[0].left == ("mixture",)
    words = " ".join(verdict(mixture))
    assert "a*b is zero throughout the training part" in words
    assert mixture.overall.coverage90 < 0.5
    assert "too narrow" in words


def test_a_latent_state_is_not_taken_for_absent_from_the_training() -> None:
    """Its terms are not known to be zero: nothing was measured of them."""
    study = apart()
    library = Library.polynomial(study, degree=1, latent=["hidden"])
    fold = make_folds(study, "condition", only=["mixture"])[0]
    assert uninformed(study, library, fold) == ()


def test_a_fold_without_data_is_kept_apart_and_said() -> None:
    """Without its only condition with values, a variable cannot be modelled."""
    study = apart().select(subjects=["3", "4", "5"])
    found = validate(study, leave="condition", settings=QUICK)
    status = {fold.left[0]: fold.status for fold in found.folds}
    assert status["mixture"] == "none" and status["b alone"] != "none"
    assert not found.complete
    assert all(p.condition == "b alone" for p in found.predictions)
    assert any("folds gave no prediction" in words for words in verdict(found))
    assert [m.condition for m in found.missing] == ["mixture"]


def test_too_little_is_refused_before_any_fit() -> None:
    with pytest.raises(UserError, match="given times"):
        validate(predator_prey(n_condition=1), given=-1)
    with pytest.raises(UserError, match="has one subject"):
        validate(predator_prey(n_condition=1))


def test_a_record_too_short_for_its_given_times_is_named(study: Study) -> None:
    found = validate(
        study, Library.polynomial(study, degree=2), leave="subject", only=["1"], given=25,
        settings=QUICK,
    )  # fmt: skip
    assert verdict(found)[0] == "Nothing could be predicted."
    assert any("1: no measured time is left" in words for words in verdict(found))


# --------------------------------------------------------------------------------- scores


def test_scores_are_those_of_their_definitions(by_subject: Validation) -> None:
    flat = flatten(by_subject.predictions)
    error = np.concatenate([(p.median - p.value)[:, 0] for p in by_subject.predictions])
    own = grouped(flat, [by_subject.variables[v] for v in flat.variable], by_subject.scale)["prey"]
    assert own.nrmse == pytest.approx(np.sqrt((error**2).mean()) / by_subject.scale[0])
    values = np.concatenate([p.value[:, 0] for p in by_subject.predictions])
    total = ((values - values.mean()) ** 2).sum()
    assert own.r_squared == pytest.approx(1 - (error**2).sum() / total)
    inside = [
        (p.quantiles[0] <= p.value) & (p.value <= p.quantiles[4]) for p in by_subject.predictions
    ]
    assert by_subject.overall.coverage90 == pytest.approx(np.concatenate(inside).mean())


def test_censored_values_count_in_the_log_score_alone(by_subject: Validation) -> None:
    first = by_subject.predictions[0]
    censored = np.zeros(first.value.shape, bool)
    censored[3, 1] = True
    limited = replace(first, censored=censored)
    both = score(flatten([first]), by_subject.scale), score(flatten([limited]), by_subject.scale)
    assert (both[1].n, both[1].n_censored) == (both[0].n - 1, 1)
    assert np.isfinite(both[1].log_score)


def test_bands_that_miss_are_said_in_words(by_subject: Validation) -> None:
    narrow = [replace(p, transform=np.zeros_like(p.transform)) for p in by_subject.predictions]
    flat = flatten(narrow)
    bad = replace(
        by_subject,
        predictions=tuple(narrow),
        overall=score(flat, by_subject.scale),
        by_subject=grouped(flat, [narrow[i].subject for i in flat.held], by_subject.scale),
    )
    words = " ".join(verdict(bad))
    assert "held 0 % of 192 values" in words and "too narrow" in words
    assert "Subjects whose intervals do not cover" in words
    assert coverage_range(bad) == (0.0, 0.0)

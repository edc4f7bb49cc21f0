"""Predictive distributions, starts and splits, against closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from twinlab.discovery.bands import make_lots
from twinlab.discovery.noise import Noise
from twinlab.discovery.problem import make_problem
from twinlab.errors import UserError
from twinlab.kernels import STUDENT_FREEDOM
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Dose, Study
from twinlab.twin.folds import first_part, make_folds
from twinlab.twin.predictive import predictive_of
from twinlab.twin.predictive_check import Simulated, bins, checks
from twinlab.twin.start import Population, start_of


def noise_of(model: str, sd: float) -> Noise:
    return Noise(model, np.array([sd]), np.ones((1, 1)), np.zeros(1))


DISTRIBUTIONS = {
    "constant": lambda level: stats.norm(level, 0.3),
    "proportional": lambda level: stats.norm(level, 0.3 * level),
    "lognormal": lambda level: stats.lognorm(0.3, scale=level),
    "student": lambda level: stats.t(STUDENT_FREEDOM, level, 0.3 * np.sqrt(0.5)),
}


@pytest.mark.parametrize("model", DISTRIBUTIONS)
def test_a_mixture_is_that_of_scipy(model: str) -> None:
    levels = np.array([1.0, 1.5, 4.0])
    forecast = predictive_of(noise_of(model, 0.3), levels[:, None, None])
    parts = [DISTRIBUTIONS[model](level) for level in levels]
    for value in (0.5, 1.2, 3.7):
        at = np.array([[value]])
        assert forecast.cdf(at)[0, 0] == pytest.approx(np.mean([p.cdf(value) for p in parts]))
        density = np.mean([p.pdf(value) for p in parts])
        assert forecast.log_density(at)[0, 0] == pytest.approx(np.log(density))
    for q in (0.05, 0.5, 0.95):
        assert forecast.cdf(forecast.quantile(q))[0, 0] == pytest.approx(q, abs=1e-9)


def test_samples_follow_the_distribution() -> None:
    draws = np.full((4000, 1, 1), 2.0)
    forecast = predictive_of(noise_of("lognormal", 0.4), draws)
    sample = forecast.sample(np.random.default_rng(0))[:, 0, 0]
    assert stats.kstest(sample, stats.lognorm(0.4, scale=2.0).cdf).pvalue > 0.01


def test_known_sd_and_replicates_make_their_own_noise() -> None:
    forecast = predictive_of(
        noise_of("constant", 0.3),
        np.ones((2, 2, 1)),
        np.array([[np.nan], [0.8]]),
        np.array([[4], [1]]),
    )
    assert forecast.scale[0, :, 0] == pytest.approx([0.15, 0.8])


# ------------------------------------------------------------------------------------- starts


def decaying() -> tuple[Study, Library]:
    time = np.array([0.0, 1.0, 2.0, 3.0])
    values = [np.stack([3 * np.exp(-0.5 * time), 1 + 0 * time + 0.1 * time], axis=1)]
    study = Study.from_arrays("decay", ["x", "y"], [time], values)
    return study, Library.user_terms(study, ["x"])


def start_with(given: int, noise_sd: float = 0.2, n_draw: int = 4000, hide: bool = False):
    study, library = decaying()
    problem = make_problem(study, library, Knowledge())
    if hide:
        problem.value[0, 0] = np.nan
        problem.count[0, 0] = 0
    coefficients = np.tile([-0.5, 0.0], (n_draw, 1))
    noise = Noise("constant", np.full(2, noise_sd), np.ones((4, 2)), np.zeros(2))
    population = Population(np.array([5.0, 1.0]), np.array([0.5, 0.0]))
    rng = np.random.default_rng(1)
    return start_of(problem, 0, given, noise, population, make_lots(problem, coefficients), rng)


def test_one_given_time_starts_at_the_measurement_with_its_noise() -> None:
    start = start_with(1)
    assert start.measured == ("x", "y") and start.assumed == ()
    assert start.initial.mean(axis=0) == pytest.approx([3.0, 1.0], abs=0.015)
    assert start.initial.std(axis=0) == pytest.approx([0.2, 0.2], abs=0.01)


def test_nothing_given_starts_like_the_others() -> None:
    start = start_with(0)
    assert start.assumed == ("x", "y")
    assert start.initial[:, 0].mean() == pytest.approx(5.0, abs=0.03)
    assert start.initial[:, 1].std() == 0.0


def test_more_times_are_weighed_as_in_linear_regression() -> None:
    """``x0`` of exponential decay from three times: mean and sd of generalised least squares."""
    start = start_with(3)
    slope = np.exp(-0.5 * np.arange(3.0))
    truth = 3 * slope
    precision = (slope**2).sum() / 0.2**2
    assert start.initial[:, 0].mean() == pytest.approx(
        (slope * truth).sum() / (slope**2).sum(), abs=0.01
    )
    assert start.initial[:, 0].std() == pytest.approx(precision**-0.5, rel=0.05)


def test_a_state_measured_later_is_drawn_to_what_is_known_of_the_others() -> None:
    start = start_with(2, hide=True)
    slope = np.exp(-0.5)
    precision = slope**2 / 0.2**2 + 1 / 0.5**2
    mean = (slope * 3 * slope / 0.2**2 + 5.0 / 0.5**2) / precision
    assert start.initial[:, 0].mean() == pytest.approx(mean, abs=0.02)
    assert start.initial[:, 0].std() == pytest.approx(precision**-0.5, rel=0.05)


# ------------------------------------------------------------------------------------- splits


def several() -> Study:
    time = np.linspace(0, 10, 11)
    values = [np.stack([np.sin(time + i)], axis=1) for i in range(4)]
    return Study.from_arrays(
        "waves", ["x"], [time] * 4, values, subjects=["a", "a", "b", "c"],
        conditions=["low", "high", "low", "high"],
    )  # fmt: skip


def test_a_subject_leaves_with_all_its_conditions() -> None:
    folds = make_folds(several(), "subject")
    assert [f.left for f in folds] == [("a",), ("b",), ("c",)]
    assert [f.held for f in folds] == [(0, 1), (2,), (3,)]
    for fold in folds:
        assert not set(fold.left) & set(fold.training.subjects)


def test_groups_leave_everybody_out_once() -> None:
    folds = make_folds(several(), "subject", folds=2, seed=3)
    assert sorted(name for f in folds for name in f.left) == ["a", "b", "c"]
    again = make_folds(several(), "subject", folds=2, seed=3)
    assert len(folds) == 2 and [f.left for f in folds] == [f.left for f in again]


def test_a_condition_leaves_whole() -> None:
    folds = make_folds(several(), "condition", only=["high"])
    assert [f.left for f in folds] == [("high",)]
    assert folds[0].training.conditions == ("low",)
    assert folds[0].held == (1, 3)


def test_the_end_is_cut_and_later_doses_go() -> None:
    study = several()
    fold = make_folds(study, "end", share=0.25)[0]
    assert fold.cut == (7.5,) * 4 and fold.held == (0, 1, 2, 3)
    assert all(t.time[-1] == 7.0 and len(t.value) == 8 for t in fold.training.trajectories)
    dosed = replace(study.trajectories[0], doses=(Dose(1.0, 5.0), Dose(9.0, 5.0)))
    assert first_part(dosed, 7.5).doses == (Dose(1.0, 5.0),)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"leave": "visit"}, "leave out"),
        ({"leave": "subject", "only": ["z"]}, "no subject 'z'"),
        ({"leave": "subject", "folds": 1}, "One fold"),
        ({"leave": "end", "share": 1.5}, "share"),
    ],
)
def test_a_split_that_cannot_be_made_is_refused(options: dict, words: str) -> None:
    with pytest.raises(UserError, match=words):
        make_folds(several(), **options)


def test_a_single_subject_cannot_be_left_out() -> None:
    study = several().select(subjects=["b"])
    with pytest.raises(UserError, match="nothing is left to learn"):
        make_folds(study, "subject")


# -------------------------------------------------------------------------- predictive check


def simulated(n_subject: int, shift: float = 0.0) -> list[Simulated]:
    rng = np.random.default_rng(5)
    time = np.array([1.0, 2.0, 4.0])
    return [
        Simulated(
            "dosed",
            time,
            rng.standard_normal((3, 1)) + shift,
            np.zeros((3, 1), bool),
            rng.standard_normal((200, 3, 1)),
        )  # fmt: skip
        for _ in range(n_subject)
    ]


def test_percentiles_of_data_that_fit_lie_in_their_bands() -> None:
    check = checks(simulated(20))[0]
    assert check.observed is not None and check.observed.shape == (3, 3)
    inside = (check.bands[:, 0] <= check.observed) & (check.observed <= check.bands[:, 2])
    assert inside.mean() >= 7 / 9


def test_percentiles_of_data_that_do_not_fit_lie_outside() -> None:
    check = checks(simulated(20, shift=3.0))[0]
    assert check.observed is not None
    assert (check.observed > check.bands[:, 2]).all()


def test_few_subjects_are_drawn_as_points_over_the_band() -> None:
    check = checks(simulated(3))[0]
    assert check.observed is None and check.bands.shape == (5, 3)
    assert check.bands[2] == pytest.approx(0.0, abs=0.2)
    assert check.bands[4] - check.bands[0] == pytest.approx(2 * 1.645, abs=0.4)
    assert check.point_value.size == 9


def test_bins_keep_shared_times_and_gather_scattered_ones() -> None:
    shared = np.tile([0.0, 1.0, 5.0], 6)
    assert np.array_equal(bins(shared, 6), np.tile([0, 1, 2], 6))
    scattered = np.sort(np.random.default_rng(0).uniform(0, 10, 60))
    place = bins(scattered, 10)
    assert np.unique(place).size == 6
    assert np.bincount(place).min() == 10

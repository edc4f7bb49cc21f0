"""States measured on the log scale: decades, a limit of detection, subjects that differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from twinlab import Settings, discover, read_study
from twinlab.config import read_config
from twinlab.discovery import Discovery
from twinlab.discovery.criticism import describes
from twinlab.discovery.problem import Problem, make_problem
from twinlab.discovery.smoothing import smooth_data
from twinlab.discovery.weak import left_side, relative_states, weak_start
from twinlab.knowledge import Knowledge
from twinlab.report.content import explained

TIMES = np.array([0, 1, 2, 4, 7, 10, 14, 21, 28, 42, 56.0])
LIMIT, SD = 2.0, 0.1
SETTINGS = Settings(starts=1, draws=40, neighbours=4, noise="constant", vary="nothing")


def counted(folder: Path, states: str, library: str, courses: list[np.ndarray], sd: float):
    """Virus of every subject as log10 in a file, below the limit as the limit, and its study."""
    rng, rows = np.random.default_rng(3), ["subject,time,variable,value"]
    for i, virus in enumerate(courses):
        for t, v in zip(TIMES, np.log10(virus) + rng.normal(0, sd, TIMES.size), strict=True):
            rows.append(f"{i + 1},{t:g},rna,{'<2' if v < LIMIT else round(v, 4)}")
    (folder / "x.csv").write_text("\n".join(rows), encoding="utf-8")
    text = f"{states}\nobserved: {{rna: log10(virus)}}\nlibrary: {library}\n"
    (folder / "x.yaml").write_text(text, encoding="utf-8")
    config = read_config(folder / "x.yaml")
    study = config.study(read_study(folder / "x.csv"))
    return study, config.make_library(study)


def coefficients(discovery: Discovery) -> dict[str, float]:
    labels = [discovery.library.column_label(int(c)) for c in discovery.best.columns]
    return dict(zip(labels, discovery.best.coefficients.tolist(), strict=True))


@pytest.fixture(scope="module")
def decay(tmp_path_factory) -> tuple[Problem, Discovery]:
    """Exponential decay by 0.2 a day over four decades and below the limit."""
    courses = [10**power * np.exp(-0.2 * TIMES) for power in (6.2, 5.6, 6.0, 5.3)]
    folder = tmp_path_factory.mktemp("decay")
    study, library = counted(folder, "states: [virus]", "{polynomial: 2}", courses, SD)
    return make_problem(study, library, Knowledge()), discover(study, library, settings=SETTINGS)


def test_a_decay_over_decades_below_its_limit_is_found(decay) -> None:
    _, discovery = decay
    assert discovery.status == "converged" and discovery.problem.censored.sum() >= 4
    assert coefficients(discovery) == {"d virus/dt: virus": pytest.approx(-0.2, rel=0.05)}
    assert discovery.noise_sd["virus"] == pytest.approx(SD * np.log(10), rel=0.3)
    assert discovery.chi2_per_point < 1.5


def test_the_fit_is_judged_on_the_scale_of_the_measurements(decay) -> None:
    problem, discovery = decay
    fitted, value = np.concatenate(discovery.fitted)[:, 0], problem.measured[:, 0]
    rows = problem.rows(0)
    y, x = np.log10(value[rows]), np.log10(fitted[rows])
    seen = np.isfinite(y)
    squares = ((y - x)[seen] ** 2).sum() / ((y[seen] - y[seen].mean()) ** 2).sum()
    assert discovery.r_squared[0, 0] == pytest.approx(1 - squares)
    assert explained(discovery)["virus"] > 0.97
    # Three times too high at the start, where nearly all of the variance in copies is.
    high = np.where(problem.time == 0.0, 3.0, 1.0)[:, None] * fitted[:, None]
    assert describes(problem, high)
    assert not describes(problem, np.full_like(high, np.exp(np.nanmean(np.log(value)))))


def test_the_weak_form_of_a_logarithm(decay) -> None:
    """``-int phi' log x = w int phi x/x``: the rate itself, whatever the level."""
    problem, _ = decay
    smooth = smooth_data(problem)
    assert relative_states(problem) == [0]
    np.testing.assert_allclose(np.exp(left_side(problem, smooth, 0)), smooth.mean[0])
    start = weak_start(problem, smooth)
    linear = problem.library.find("virus", "virus")
    assert start.magnitude[linear] == pytest.approx(0.2, rel=0.15)
    # What is made beside that is no more than the lowest level needs, decades below the highest.
    constant = problem.library.find("virus", "1")
    assert start.magnitude[constant] < 0.2 * 1e4


def test_one_rate_for_subjects_that_differ_is_fitted_and_not_refused(tmp_path) -> None:
    """Their scatter around one fit is many times that around a smooth curve through each."""
    courses = [1e6 * np.exp(-rate * TIMES) for rate in (0.06, 0.09, 0.13, 0.19, 0.27, 0.4)]
    study, library = counted(tmp_path, "states: [virus]", "{polynomial: 1}", courses, 0.02)
    discovery = discover(study, library, settings=SETTINGS)
    assert discovery.status == "converged"
    assert -0.3 < coefficients(discovery)["d virus/dt: virus"] < -0.06


@pytest.mark.parametrize(
    ("fast", "slow", "shares"),
    [(0.45, 0.05, (0.01, 0.02, 0.005, 0.01)), (0.65, 0.06, (0.003, 0.006, 0.004, 0.003))],
)
def test_a_second_phase_that_was_never_measured(tmp_path, fast, slow, shares) -> None:
    """Cells that make the virus after treatment: subjects start decades apart."""
    courses = [
        10**power * ((1 - share) * np.exp(-fast * TIMES) + share * np.exp(-slow * TIMES))
        for power, share in zip((5.8, 5.2, 6.1, 5.5), shares, strict=True)
    ]
    states = "states: [virus]\nlatent: [cells]"
    study, library = counted(tmp_path, states, "{terms: [virus, cells]}", courses, SD)
    discovery = discover(study, library, settings=SETTINGS)
    w = coefficients(discovery)
    names = ("virus", "cells")
    matrix = [[w.get(f"d {a}/dt: {b}", 0.0) for b in names] for a in names]
    rates = np.sort(np.linalg.eigvals(np.array(matrix)).real)
    assert discovery.status == "converged" and explained(discovery)["virus"] > 0.97
    assert rates[0] == pytest.approx(-fast, rel=0.15)
    assert rates[1] == pytest.approx(-slow, rel=0.3)

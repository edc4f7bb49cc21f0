"""Numbers and the terminal summary."""

from __future__ import annotations

from dataclasses import replace

import pytest

from twinlab.discovery.result import Settings
from twinlab.knowledge import Belief
from twinlab.report import content, summary_text
from twinlab.report.numbers import estimate, interval, number, percent

from ..handmade import small_discovery


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.02814, "−0.0281"),
        (1.25e-7, "1.25 × 10⁻⁷"),
        (0.0, "0"),
        (100.0, "100"),
        (float("nan"), "–"),
        (float("-inf"), "−∞"),
    ],
)
def test_numbers_are_for_people(value: float, text: str) -> None:
    assert number(value) == text


def test_estimates_have_the_digits_their_interval_deserves() -> None:
    assert estimate(1.0, 0.967, 1.033) == "1.000"
    assert interval(0.967, 1.033, 1.0) == "0.967 to 1.033"
    assert interval(0.4172, 0.5449, 0.481) == "0.417 to 0.545"
    assert interval(-1.0234, -0.8091, -0.916) == "−1.023 to −0.809"
    assert interval(1.00012, 1.00034, 1.0002) == "1.00012 to 1.00034"
    assert interval(1900.0, 1920.0) == "1900 to 1920"
    assert interval(1.2e-7, 1.6e-7, 1.4e-7) == "1.2 × 10⁻⁷ to 1.6 × 10⁻⁷"
    assert interval(2.0, 2.0) == "2 to 2"
    assert interval(float("nan"), 1.0) == "– to 1"


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0.42, "42 %"), (0.0004, "< 0.1 %"), (0.99996, "> 99.9 %"), (0.996, "99.6 %"), (1.0, "100 %")],
)
def test_probabilities_keep_their_doubt(probability: float, text: str) -> None:
    assert percent(probability) == text.replace(" %", "\u00a0%")


@pytest.mark.parametrize(
    ("belief", "words"),
    [
        (Belief("x", "x", required=True, sign=1), "required, positive"),
        (Belief("x", "x", excluded=True), "excluded"),
        (Belief("x", "x", lower=0.5, upper=2.0), "between 0.5 and 2"),
        (Belief("x", "x", upper=2.0), "at most 2"),
        (Belief("x", "x", log_odds=-1.5), "log-odds of inclusion −1.5"),
    ],
)
def test_beliefs_are_told_in_words(belief: Belief, words: str) -> None:
    assert content.belief_words(belief) == words


def test_every_setting_has_words() -> None:
    rows = content.settings_rows(replace(small_discovery(), settings=Settings(horizon=12.0)))
    assert len(rows) == len(Settings.__dataclass_fields__)
    assert ("Simulated to", "12.0") in rows
    unexplained = {name.replace("_", " ") for name in Settings.__dataclass_fields__}
    assert not unexplained & {label for label, _ in rows}


def test_summary_tells_the_result() -> None:
    text = summary_text(small_discovery()).replace("\u00a0", " ")
    assert "Best of 3 models, probability 90 %:" in text
    assert "+ 1.000    prey           90 % interval 0.967 to 1.033  inclusion 98 %" in text
    assert "− 0.500    predator*prey" in text
    assert "R2 prey: 0.99" in text
    assert "chi-square per point: 1.02" in text
    assert "Warning: Subject 'anna' has few points." in text


def test_summary_withholds_probabilities_of_a_misfit() -> None:
    text = summary_text(small_discovery(chi2_per_point=3.0))
    assert "withheld" in text and "inclusion 98" not in text and "probability 90" not in text


def test_noise_models_are_told_by_their_evidence() -> None:
    chosen = small_discovery()
    assert content.noise_rows(chosen) == []
    evidence = {"constant": -3.0, "student": -41.26, "lognormal": float("-inf")}
    chosen = replace(chosen, diagnostics={"noise_evidence": evidence})
    rows = [(row.words, row.gap_text, row.used) for row in content.noise_rows(chosen)]
    assert rows == [
        ("Constant", "0.0", True),
        ("Constant, Student t", "−38.3", False),
        ("Log-normal", "–", False),
    ]
    assert "noise: Constant, sd" in summary_text(chosen)

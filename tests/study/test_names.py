"""Headings and identifiers."""

from __future__ import annotations

import pytest

from twinlab.expressions import parse_term
from twinlab.study.names import heading, identifiers, time_heading


@pytest.mark.parametrize(
    ("text", "name", "unit"),
    [
        ("glucose [mg/dL]", "glucose", "mg/dL"),
        ("glucose(mg/dL)", "glucose", "mg/dL"),
        ("hare [thousand pelts]", "hare", "thousand pelts"),
        ("HbA1c (%)", "HbA1c", "%"),
        ("C (ng mL-1)", "C", "ng mL-1"),
        ("volume (mm3)", "volume", "mm3"),
        ("IL-6 (plasma)", "IL-6 (plasma)", ""),
        ("p53 (wt)", "p53 (wt)", ""),
        ("[x]", "[x]", ""),
    ],
)
def test_unit_of_a_heading(text, name, unit):
    assert (heading(text).name, heading(text).unit) == (name, unit)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("time", ""), ("T", ""), ("Time (h)", "h"), ("time_hours", "h"), ("t_min", "min"),
        ("Day", "day"), ("Zeit [Tage]", "day"), ("time in days", "day"), ("T [cycles]", "cycles"),
        ("h", None), ("min", None), ("date", None), ("timer", None), ("lifetime", None),
        ("time_to_event", None), ("tag", None),
    ],
)  # fmt: skip
def test_time_headings(text, unit):
    assert time_heading(heading(text)) == unit


def test_identifiers_are_names_of_the_term_language():
    names = ["TNF-α", "2h", "exp", "a b", "a-b", "%", "Größe", "x_", "日本"]
    made = identifiers(names)
    assert len(set(made)) == len(made)
    for name in made:
        assert parse_term(f"{name}^2", made).variables == (name,)

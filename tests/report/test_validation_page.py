"""The page of a validation: what it says, what it hides, and that it needs nothing from outside."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinlab.discovery import QUANTILES
from twinlab.report import validation_html, write_validation
from twinlab.report.held_out_figures import check_figure, observed_figure
from twinlab.report.validation_page import transform_figure
from twinlab.study import Study
from twinlab.twin import FoldResult, Missing, Validation, checks_of
from twinlab.twin.held_out import HeldOut
from twinlab.twin.scores import flatten, grouped, score

from .test_browser import Visit
from .test_page import Page

SUBJECTS = ("patient-anna", "patient-bert", "7")


def made(n_subject: int = 3, conditions: tuple[str, ...] = ("low", "high")) -> Validation:
    """A validation put together by hand: two variables, predictions that are right."""
    rng = np.random.default_rng(0)
    subjects = [*SUBJECTS, *(f"patient-{i}" for i in range(3, n_subject))][:n_subject]
    time = np.linspace(1.0, 6.0, 9)
    predictions, values = [], []
    for i, subject in enumerate(subjects):
        centre = np.stack([3.0 + np.sin(time + i), 2.0 + np.cos(time + i)], axis=1)
        value = centre + 0.2 * rng.standard_normal(centre.shape)
        values.append(value)
        z = np.array([-1.645, -0.674, 0.0, 0.674, 1.645])[:, None, None]
        grid = np.linspace(0.0, 6.0, 30)
        line = np.stack([3.0 + np.sin(grid + i), 2.0 + np.cos(grid + i)], axis=1)
        predictions.append(
            HeldOut(
                label=f"{subject} ({conditions[i % len(conditions)]})",
                subject=subject,
                condition=conditions[i % len(conditions)],
                fold=i,
                given_time=np.array([0.0]),
                given_value=line[:1],
                start="x, y estimated from the first time",
                time=time,
                value=value,
                censored=np.zeros(value.shape, bool),
                quantiles=centre + 0.2 * z,
                transform=rng.uniform(size=value.shape),
                log_score=np.full(value.shape, -0.5),
                baselines={"last value carried forward": np.tile(line[0], (time.size, 1))},
                grid=grid,
                bands=line + 0.2 * z,
                simulated=(centre + 0.2 * rng.standard_normal((50, *centre.shape))).astype("f4"),
                n_failed=0,
                n_draw=50,
            )
        )
    study = Study.from_arrays(
        "two drugs", ["x", "y"], [time] * n_subject, values, subjects=subjects, units={"x": "mg/L"}
    )
    flat, scale = flatten(predictions), np.ones(2)
    held = [predictions[i] for i in flat.held]
    return Validation(
        study=study,
        variables=("x", "y"),
        leave="subject",
        given=1,
        fixed_structure=False,
        seed=4,
        folds=tuple(
            FoldResult(
                "subject", (s,), 0.0, "converged", ("d x/dt: x",), (f"Subject '{s}' is odd.",)
            )
            for s in subjects
        ),
        predictions=tuple(predictions),
        missing=(Missing("7", "low", "no measured time is left to predict"),),
        scale=scale,
        overall=score(flat, scale),
        by_variable=grouped(flat, [("x", "y")[v] for v in flat.variable], scale),
        by_condition=grouped(flat, [p.condition for p in held], scale),
        by_subject=grouped(flat, [p.subject for p in held], scale),
        seconds=2.0,
    )


def test_every_section_is_there() -> None:
    page = Page(validation_html(made()))
    assert {
        "verdict",
        "observed",
        "check",
        "subjects",
        "scores",
        "calibration",
        "folds",
    } <= page.ids
    assert "Predicted subjects it had not seen" in page.words
    assert "last value carried forward" in page.words


def test_it_asks_for_nothing_outside() -> None:
    page = Page(validation_html(made()))
    assert all(link.startswith("#") for link in page.links)
    assert not re.search(r"url\(\s*['\"]?https?:", page.style)


def test_subjects_are_numbers_unless_asked() -> None:
    hidden, shown = validation_html(made()), validation_html(made(), show_ids=True)
    assert "patient-anna" in shown and "Subject '7'" in Page(shown).words
    assert "patient-anna" not in hidden and "patient-bert" not in hidden
    words = Page(hidden).words
    assert "Subject 1 (low)" in words and "without subject Subject 3" in words
    assert "Not predicted: Subject 3 (low)" in words
    assert not re.search(r"(?i)subject '?7", words)


def test_of_many_the_worst_are_drawn_one_by_one() -> None:
    words = Page(validation_html(made(14))).words
    assert "Shown are the 12 of 14 trajectories that were predicted worst" in words


def test_values_outside_their_interval_are_filled() -> None:
    validation = made()
    plot = observed_figure(validation, 0)
    filled = [
        source.data["fill"]
        for source in plot.select({"type": _source()})
        if "fill" in getattr(source, "data", {})
    ]
    outside = sum(
        int((np.abs(p.transform[:, 0] - 0.5) > 0.45).sum()) for p in validation.predictions
    )
    assert sum((f != "white").sum() for f in filled) == outside


def _source() -> Any:
    from bokeh.models import ColumnDataSource

    return ColumnDataSource


def test_few_subjects_are_drawn_as_points_and_many_as_percentiles() -> None:
    few, many = checks_of(made(3)), checks_of(made(12, ("one",)))
    assert all(c.observed is None and c.bands.shape[0] == len(QUANTILES) for c in few)
    assert all(c.observed is not None for c in many)
    study = made().study
    assert len(check_figure(many[0], study, "x").renderers) > len(
        check_figure(few[0], study, "x").renderers
    )
    words = Page(validation_html(made(12, ("one",)))).words
    assert "10th, 50th and 90th percentile" in words and "too few subjects" not in words
    assert "too few subjects for percentiles" in Page(validation_html(made(3))).words


def test_the_transform_is_counted_in_ten_bins() -> None:
    plot = transform_figure(made())
    bars = plot.renderers[-1].data_source.data["top"]
    assert len(bars) == 10 and sum(bars) == pytest.approx(1.0)


@pytest.mark.browser
def test_it_draws_offline_and_quietly(chromium: Any, tmp_path: Path) -> None:
    visit = Visit(chromium, write_validation(made(), tmp_path / "validation.html"))
    sizes = visit.page.evaluate(
        "Bokeh.index.roots.filter((view) => view.model.type == 'Figure')"
        ".map((view) => [view.frame_view.bbox.width, view.frame_view.bbox.height])"
    )
    assert len(sizes) == 2 + 2 * 2 + 3 * 2 + 1  # observed, checks, subjects, calibration
    assert min(width for width, _ in sizes) > 150
    assert not visit.trouble
    assert not visit.outside()

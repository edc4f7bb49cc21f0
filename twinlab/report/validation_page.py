"""The page of a validation: verdict, plots and scores in one self-contained HTML file."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twinlab.discovery.export import versions
from twinlab.twin import Validation, checks_of, verdict, write_atomically

from .charts import Curve, envelope_figure, page_html
from .held_out_figures import check_figure, observed_figure, subject_figure
from .numbers import number
from .pseudonyms import hide_names, pseudonyms

if TYPE_CHECKING:
    from twinlab.twin.scores import Score

#: Trajectories drawn one by one; of more, those predicted worst.
MAX_SHOWN = 12
TRANSFORM_BINS = 10


def write_validation(validation: Validation, path: str | Path, *, show_ids: bool = False) -> Path:
    """Write the page of a validation.

    Parameters
    ----------
    validation : Validation
    path : path-like
        The HTML file; it is replaced whole or not at all.
    show_ids : bool
        Show subjects by their ids; else they are called Subject 1 to n.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    return write_atomically(path, validation_html(validation, show_ids=show_ids).encode())


def validation_html(validation: Validation, *, show_ids: bool = False) -> str:
    """Return the page as one HTML text that asks for nothing from outside.

    Parameters
    ----------
    validation : Validation
    show_ids : bool
        Show subjects by their ids; else they are called Subject 1 to n.
    """
    shown = validation if show_ids else _hidden(validation)
    figures: dict[str, Any] = {}
    for v in range(len(shown.variables)):
        plot = observed_figure(shown, v)
        if plot is not None:
            figures[f"observed-{v}"] = plot
    found = checks_of(shown)
    for i, check in enumerate(found):
        figures[f"check-{i}"] = check_figure(check, shown.study, shown.variables[check.variable])
    worst = _worst_first(shown)
    for place in worst:
        for v in range(len(shown.variables)):
            if np.isfinite(shown.predictions[place].value[:, v]).any():
                figures[f"subject-{place}-{v}"] = subject_figure(shown, place, v)
    transform = transform_figure(shown)
    if transform is not None:
        figures["transform"] = transform
    return page_html(
        "validation.html.j2",
        figures,
        validation=shown,
        verdict=verdict(shown),
        checks=found,
        names=shown.variables,
        predictions=[(place, shown.predictions[place]) for place in worst],
        tables=_tables(shown),
        baselines=list(shown.overall.baselines),
        today=datetime.datetime.now(datetime.UTC).date().isoformat(),
        versions=versions(),
        number=number,
        share=share_text,
    )


def share_text(share: float) -> str:
    """Write a share in whole per cent; a dash where there is none."""
    return f"{100 * share:.0f}\u00a0%" if np.isfinite(share) else "–"


def transform_figure(validation: Validation) -> Any | None:
    """Histogram of the probability integral transform over what chance allows; None if empty."""
    kept = [p.transform[np.isfinite(p.value)] for p in validation.predictions]
    values = np.concatenate(kept) if kept else np.zeros(0)
    if values.size == 0:
        return None
    counts, edges = np.histogram(values, TRANSFORM_BINS, (0.0, 1.0))
    expected = 1.0 / TRANSFORM_BINS
    reach = 1.96 * np.sqrt(expected * (1 - expected) / values.size)
    middle = 0.5 * (edges[1:] + edges[:-1])
    curve = Curve(
        "values", 0, middle.tolist(), (counts / values.size).tolist(),
        [max(expected - reach, 0.0)] * TRANSFORM_BINS, [expected + reach] * TRANSFORM_BINS,
    )  # fmt: skip
    return envelope_figure(
        curve, "probability predicted below the value", "share of values", bars=True, level=expected
    )


def _worst_first(validation: Validation) -> list[int]:
    """Predictions drawn one by one: all in order, or the worst by mean log score."""
    n = len(validation.predictions)
    if n <= MAX_SHOWN:
        return list(range(n))
    means = [float(np.nanmean(p.log_score)) for p in validation.predictions]
    return [int(i) for i in np.argsort(means, kind="stable")[:MAX_SHOWN]]


def _tables(validation: Validation) -> list[tuple[str, Mapping[str, Score]]]:
    groups: list[tuple[str, Mapping[str, Score]]] = [
        ("Variable", validation.by_variable),
        ("Condition", validation.by_condition),
        ("Subject", validation.by_subject),
    ]
    return [("", {"all": validation.overall})] + [g for g in groups if len(g[1]) > 1]


def _hidden(validation: Validation) -> Validation:
    """Subjects by number instead of by name, wherever they are named."""
    names = pseudonyms(validation.study)
    subjects = validation.leave == "subject"
    return replace(
        validation,
        predictions=tuple(
            replace(p, subject=names[p.subject], label=names[p.subject] + p.label[len(p.subject) :])
            for p in validation.predictions
        ),
        missing=tuple(replace(m, subject=names[m.subject]) for m in validation.missing),
        folds=tuple(
            replace(
                f,
                left=tuple(names[s] for s in f.left) if subjects else f.left,
                notes=tuple(hide_names(note, names) for note in f.notes),
            )
            for f in validation.folds
        ),
        by_subject={names[k]: s for k, s in validation.by_subject.items()},
    )

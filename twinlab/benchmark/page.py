"""The benchmark's page: tables and curves of a suite in one self-contained HTML file."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from typing import Any

from twinlab import __version__
from twinlab.report.charts import Curve, curve_figure, page_html

from .adapters import find_method
from .calibration_page import calibration_part
from .places import key_entry, place_of
from .results import Results
from .statistics import EDGES, Reliability, wilson
from .suites import Suite
from .tables import (
    Block,
    Estimate,
    Totals,
    bad_lines,
    blocks,
    headline,
    left_out,
    legend,
    number,
    overall,
    percent,
    published_lines,
)

COLUMNS = (
    "Sets", "F1", "Exact", "Precision", "Recall", "Coef. error", "NRMSE", "NRMSE cond.",
    "Cover 90", "Cover 50", "Held 90", "Band 90", "Band 50", "Brier", "ECE", "Hidden", "Failed",
    "s", "MB",
)  # fmt: skip
#: A curve spread over more than this ratio is drawn on a logarithmic axis.
_WIDE = 15.0


def bench_html(suite: Suite, methods: Sequence[str], results: Results) -> str:
    """Return the page of a suite.

    Parameters
    ----------
    suite : Suite
    methods : sequence of str
    results : Results
    """
    made = blocks(suite, methods, results)
    everything = overall(suite, methods, results)
    figures: dict[str, Any] = {}
    sections = [_section(suite, block, figures) for block in made]
    reliability = [
        _reliability(method, total.reliability, figures)
        for method, total in everything.items()
        if total.reliability is not None
    ]
    calibrated = [
        part for method in methods if (part := calibration_part(suite, method, results, figures))
    ]
    return page_html(
        "benchmark.html.j2",
        figures,
        title=headline(suite, methods, results),
        version=__version__,
        today=datetime.datetime.now(datetime.UTC).date().isoformat(),
        bad=[
            {
                "axis": block.title,
                "level": line.level,
                "n": line.totals.n,
                "f1": number(line.totals.f1.value, 2),
                "why": why,
            }
            for block, line, why in bad_lines(made)
        ],
        columns=COLUMNS,
        overall=[_row(method, total, "", first=False) for method, total in everything.items()],
        left_out=left_out(suite, methods, results),
        key=[key_entry(find_method(m).label, place_of(m)) for m in everything],
        blocks=sections,
        reliability=reliability,
        calibrated=calibrated,
        legend=[*legend(methods), suite.note],
    )


def _section(suite: Suite, block: Block, figures: dict[str, Any]) -> dict[str, Any]:
    """Parts of one axis; its plots are put into `figures`."""
    rows, previous = [], ""
    for line in block.lines:
        rows.append(_row(line.method, line.totals, line.level, first=line.level != previous))
        previous = line.level
    plots = []
    for name, caption in (("f1", "F1"), ("covered90", "Coverage of 90 % coefficient intervals"),
                          ("band90", "Coverage of 90 % bands")):  # fmt: skip
        plot = _curves(block, name)
        if plot is not None:
            figures[f"{block.axis}-{name}"] = plot
            plots.append((f"{block.axis}-{name}", caption))
    return {
        "anchor": f"axis-{block.axis}",
        "title": block.title,
        "challenge": block.challenge,
        "rows": rows,
        "plots": plots,
        "published": [text.strip() for text in published_lines(suite, block)],
    }


def _curves(block: Block, name: str) -> Any | None:
    """A metric along the axis, every method a curve; None where the axis is no line."""
    placed = [line for line in block.lines if line.at is not None]
    at = sorted({line.at for line in placed if line.at is not None})
    if len(at) < 2:
        return None
    curves = []
    for method in dict.fromkeys(line.method for line in placed):
        points: list[tuple[float, Estimate]] = [
            (line.at, getattr(line.totals, name))
            for line in placed
            if line.method == method and line.at is not None
        ]
        points = sorted(
            ((x, e) for x, e in points if math.isfinite(e.value)), key=lambda point: point[0]
        )
        if points:
            curves.append(_curve(method, points))
    if not curves:
        return None
    logarithmic = at[0] > 0 and at[-1] / at[0] > _WIDE
    level = None if name == "f1" else 0.9
    label = "F1" if name == "f1" else "share inside"
    return curve_figure(curves, block.unit, label, level=level, logarithmic=logarithmic)


def _curve(method: str, points: Sequence[tuple[float, Estimate]]) -> Curve:
    bounded = [
        e.interval if math.isfinite(e.interval[0]) else (e.value, e.value) for _, e in points
    ]
    return Curve(
        find_method(method).label,
        place_of(method),
        [x for x, _ in points],
        [e.value for _, e in points],
        [low for low, _ in bounded],
        [high for _, high in bounded],
    )


def _row(method: str, total: Totals, level: str, *, first: bool) -> dict[str, Any]:
    reliability = total.reliability
    cells = [
        (str(total.n), ""),
        _ranged(total.f1, 2),
        (percent(total.exact.value), _range(total.exact, 100.0, 0)),
        (number(total.precision.value, 2), ""),
        (number(total.recall.value, 2), ""),
        (number(total.coefficient_error, 3), ""),
        (number(total.nrmse, 3), ""),
        (number(total.nrmse_condition, 3), ""),
        (percent(total.covered90.value), _range(total.covered90, 100.0, 0)),
        (percent(total.covered50.value), ""),
        (percent(total.held90.value), _range(total.held90, 100.0, 0)),
        (percent(total.band90.value), _range(total.band90, 100.0, 0)),
        (percent(total.band50.value), ""),
        (number(reliability.brier, 3) if reliability else "-", ""),
        (number(reliability.calibration_error(), 3) if reliability else "-", ""),
        (number(total.hidden, 2), ""),
        (str(total.failed), ""),
        (number(total.seconds, 2), ""),
        (number(total.memory, 0), ""),
    ]
    return {
        "method": find_method(method).label,
        "own": method == "twinlab",
        "level": level,
        "first": first,
        "cells": cells,
    }


def _ranged(estimate: Estimate, digits: int) -> tuple[str, str]:
    return number(estimate.value, digits), _range(estimate, 1.0, digits)


def _range(estimate: Estimate, scale: float, digits: int) -> str:
    low, high = estimate.interval
    if not math.isfinite(low):
        return ""
    return f"{scale * low:.{digits}f}–{scale * high:.{digits}f}"


def _reliability(method: str, table: Reliability, figures: dict[str, Any]) -> dict[str, Any]:
    filled = [k for k in range(len(EDGES) - 1) if table.n[k] > 0]
    bounds = [wilson(float(table.true[k]), float(table.n[k])) for k in filled]
    curve = Curve(
        find_method(method).label,
        place_of(method),
        [float(table.total[k] / table.n[k]) for k in filled],
        [float(table.true[k] / table.n[k]) for k in filled],
        [low for low, _ in bounds],
        [high for _, high in bounds],
    )
    name = f"reliability-{place_of(method)}"
    figures[name] = curve_figure(
        [curve], "inclusion probability", "share that is true", diagonal=True
    )
    return {
        "method": find_method(method).label,
        "plot": name,
        "brier": number(table.brier, 4),
        "ece": number(table.calibration_error(), 3),
        "gap": number(table.middle_gap, 2),
        "n": table.middle_n,
        "table": [
            (
                f"{EDGES[k]:g} to {EDGES[k + 1]:g}",
                int(table.n[k]),
                number(float(table.total[k] / table.n[k]), 3),
                number(float(table.true[k] / table.n[k]), 3),
            )
            for k in filled
        ],
    }

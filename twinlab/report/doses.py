"""Doses in the report: rows of the table and marks on the time axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool

from twinlab.discovery.dose_words import arrivals_of, courses

from .numbers import number
from .palette import MUTED

if TYPE_CHECKING:
    from twinlab.discovery import Discovery

Figure = Any


@dataclass(frozen=True)
class DoseRow:
    """One dose, or several alike at one interval, as a row of text."""

    subject: str
    time: str
    repeats: str
    amount: str
    duration: str
    target: str
    arrives: str


def dose_table(discovery: Discovery) -> list[DoseRow]:
    """Rows of the table of doses, subject by subject; none for a study without doses."""
    if not any(t.doses for t in discovery.study.trajectories):
        return []
    study, out = discovery.study, []
    for label, rows in zip(study.labels, arrivals_of(discovery).rows, strict=True):
        for course in courses(rows):
            given, arrived = course.first.given, course.first.arrived
            every = f"{course.count} times, every {number(course.interval)}"
            changed = arrived.amount != given.amount
            parts = [number(arrived.amount)] if changed else []
            if course.first.rule.lag:
                parts.append(f"from {number(arrived.time)}")
            out.append(
                DoseRow(
                    label,
                    number(given.time),
                    every if course.count > 1 else "once",
                    f"{number(given.amount)} {given.unit}".rstrip(),
                    f"over {number(given.duration)}" if given.duration else "at once",
                    arrived.target,
                    ", ".join(parts) or "as given",
                )
            )
    return out


def dose_marks(discovery: Discovery, index: int) -> dict[str, Any]:
    """Begin, end and amount of the doses of trajectory `index`, as they reach the model."""
    rows = arrivals_of(discovery).rows[index]
    last = discovery.bands[index].time[-1]
    shown = [row.arrived for row in rows if row.arrived.time <= last]
    begin = np.array([d.time for d in shown], np.float32)
    return {
        "time": begin,
        "end": begin + np.array([d.duration for d in shown], np.float32),
        "amount": np.array([d.amount for d in shown], np.float32),
    }


def draw_doses(plot: Figure, source: ColumnDataSource) -> None:
    """Mark doses on the time axis: a dotted line each, infusions shaded as long as they last."""
    plot.vstrip(
        "time", "end", source=source, fill_color=MUTED, fill_alpha=0.14, line_color=None,
        level="underlay",
    )  # fmt: skip
    lines = plot.vspan(
        "time", source=source, line_color=MUTED, line_dash=[1, 3], line_width=1.2, level="underlay"
    )
    plot.add_tools(
        HoverTool(
            renderers=[lines],
            tooltips=[("dose", "@amount{0.[000]}"), ("at", "@time{0.[000]}")],
        )
    )

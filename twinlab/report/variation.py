"""What varies between subjects or conditions, as rows, a CSV and figures."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from bokeh.models import (
    BoxAnnotation,
    ColumnDataSource,
    FixedTicker,
    HoverTool,
    LegendItem,
    Range1d,
    Span,
)

from twinlab.discovery import LocalCoefficient, local_coefficients
from twinlab.errors import UserError

from .figures import Figure, _figure, plain
from .held_out_figures import add_legend
from .numbers import estimate, interval, percent
from .palette import MUTED, series

if TYPE_CHECKING:
    from twinlab.discovery import Discovery

#: Up to so many entries are named along the axis.
NAMED = 24
COLUMNS = (
    "term", "by", "name", "condition", "coefficient", "q05", "q95",
    "population", "population_q05", "population_q95",
)  # fmt: skip


@dataclass(frozen=True)
class VariationRow:
    """One coefficient that varies, for reading."""

    label: str
    by: str
    value: str
    interval: str
    spread: str
    probability: str
    explained: tuple[str, ...]


def variation_rows(found: tuple[LocalCoefficient, ...]) -> list[VariationRow]:
    """The table of what varies."""
    rows = []
    for item in found:
        low, high = (float(v) for v in item.interval90)
        spread = "–"
        if item.term is not None:
            ends = [f"{100.0 * v:.0f}" for v in item.term.omega90]
            spread = f"{100.0 * item.term.omega:.0f} % ({ends[0]} to {ends[1]} %)"
        explained = list(item.explained)
        if explained and item.term is not None:
            explained.append(f"{100.0 * item.term.explained:.0f} % of the variance explained")
        rows.append(
            VariationRow(
                item.label,
                item.by,
                estimate(item.value, low, high),
                interval(low, high, item.value),
                spread,
                percent(item.probability),
                tuple(explained),
            )
        )
    return rows


def variation_csv(discovery: Discovery) -> str:
    """Every subject's (or condition's) own coefficients with 90 % intervals, one a line.

    Raises
    ------
    UserError
        No coefficient varies.
    """
    found = local_coefficients(discovery)
    if not found:
        raise UserError(
            "No coefficient of this model varies.",
            mend="Write it as json: that has the coefficients all subjects share.",
        )
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for item in found:
        shared = [f"{v:.8g}" for v in (item.value, *item.interval90)]
        for i, name in enumerate(item.names):
            own = [f"{v:.8g}" for v in (item.own[i], *item.own90[i])]
            table.writerow([item.label, item.by, name, item.conditions[i], *own, *shared])
    return out.getvalue()


def strip_figure(item: LocalCoefficient, *, height: int = 300) -> Figure:
    """Draw one coefficient in every subject or condition, sorted, with 90 % intervals.

    Colour and marker tell the condition; dashed is the population's value, shaded its interval.
    """
    order = item.order
    place = np.arange(order.size) + 1
    named = order.size <= NAMED
    words = "" if named else f"{order.size} {item.by}s, by their value"
    plot = _figure(item.label, words, height=height)
    low, high = (float(v) for v in item.interval90)
    plot.add_layout(
        BoxAnnotation(bottom=low, top=high, fill_color=MUTED, fill_alpha=0.1, line_color=None)
    )
    plot.add_layout(
        Span(location=item.value, dimension="width", line_color=MUTED, line_dash="dashed")
    )
    conditions = list(dict.fromkeys(item.conditions))
    items = []
    for number_, condition in enumerate(conditions):
        look = series(number_)
        mine = np.array([item.conditions[i] == condition for i in order])
        source = ColumnDataSource(
            {
                "place": place[mine],
                "own": item.own[order[mine]],
                "low": item.own90[order[mine], 0],
                "high": item.own90[order[mine], 1],
                "name": [plain(item.names[i]) for i in order[mine]],
                "condition": [plain(condition)] * int(mine.sum()),
            }
        )
        plot.segment(
            "place", "low", "place", "high", source=source, color=look.color, alpha=0.45,
            line_width=1.5,
        )  # fmt: skip
        dots = plot.scatter(
            "place", "own", source=source, marker=look.marker, size=7 if named else 5,
            line_color=look.color, fill_color="white", line_width=1.5,
        )  # fmt: skip
        items.append(LegendItem(label=plain(condition or "(none)"), renderers=[dots]))
        tips = [(item.by, "@name"), ("own", "@own{0.[00000]}")]
        tips.append(("90 %", "@low{0.[00000]} to @high{0.[00000]}"))
        if item.by == "subject" and len(conditions) > 1:
            tips.insert(1, ("condition", "@condition"))
        plot.add_tools(HoverTool(renderers=[dots], tooltips=tips))
    if len(items) > 1:
        add_legend(plot, items)
    plot.xaxis[0].ticker = FixedTicker(ticks=place.tolist() if named else [])
    if named:
        names = {int(p): plain(item.names[i]) for p, i in zip(place, order, strict=True)}
        plot.xaxis[0].major_label_overrides = names
        if max(len(n) for n in names.values()) * order.size > 60:
            plot.xaxis[0].major_label_orientation = 0.8
    plot.x_range = Range1d(float(place[0]) - 0.5, float(place[-1]) + 0.5)
    return plot

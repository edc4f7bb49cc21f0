"""Doses on a time axis: a dotted line for each, infusions shaded as long as they last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool
from bokeh.plotting import figure

from twinlab.study import Dose

from ..tokens import Palette


class DoseMarks:
    """Marks of doses in one or several figures that share a time axis; one source holds them."""

    def __init__(self) -> None:
        self.source = ColumnDataSource(
            {"time": np.zeros(0), "end": np.zeros(0), "words": []}, name="doses"
        )
        self._glyphs: list[tuple[Any, Any]] = []

    def draw_in(self, plot: figure) -> None:
        """Add the marks to a figure; they never widen its axes."""
        spans = plot.vstrip(
            "time", "end", source=self.source, line_color=None, fill_alpha=0.12, level="underlay"
        )
        lines = plot.vspan(
            "time", source=self.source, line_dash=[1, 4], line_width=1.5, level="underlay"
        )
        plot.add_tools(HoverTool(renderers=[lines], tooltips=[("dose", "@words")]))
        self._glyphs.append((spans, lines))

    def show(self, doses: Sequence[Dose]) -> None:
        """Mark these doses, but for those of no amount."""
        given = [d for d in doses if d.amount > 0]
        time = np.array([d.time for d in given])
        self.source.data = {
            "time": time,
            "end": time + np.array([d.duration for d in given]),
            "words": [_words(d) for d in given],
        }

    def recolour(self, colours: Palette) -> None:
        """Apply a theme."""
        for spans, lines in self._glyphs:
            spans.glyph.fill_color = colours.forecast
            lines.glyph.line_color = colours.muted


def _words(dose: Dose) -> str:
    amount = f"{dose.amount:.4g} {dose.unit}".rstrip()
    into = f" into {dose.target}" if dose.target else ""
    lasts = f", over {dose.duration:.4g}" if dose.duration else ""
    return f"{amount}{into} at {dose.time:.4g}{lasts}"

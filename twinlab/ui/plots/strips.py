"""One coefficient in every subject or condition, sorted, with its intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import (
    BoxAnnotation,
    ColumnDataSource,
    FixedTicker,
    HoverTool,
    Legend,
    LegendItem,
    Span,
)

from twinlab.discovery import LocalCoefficient

from ..tokens import MARKERS, Palette
from .base import legend_columns, paint, quiet_figure

#: Up to so many entries are named along the axis.
NAMED = 20


class StripPlot:
    """Own values with 90 % intervals, the population's behind them.

    Conditions are told apart by marker and hue.
    """

    POINTS = ("place", "own", "low", "high", "colour", "marker", "name", "condition")

    def __init__(self, colours: Palette) -> None:
        self._colours = colours
        self.points = ColumnDataSource({name: [] for name in self.POINTS}, name="strip")
        plot = self.figure = quiet_figure(
            height=280, y_axis_label=" ", x_axis_label=" ", tools="ywheel_zoom,ypan,reset,save",
            toolbar_location="right",
        )  # fmt: skip
        plot.toolbar.active_drag = None
        self.population = Span(location=0, dimension="width", line_dash="dashed", line_width=1)
        self.interval = BoxAnnotation(level="underlay", line_color=None)
        plot.add_layout(self.interval)
        plot.add_layout(self.population)
        self._whiskers = plot.segment(
            "place", "low", "place", "high", source=self.points, line_color="colour",
            line_alpha=0.5, line_width=1.5,
        )  # fmt: skip
        self._glyph = plot.scatter(
            "place", "own", source=self.points, marker="marker", size=6, line_color="colour",
            fill_color="colour",
        )  # fmt: skip
        plot.add_tools(
            HoverTool(
                renderers=[self._glyph],
                tooltips=[("", "@name"), ("condition", "@condition"), ("own", "@own{0.[00000]}"),
                          ("90 %", "@low{0.[00000]} to @high{0.[00000]}")],
            )
        )  # fmt: skip
        plot.xaxis[0].ticker = FixedTicker(ticks=[])
        plot.x_range.range_padding = 0.05
        self._entries: dict[str, int] = {}
        self._legend = Legend(items=[], orientation="horizontal", location="top_left", margin=2)
        plot.add_layout(self._legend, "above")
        self.recolour(colours)

    def show(self, item: LocalCoefficient) -> None:
        """Draw one coefficient."""
        order, conditions = item.order, list(dict.fromkeys(item.conditions))
        number = [conditions.index(item.conditions[i]) for i in order]
        place = np.arange(1, order.size + 1).tolist()
        names = [item.names[i] for i in order]
        low, high = (float(v) for v in item.interval90)
        self.population.location = item.value
        self.interval.update(bottom=low, top=high)
        plot, axis, named = self.figure, self.figure.xaxis[0], order.size <= NAMED
        plot.yaxis[0].axis_label = item.label
        axis.axis_label = " " if named else f"{order.size} {item.by}s, by their value"
        # Names along a narrow plot stand upright.
        crowded = sum(map(len, names)) > 60
        axis.update(
            major_label_overrides=dict(zip(place, names, strict=True)) if named else {},
            major_label_orientation=0.8 if crowded else "horizontal",
        )
        axis.ticker.ticks = place if named else []
        self._show_legend({item.conditions[i]: at for at, i in enumerate(order)})
        self.points.data = {
            "place": place,
            "own": item.own[order].tolist(),
            "low": item.own90[order, 0].tolist(),
            "high": item.own90[order, 1].tolist(),
            "colour": [self._colours.colour(n) for n in number],
            "marker": [MARKERS[n % len(MARKERS)] for n in number],
            "name": names,
            "condition": [item.conditions[i] or "–" for i in order],
        }

    def _show_legend(self, entries: dict[str, int]) -> None:
        if entries == self._entries:
            return
        self._entries = entries
        self._legend.ncols = legend_columns(entries)
        self._legend.items = [
            LegendItem(label=name or "(none)", renderers=[self._glyph], index=index)
            for name, index in entries.items()
            if len(entries) > 1
        ]

    def clear(self) -> None:
        """Take everything away."""
        self._show_legend({})
        self.points.data = {name: [] for name in self.POINTS}

    def recolour(self, colours: Palette) -> None:
        """Apply a theme."""
        old, self._colours = self._colours, colours
        paint(self.figure, colours)
        self.population.line_color = colours.muted
        self.interval.update(fill_color=colours.forecast, fill_alpha=0.12)
        self._legend.update(
            label_text_color=colours.text, background_fill_alpha=0, border_line_color=None,
            label_text_font_size="12px", padding=0, spacing=12,
        )  # fmt: skip
        swap: dict[Any, Any] = dict(zip(old.series, colours.series, strict=True))
        self.points.data = {
            **self.points.data,
            "colour": [swap.get(c, c) for c in self.points.data["colour"]],
        }

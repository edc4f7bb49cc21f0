"""Residuals over time, in units of their standard deviation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.models import BoxAnnotation, ColumnDataSource, HoverTool, Legend, LegendItem, Span

from twinlab.discovery import Discovery

from ..tokens import MARKERS, Palette
from .base import legend_columns, paint, quiet_figure


class ResidualPlot:
    """(measured - fitted)/sd of every subject; the chosen subject stands out.

    Parameters
    ----------
    states : sequence of str
        States, told apart by marker and hue.
    """

    POINTS = ("time", "residual", "colour", "marker", "alpha", "state", "subject")

    def __init__(self, states: Sequence[str], time_label: str, colours: Palette) -> None:
        self._states, self._colours = tuple(states), colours
        self.points = ColumnDataSource({name: [] for name in self.POINTS}, name="residuals")
        plot = self.figure = quiet_figure(
            height=250, x_axis_label=time_label, y_axis_label="(measured − fitted) / sd",
            tools="xpan,xwheel_zoom,reset,save", toolbar_location="right",
        )  # fmt: skip
        plot.toolbar.active_drag = None
        self._two = BoxAnnotation(bottom=-2, top=2, level="underlay", line_color=None)
        self._zero = Span(location=0, dimension="width", line_width=1)
        plot.add_layout(self._two)
        plot.add_layout(self._zero)
        self._glyph = plot.scatter(
            "time", "residual", source=self.points, marker="marker", size=6,
            fill_color="colour", line_color="colour", fill_alpha="alpha", line_alpha="alpha",
        )  # fmt: skip
        plot.y_range.update(range_padding=0.15, default_span=6)
        plot.add_tools(
            HoverTool(
                renderers=[self._glyph],
                tooltips=[("@state", "@residual{+0.00}"), ("time", "@time{0.[000]}"),
                          ("subject", "@subject")],
            )
        )  # fmt: skip
        self._entries: dict[str, int] = {}
        self._legend = Legend(items=[], orientation="horizontal", location="top_left", margin=2)
        plot.add_layout(self._legend, "above")
        self.recolour(colours)

    def show(self, discovery: Discovery, labels: Sequence[str], chosen: int) -> None:
        """Draw the residuals; trajectory `chosen` in full colour, the others faint."""
        data: dict[str, list[Any]] = {name: [] for name in self.POINTS}
        # The chosen subject comes last, so that it is painted over the others.
        order = [i for i in range(len(labels)) if i != chosen] + [chosen]
        for i in order:
            time, values = discovery.study.trajectories[i].time, discovery.residuals[i]
            # Inputs stand behind what is modelled and have no residuals.
            for s, name in enumerate(self._states[: values.shape[1]]):
                keep = np.isfinite(values[:, s])
                count = int(keep.sum())
                data["time"] += time[keep].tolist()
                data["residual"] += values[keep, s].tolist()
                data["colour"] += [self._colours.colour(s)] * count
                data["marker"] += [MARKERS[s % len(MARKERS)]] * count
                data["alpha"] += [0.9 if i == chosen else 0.18] * count
                data["state"] += [name] * count
                data["subject"] += [labels[i]] * count
        self._show_legend({name: index for index, name in enumerate(data["state"])})
        self.points.data = data

    def _show_legend(self, last: dict[str, int]) -> None:
        # New models make Bokeh walk the whole document: only when the legend really changes.
        if last == self._entries:
            return
        self._entries = last
        self._legend.items = [
            LegendItem(label=name, renderers=[self._glyph], index=last[name])
            for name in self._states
            if name in last
        ]
        self._legend.ncols = legend_columns(last)

    def clear(self) -> None:
        """Take the points away."""
        self._show_legend({})
        self.points.data = {name: [] for name in self.POINTS}

    def recolour(self, colours: Palette) -> None:
        """Apply a theme."""
        old, self._colours = self._colours, colours
        paint(self.figure, colours)
        self._two.update(fill_color=colours.forecast, fill_alpha=0.06)
        self._zero.line_color = colours.muted
        self._legend.update(
            label_text_color=colours.text, background_fill_alpha=0, border_line_color=None,
            label_text_font_size="12px", padding=0, spacing=12,
        )  # fmt: skip
        swap = dict(zip(old.series, colours.series, strict=True))
        if self.points.data["colour"]:
            self.points.data = {
                **self.points.data,
                "colour": [swap.get(c, c) for c in self.points.data["colour"]],
            }

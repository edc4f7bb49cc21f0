"""What every figure shares: quiet axes, no logo, text sizes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bokeh.models import CrosshairTool, Plot
from bokeh.plotting import figure

from ..tokens import Palette


def quiet_figure(**options: Any) -> figure:
    """A figure that shares the page's look; tools stay hidden until the pointer is over it."""
    plot = figure(
        sizing_mode="stretch_width",
        toolbar_location=options.pop("toolbar_location", None),
        tools=options.pop("tools", ""),
        min_border_left=options.pop("min_border_left", 56),
        min_border_right=options.pop("min_border_right", 12),
        outline_line_color=None,
        background_fill_alpha=0,
        border_fill_alpha=0,
        **options,
    )
    plot.toolbar.logo = None
    plot.toolbar.autohide = True
    plot.xgrid.grid_line_color = None
    for axis in plot.axis:
        axis.minor_tick_line_color = None
        axis.axis_label_text_font_style = "normal"
    return plot


def legend_columns(labels: Iterable[str], width: float = 360.0) -> int:
    """Columns of a horizontal legend that is not cut off at `width` pixels."""
    widest = max((len(label) for label in labels), default=0)
    return max(1, int(width / (40.0 + 6.8 * widest)))


def paint(plot: Plot, colours: Palette) -> None:
    """Colour text, axes, grid and crosshair, as the page's theme does only after loading."""
    for axis in (*plot.axis,):
        axis.major_label_text_color = colours.muted
        axis.axis_label_text_color = colours.text
        axis.axis_line_color = axis.major_tick_line_color = colours.border
    plot.ygrid.grid_line_color = colours.border
    if plot.title is not None:
        plot.title.text_color = colours.text
    for tool in plot.toolbar.tools:
        if isinstance(tool, CrosshairTool):
            tool.line_color = colours.muted

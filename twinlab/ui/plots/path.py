"""The coefficient path: what the elastic net would keep as its penalty weakens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, Legend, LegendItem, Range1d, Span
from numpy.typing import NDArray

from twinlab.discovery import Discovery

from ..tokens import DASHES, Palette
from .base import legend_columns, paint, quiet_figure

Array = NDArray[np.float64]


class PathPlot:
    """Standardised coefficients over the penalty, with a marker at the chosen penalty.

    A coefficient is multiplied by the square root of its column's diagonal in the Gram matrix, per
    measured value: its effect on the trajectories in units of the noise, so that columns of unlike
    units share one axis.
    """

    LINES = ("xs", "ys", "colour", "dash", "label", "width")

    def __init__(self, colours: Palette) -> None:
        self._colours = colours
        self.lines = ColumnDataSource({name: [] for name in self.LINES}, name="path")
        plot = self.figure = quiet_figure(
            height=250, x_axis_type="log", y_axis_label="Effect (noise units)",
            x_axis_label="Penalty, as a share of the largest (weaker to the right)",
            tools="xpan,xwheel_zoom,reset,save", toolbar_location="right",
            x_range=Range1d(1.3, 7e-4), y_range=Range1d(-1, 1),
        )  # fmt: skip
        plot.toolbar.active_drag = None
        plot.xaxis.ticker.desired_num_ticks = 5
        self._zero = Span(location=0, dimension="width", line_width=1)
        self.marker = Span(location=1, dimension="height", line_dash="dashed", visible=False)
        plot.add_layout(self._zero)
        plot.add_layout(self.marker)
        self._glyph = plot.multi_line(
            "xs", "ys", source=self.lines, line_color="colour", line_dash="dash", line_width="width"
        )
        plot.add_tools(
            HoverTool(
                renderers=[self._glyph], tooltips="@label", line_policy="nearest",
                show_arrow=False,
            )
        )  # fmt: skip
        self._legend = Legend(
            items=[], orientation="horizontal", location="top_left", padding=2, margin=2
        )
        plot.add_layout(self._legend, "above")
        self.recolour(colours)

    def show(self, discovery: Discovery) -> None:
        """Draw the path of a discovery; the columns of its best model are drawn stronger."""
        library, path = discovery.library, discovery.path
        scale = np.sqrt(np.clip(np.diag(discovery.gram.matrix), 0, None) / max(discovery.gram.n, 1))
        best = set(discovery.best.columns.tolist())
        data: dict[str, list] = {name: [] for name in self.LINES}
        for c in range(path.coefficients.shape[1]):
            values = path.coefficients[:, c] * scale[c]
            if not np.any(values):
                continue
            state = max(library.column_state(c), 0)
            data["xs"].append(path.penalty)
            data["ys"].append(values)
            data["colour"].append(self._colours.colour(state))
            data["dash"].append(DASHES[state % len(DASHES)])
            data["label"].append(library.column_label(c))
            data["width"].append(2.4 if c in best else 1.1)
        self._show_legend(library.states, data["colour"])
        self._show_ranges(path.penalty, data["ys"])
        self.lines.data = data

    def _show_ranges(self, penalty: Array, values: Sequence[Array]) -> None:
        start, end = 1.3 * float(penalty.max()), float(penalty.min()) / 1.3
        self.figure.x_range.update(start=start, end=end, reset_start=start, reset_end=end)
        low = min((float(v.min()) for v in values), default=-1.0)
        high = max((float(v.max()) for v in values), default=1.0)
        pad = 0.06 * (high - low or 1.0)
        low, high = low - pad, high + pad
        self.figure.y_range.update(start=low, end=high, reset_start=low, reset_end=high)

    def _show_legend(self, states: Sequence[str], used: Sequence[str]) -> None:
        drawn = list(dict.fromkeys(used))
        self._legend.items = [
            LegendItem(label=f"d {name}/dt", renderers=[self._glyph], index=used.index(colour))
            for i, name in enumerate(states[: len(self._colours.series)])
            if (colour := self._colours.colour(i)) in drawn
        ]
        self._legend.ncols = legend_columns(f"d {name}/dt" for name in states)

    def move_marker(self, penalty: float | None) -> None:
        """Put the vertical marker at a penalty; None hides it."""
        self.marker.visible = penalty is not None
        if penalty is not None:
            self.marker.location = penalty

    def clear(self) -> None:
        """Take the lines away."""
        self._legend.items = []
        self.lines.data = {name: [] for name in self.LINES}
        self.move_marker(None)

    def recolour(self, colours: Palette) -> None:
        """Apply a theme."""
        old, self._colours = self._colours, colours
        paint(self.figure, colours)
        self._zero.line_color = colours.border
        self.marker.line_color = colours.text
        self._legend.update(
            label_text_color=colours.text, background_fill_alpha=0, border_line_color=None,
            label_text_font_size="12px", glyph_width=20, spacing=12,
        )  # fmt: skip
        swap = dict(zip(old.series, colours.series, strict=True))
        if self.lines.data["colour"]:
            self.lines.data = {
                **self.lines.data,
                "colour": [swap.get(c, c) for c in self.lines.data["colour"]],
            }

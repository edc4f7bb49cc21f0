"""Inclusion probabilities: a bar on a full-length track per equation and term."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, FactorRange, HoverTool, Range1d
from numpy.typing import NDArray

from twinlab.library import Library

from ..tokens import Palette
from ..words import percent, pretty_term, shorten
from .base import paint, quiet_figure

#: Most rows drawn; the terms with the highest probability are kept.
MAX_ROWS = 18
_PITCH = 1.18
_ROW = 21


class InclusionPlot:
    """One block of bars per equation, side by side, with the threshold drawn through each.

    `bars` holds one row per library column drawn (term, left, right, track, colour index);
    `lines` the threshold of each block.
    """

    BARS = ("term", "left", "right", "track", "colour", "hover", "chance")

    def __init__(self, colours: Palette) -> None:
        self._colours = colours
        self._blocks = 1
        self._layout: tuple[list[str], list[str]] = ([], [])
        self.bars = ColumnDataSource({name: [] for name in self.BARS}, name="bars")
        self.lines = ColumnDataSource({"x": [], "y0": [], "y1": []}, name="threshold")
        self._rows = FactorRange(range_padding=0.02)
        self._span = Range1d(-0.01, 1.05)
        plot = self.figure = quiet_figure(
            height=240, y_range=self._rows, x_range=self._span, x_axis_location="above",
            min_border_left=8,
        )  # fmt: skip
        plot.ygrid.grid_line_color = None
        plot.yaxis.axis_line_color = plot.yaxis.major_tick_line_color = None
        plot.xaxis.axis_line_color = None
        self._track = plot.hbar(y="term", left="left", right="track", height=0.62, source=self.bars)
        self._bar = plot.hbar(
            y="term", left="left", right="right", height=0.62, source=self.bars,
            fill_color="colour", line_color=None,
        )  # fmt: skip
        self._line = plot.segment(
            "x", "y0", "x", "y1", source=self.lines, line_dash="dashed", line_width=1.2
        )
        self._rows.factors = []
        plot.add_tools(
            HoverTool(renderers=[self._track], tooltips=[("", "@hover"), ("inclusion", "@chance")])
        )
        self.hidden_terms = 0
        self.recolour(colours)

    def show(
        self,
        library: Library,
        states: Sequence[int],
        inclusion: NDArray[np.float64],
        threshold: float,
    ) -> None:
        """Draw the probabilities of the columns of these states.

        Parameters
        ----------
        library : Library
        states : sequence of int
            State indices, one block each, in order.
        inclusion : (n_column,) array
        threshold : float
        """
        rows = self._pick_rows(library, states, inclusion)
        block = {state: i for i, state in enumerate(states)}
        data: dict[str, list[Any]] = {name: [] for name in self.BARS}
        for c in range(len(library.columns)):
            state, term = library.column_state(c), library.columns[c].term
            if state not in block or term not in rows:
                continue
            offset = block[state] * _PITCH
            data["term"].append(rows[term])
            data["left"].append(offset)
            data["right"].append(offset + float(inclusion[c]))
            data["track"].append(offset + 1)
            data["colour"].append(self._colours.colour(state))
            data["hover"].append(library.column_label(c))
            data["chance"].append(percent(float(inclusion[c])))
        self._lay_out(list(rows.values()), [library.states[s] for s in states])
        self._states = list(states)
        self.bars.data = data
        self.move_threshold(threshold)

    def _pick_rows(
        self, library: Library, states: Sequence[int], inclusion: NDArray[np.float64]
    ) -> dict[int, str]:
        best: dict[int, float] = {}
        for c, column in enumerate(library.columns):
            if library.column_state(c) in states:
                best[column.term] = max(best.get(column.term, 0.0), float(inclusion[c]))
        kept = sorted(sorted(best, key=lambda t: -best[t])[:MAX_ROWS])
        self.hidden_terms = len(best) - len(kept)
        labels: dict[int, str] = {}
        for term in kept:
            label = shorten(pretty_term(library.terms[term].text), 18)
            labels[term] = label if label not in labels.values() else f"{label[:14]}…{term}"
        return labels

    def _lay_out(self, rows: list[str], names: list[str]) -> None:
        if (rows, names) == self._layout:
            return
        self._layout = (rows, names)
        self._blocks = max(1, len(names))
        self._rows.factors = rows[::-1]
        self._span.update(start=-0.02, end=(self._blocks - 1) * _PITCH + 1.04)
        middles = [i * _PITCH + 0.5 for i in range(self._blocks)]
        self.figure.xaxis.ticker = middles
        # What fits over a block of a card of usual width.
        most = max(4, 39 // self._blocks - 5)
        self.figure.xaxis.major_label_overrides = {
            m: f"d {shorten(n, most)}/dt" for m, n in zip(middles, names, strict=False)
        }
        self.figure.height = 44 + _ROW * max(4, len(rows))

    def move_threshold(self, threshold: float) -> None:
        """Redraw the dashed lines."""
        count = len(self._rows.factors)
        x = [i * _PITCH + threshold for i in range(self._blocks)] if count else []
        self.lines.data = {"x": x, "y0": [0.0] * len(x), "y1": [float(count)] * len(x)}

    def clear(self, keep_rows: bool = False) -> None:
        """Take the bars away; with `keep_rows` the empty tracks stay (probabilities withheld)."""
        if keep_rows and self.bars.data["left"]:
            self.bars.data = {
                **self.bars.data,
                "right": list(self.bars.data["left"]),
                "chance": ["withheld"] * len(self.bars.data["left"]),
            }
        else:
            self.bars.data = {name: [] for name in self.BARS}
        self.lines.data = {"x": [], "y0": [], "y1": []}

    def recolour(self, colours: Palette) -> None:
        """Apply a theme."""
        old, self._colours = self._colours, colours
        paint(self.figure, colours)
        self.figure.ygrid.grid_line_color = None
        self.figure.xaxis.axis_line_color = self.figure.xaxis.major_tick_line_color = None
        self.figure.yaxis.axis_line_color = self.figure.yaxis.major_tick_line_color = None
        self._track.glyph.update(fill_color=colours.track, line_color=None)
        self._line.glyph.line_color = colours.text
        swap = dict(zip(old.series, colours.series, strict=True))
        if self.bars.data["colour"]:
            self.bars.data = {
                **self.bars.data,
                "colour": [swap.get(c, c) for c in self.bars.data["colour"]],
            }

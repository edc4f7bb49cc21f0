"""Fitted trajectories with their bands: one small figure per state, one shared time axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.models import (
    BoxAnnotation,
    ColumnDataSource,
    HoverTool,
    Label,
    Range1d,
    Whisker,
)
from bokeh.plotting import figure
from numpy.typing import NDArray

from twinlab.discovery import Band
from twinlab.report.figures import NEVER_MEASURED
from twinlab.study import Trajectory
from twinlab.twin import Simulation

from ..tokens import ALPHA_INNER, ALPHA_OUTER, DASHES, MARKERS, SANS, Palette
from .base import paint, quiet_figure
from .doses import DoseMarks

Array = NDArray[np.float64]
#: Rows of `Band.quantiles`: 5, 25, 50, 75 and 95 %.
_Q05, _Q25, _Q75, _Q95 = 0, 1, 3, 4
NOT_YET = "drawn once a model is fitted"


def _empty(states: Sequence[str], parts: Sequence[str]) -> dict[str, Array]:
    return {
        "time": np.zeros(0),
        **{f"{part}_{i}": np.zeros(0) for i in range(len(states)) for part in parts},
    }


def _column(values: Array, i: int) -> Array:
    """Column `i`; NaN where a model has fewer states than are drawn."""
    return values[:, i] if i < values.shape[1] else np.full(len(values), np.nan)


class TrajectoryPlot:
    """Data, the fitted trajectory, its bands, a chosen alternative and the stage of a running fit.

    Four sources hold what is drawn per state: `fit` (time, mean and the four edges of the bands),
    `observed` (time, value, error bar ends), `overlay` (the trajectory of a chosen model, or of the
    stage a running fit has reached) and `asked` (the trajectory under doses that were asked about,
    with its band).  `doses` holds when something was given, and until when.

    Parameters
    ----------
    states : sequence of str
        States to draw, in order.
    units : mapping of str to str
        Unit of a state, where known.
    time_label : str
        Label of the time axis.
    height : int
        Height of the whole plot, px, shared by the states.
    latent : sequence of str
        Further states, behind the others, that were never measured.
    """

    FIT = ("mean", "q05", "q25", "q75", "q95")
    OBSERVED = ("value", "low", "high", "limit")
    ASKED = ("line", "low", "high")

    def __init__(
        self,
        states: Sequence[str],
        units: Mapping[str, str],
        time_label: str,
        colours: Palette,
        *,
        height: int = 460,
        latent: Sequence[str] = (),
    ) -> None:
        self.latent = tuple(latent)
        self.states = states = (*states, *self.latent)
        self.fit = ColumnDataSource(_empty(states, self.FIT), name="fit")
        self.observed = ColumnDataSource(_empty(states, self.OBSERVED), name="observed")
        self.overlay = ColumnDataSource(_empty(states, ("line",)), name="overlay")
        self.asked = ColumnDataSource(_empty(states, self.ASKED), name="asked")
        self.doses = DoseMarks()
        # One point in the row of a state never measured: a plot of nothing has no range.
        self._unfitted: dict[int, ColumnDataSource] = {}
        self._range = Range1d(0, 1)
        self._data_end = 0.0
        self._faded = False
        self._forecast: list[BoxAnnotation] = []
        self._forecast_label: Label | None = None
        self._glyphs: list[dict[str, Any]] = []
        each = max(120, (height - 34) // max(1, len(states)))
        self.figures = [
            self._figure(i, name, units.get(name, ""), each, time_label)
            for i, name in enumerate(self.states)
        ]
        self.recolour(colours)

    def _figure(self, i: int, name: str, unit: str, height: int, time_label: str) -> figure:
        last = i == len(self.states) - 1
        title = f"{name} ({unit})" if unit else name
        plot = quiet_figure(
            height=height + (34 if last else 0),
            x_range=self._range,
            title=f"{title}: {NEVER_MEASURED}" if name in self.latent else title,
            tools="xpan,xwheel_zoom,xbox_zoom,reset,save",
            toolbar_location="right" if i == 0 else None,
            min_border_left=64,
            min_border_right=34,
        )
        plot.toolbar.active_drag = None
        plot.title.text_font_size = "13px"
        plot.yaxis.ticker.desired_num_ticks = 4
        plot.y_range.only_visible = True
        plot.y_range.range_padding = 0.08
        plot.xaxis.visible = last
        if last:
            plot.xaxis.axis_label = time_label
        forecast = BoxAnnotation(
            left=None, right=None, visible=False, level="underlay", line_color=None
        )
        plot.add_layout(forecast)
        self._forecast.append(forecast)
        if i == 0:
            self._forecast_label = Label(
                x=0, y=4, y_units="screen", x_offset=4, text="forecast",
                text_font_size="11px", visible=False,
            )  # fmt: skip
            plot.add_layout(self._forecast_label)
        glyphs = {
            "outer": plot.varea("time", f"q05_{i}", f"q95_{i}", source=self.fit),
            "inner": plot.varea("time", f"q25_{i}", f"q75_{i}", source=self.fit),
            "mean": plot.line("time", f"mean_{i}", source=self.fit, line_width=2),
            "asked_band": plot.varea("time", f"low_{i}", f"high_{i}", source=self.asked),
            "asked": plot.line(
                "time", f"line_{i}", source=self.asked, line_width=2, line_dash=[7, 4]
            ),
            "overlay": plot.line(
                "time", f"line_{i}", source=self.overlay, line_width=1.8, line_dash="dashed"
            ),
            "points": plot.scatter(
                "time", f"value_{i}", source=self.observed, marker=MARKERS[i % len(MARKERS)],
                size=6.5, line_width=1.3,
            ),
        }  # fmt: skip
        whisker = Whisker(
            base="time", lower=f"low_{i}", upper=f"high_{i}", source=self.observed,
            upper_head=None, lower_head=None, level="underlay",
        )  # fmt: skip
        plot.add_layout(whisker)
        glyphs["whisker"] = whisker
        if name in self.latent:
            self._unfitted[i] = ColumnDataSource({"time": [0.0], "y": [0.0], "text": [NOT_YET]})
            glyphs["unfitted"] = plot.text(
                "time", "y", "text", source=self._unfitted[i], text_align="center",
                text_baseline="middle", text_font={"value": SANS}, text_font_size="12px",
            )  # fmt: skip
            plot.yaxis.visible = plot.ygrid.visible = False
        plot.add_tools(
            HoverTool(
                renderers=[glyphs["points"]],
                tooltips=[("time", "@time{0.[000]}"), (name, f"@value_{i}{{0.[000]}}"),
                          ("note", f"@limit_{i}")],
            )
        )  # fmt: skip
        self._glyphs.append(glyphs)
        self.doses.draw_in(plot)
        return plot

    def show_data(self, trajectory: Trajectory, columns: Sequence[int]) -> None:
        """Draw what was measured; `columns` are the study's columns of the states drawn."""
        data: dict[str, Any] = {"time": trajectory.time}
        for i, c in enumerate(columns):
            value, sd = trajectory.value[:, c], trajectory.sd[:, c]
            data[f"value_{i}"] = value
            data[f"low_{i}"], data[f"high_{i}"] = value - sd, value + sd
            data[f"limit_{i}"] = np.where(
                trajectory.censored[:, c], "below this limit",
                np.where(trajectory.count[:, c] > 1, "mean of replicates", "measured"),
            )  # fmt: skip
        for i in range(len(columns), len(self.states)):
            # A latent state has a trajectory and no measurements.
            data.update(
                {f"{part}_{i}": np.full(trajectory.time.size, np.nan) for part in self.OBSERVED}
            )
        self.observed.data = data
        self.doses.show(trajectory.doses)
        self._data_end = float(trajectory.time[-1])
        self._set_range(float(trajectory.time[0]), self._data_end)

    def show_fit(self, band: Band, *, predictive: bool) -> None:
        """Draw the best trajectory with its 50 % and 90 % bands."""
        edges = band.predictive if predictive else band.quantiles
        data: dict[str, Array] = {"time": band.time}
        for i in self._indices:
            data[f"mean_{i}"] = _column(band.mean, i)
            for name, row in (("q05", _Q05), ("q25", _Q25), ("q75", _Q75), ("q95", _Q95)):
                data[f"{name}_{i}"] = _column(edges[row], i)
        self.fit.data = data
        self._set_range(float(band.time[0]), float(band.time[-1]))

    def show_overlay(self, time: Array, values: Array) -> None:
        """Draw one more trajectory, (n, n_state), as a dashed line over the bands."""
        lines = {f"line_{i}": _column(values, i) for i in self._indices}
        self.overlay.data = {"time": time, **lines}
        self._tell_unfitted()

    def clear_overlay(self) -> None:
        """Take the extra trajectory away."""
        self.overlay.data = _empty(self.states, ("line",))
        self._tell_unfitted()

    def show_asked(self, simulation: Simulation) -> None:
        """Draw the trajectory under other doses, with its 90 % band if there are draws for one."""
        low, high = simulation.band(0.9)
        if len(simulation.draws) == 1:
            low = high = np.full_like(simulation.best, np.nan)
        columns = {"line": simulation.best, "low": low, "high": high}
        data = {
            f"{part}_{i}": _column(values, i)
            for part, values in columns.items()
            for i in self._indices
        }
        self.asked.data = {"time": simulation.time, **data}
        if self.fit.data["time"].size:
            begin, end = self.fit.data["time"][[0, -1]]
            self._set_range(float(begin), max(float(end), float(simulation.time[-1])))

    def clear_asked(self) -> None:
        """Take the trajectory under other doses away."""
        self.asked.data = _empty(self.states, self.ASKED)
        if self.fit.data["time"].size:
            begin, end = self.fit.data["time"][[0, -1]]
            self._set_range(float(begin), float(end))

    @property
    def _indices(self) -> range:
        return range(len(self.states))

    def clear_fit(self) -> None:
        """Take the fitted trajectory, its bands and what was drawn over it away."""
        self.fit.data = _empty(self.states, self.FIT)
        self.clear_overlay()
        self.clear_asked()

    def _tell_unfitted(self) -> None:
        """Say in the rows of states never measured that no model of them is drawn."""
        middle = 0.5 * (self._range.start + self._range.end)
        for i, source in self._unfitted.items():
            curves = np.append(self.fit.data[f"mean_{i}"], self.overlay.data[f"line_{i}"])
            curves = curves[np.isfinite(curves)]
            told, y = ("", curves[0]) if curves.size else (NOT_YET, 0.0)
            source.data = {"time": [middle], "y": [y], "text": [told]}
            plot = self.figures[i]
            plot.yaxis.visible = plot.ygrid.visible = not told

    def _set_range(self, start: float, end: float) -> None:
        end = max(end, self._data_end)
        pad = 0.015 * (end - start or 1.0)
        self._range.update(
            start=start - pad, end=end + pad, reset_start=start - pad, reset_end=end + pad
        )
        ahead = end > self._data_end + 1e-9 * max(1.0, abs(end))
        for box in self._forecast:
            box.update(left=self._data_end, visible=ahead)
        if self._forecast_label is not None:
            self._forecast_label.update(x=self._data_end, visible=ahead)
        self._tell_unfitted()

    def fade(self, faded: bool) -> None:
        """Show the fit as one of yesterday: it belongs to other data or settings."""
        self._faded = faded
        scale = 0.45 if faded else 1.0
        for glyphs in self._glyphs:
            glyphs["outer"].glyph.fill_alpha = ALPHA_OUTER * scale
            glyphs["inner"].glyph.fill_alpha = ALPHA_INNER * scale
            glyphs["mean"].glyph.line_alpha = scale

    def recolour(self, colours: Palette) -> None:
        """Apply a theme."""
        for i, (plot, glyphs) in enumerate(zip(self.figures, self._glyphs, strict=True)):
            colour = colours.colour(i)
            paint(plot, colours)
            glyphs["outer"].glyph.update(fill_color=colour, fill_alpha=ALPHA_OUTER)
            glyphs["inner"].glyph.update(fill_color=colour, fill_alpha=ALPHA_INNER)
            glyphs["mean"].glyph.update(line_color=colour, line_dash=DASHES[0])
            glyphs["overlay"].glyph.update(line_color=colours.stage)
            glyphs["asked"].glyph.update(line_color=colours.stage)
            glyphs["asked_band"].glyph.update(fill_color=colours.stage, fill_alpha=ALPHA_OUTER)
            glyphs["points"].glyph.update(
                line_color=colour, fill_color=colours.surface, fill_alpha=0.9
            )
            glyphs["whisker"].update(line_color=colour, line_alpha=0.6)
            if "unfitted" in glyphs:
                glyphs["unfitted"].glyph.text_color = colours.muted
            self._forecast[i].update(fill_color=colours.forecast, fill_alpha=0.08)
        if self._forecast_label is not None:
            self._forecast_label.text_color = colours.muted
        self.doses.recolour(colours)
        self.fade(self._faded)

"""Plots of predictions: observed against predicted, predictive checks, single subjects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, Legend, LegendItem, Span

from .figures import Figure, _figure, _with_unit, plain
from .palette import ALPHA_50, ALPHA_90, INK, MUTED, series

if TYPE_CHECKING:
    from twinlab.study import Study
    from twinlab.twin import Validation
    from twinlab.twin.held_out import HeldOut
    from twinlab.twin.predictive_check import Check

#: Beyond this ratio of the largest to the smallest positive value axes are logarithmic.
WIDE = 300.0


def observed_figure(validation: Validation, variable: int, *, height: int = 380) -> Figure | None:
    """Draw what was measured against what was predicted, with 50 % and 90 % intervals.

    Colour and marker tell the condition; a filled marker lies outside its 90 % interval.  None
    where nothing of the variable was scored.
    """
    name, study = validation.variables[variable], validation.study
    predictions = validation.predictions
    kept = [np.isfinite(p.value[:, variable]) & ~p.censored[:, variable] for p in predictions]
    if not any(k.any() for k in kept):
        return None
    value = np.concatenate([p.value[k, variable] for p, k in zip(predictions, kept, strict=True)])
    quantiles = np.concatenate(
        [p.quantiles[:, k, variable] for p, k in zip(predictions, kept, strict=True)], axis=1
    )
    log = bool(min(value.min(), quantiles.min()) > 0 and value.max() > WIDE * value.min())
    kind = {"x_axis_type": "log", "y_axis_type": "log"} if log else {}
    label = _with_unit(name, study.units.get(name, ""))
    plot = _figure(f"{label}, measured", f"{label}, predicted", height=height, **kind)
    both = np.concatenate([value, quantiles[2]])
    ends = [float(both.min()), float(both.max())]
    plot.line(ends, ends, color=MUTED, line_dash="dashed", line_width=1)
    conditions = list(dict.fromkeys(p.condition for p in predictions))
    items = []
    for place, condition in enumerate(conditions):
        own = [(p, k) for p, k in zip(predictions, kept, strict=True) if p.condition == condition]
        dots = _observed(plot, own, variable, place)
        if dots is not None and len(conditions) > 1:
            items.append(LegendItem(label=plain(condition or "(none)"), renderers=[dots]))
    if items:
        add_legend(plot, items)
    return plot


def _observed(
    plot: Figure, own: Sequence[tuple[HeldOut, Any]], variable: int, place: int
) -> Any | None:
    look = series(place)
    q = np.concatenate([p.quantiles[:, k, variable] for p, k in own], axis=1)
    if q.shape[1] == 0:
        return None
    inside = np.concatenate([np.abs(p.transform[k, variable] - 0.5) <= 0.45 for p, k in own])
    source = ColumnDataSource(
        {
            "value": np.concatenate([p.value[k, variable] for p, k in own]),
            "q05": q[0],
            "q25": q[1],
            "q50": q[2],
            "q75": q[3],
            "q95": q[4],
            "fill": np.where(inside, "white", look.color),
            "where": [plain(p.label) for p, k in own for _ in range(int(k.sum()))],
            "time": np.concatenate([p.time[k] for p, k in own]),
        }
    )
    plot.segment("q05", "value", "q95", "value", source=source, color=look.color, alpha=0.35)
    plot.segment(
        "q25", "value", "q75", "value", source=source, color=look.color, alpha=0.5, line_width=3
    )
    dots = plot.scatter(
        "q50", "value", source=source, marker=look.marker, size=7, line_color=look.color,
        fill_color="fill", line_width=1.3,
    )  # fmt: skip
    tips = [
        ("", "@where"),
        ("time", "@time{0.[000]}"),
        ("measured", "@value{0.[0000]}"),
        ("predicted", "@q50{0.[0000]}"),
        ("90 %", "@q05{0.[0000]} to @q95{0.[0000]}"),
    ]
    plot.add_tools(HoverTool(renderers=[dots], tooltips=tips))
    return dots


def add_legend(plot: Figure, items: list[LegendItem]) -> None:
    """Put a legend above a figure."""
    legend = Legend(items=items, orientation="horizontal", border_line_color=None)
    legend.label_text_font_size, legend.label_text_color = "11px", INK
    legend.ncols = 4
    legend.background_fill_alpha = 0.0
    plot.add_layout(legend, "above")
    # As SVG, Bokeh 3.9 draws what is below such a legend out of its place.
    plot.output_backend = "canvas"


def check_figure(check: Check, study: Study, name: str, *, height: int = 260) -> Figure:
    """Draw one visual predictive check.

    With percentiles: solid lines are the 10th, 50th and 90th percentile of the data, bands where
    that of simulated data lies with 90 %.  Without: measurements over the 50 % and 90 %
    predictive bands.
    """
    look = series(check.variable)
    title = _with_unit(name, study.units.get(name, ""))
    plot = _figure(title, _with_unit("time", study.time_unit), height=height)
    t = _widened(check.time)
    if check.observed is not None:
        for place, dash in ((0, "dashed"), (1, "solid"), (2, "dashed")):
            low, middle, high = (_repeated(band, check.time) for band in check.bands[place])
            area = plot.varea(t, low, high, color=look.color if place == 1 else MUTED)
            area.glyph.fill_alpha = 0.25
            plot.line(t, middle, color=MUTED, line_width=1, line_dash="dotted")
            plot.line(check.time, check.observed[place], color=INK, line_dash=dash, line_width=1.6)
    else:
        edges = [_repeated(band, check.time) for band in check.bands]
        for first, last, alpha in ((0, 4, ALPHA_90), (1, 3, ALPHA_50)):
            area = plot.varea(t, edges[first], edges[last], color=look.color)
            area.glyph.fill_alpha = alpha
        plot.line(t, edges[2], color=look.color, line_width=1.5)
    size = 4 if check.observed is not None else 6
    plot.scatter(
        check.point_time, check.point_value, marker=look.marker, size=size, line_color=look.color,
        fill_color="white", line_width=1, alpha=0.8,
    )  # fmt: skip
    return plot


def _widened(time: np.ndarray) -> np.ndarray:
    """A single bin is drawn with some width."""
    return time if time.size > 1 else np.array([time[0] - 0.5, time[0] + 0.5])


def _repeated(values: np.ndarray, time: np.ndarray) -> np.ndarray:
    return values if time.size > 1 else np.repeat(values, 2)


def subject_figure(validation: Validation, place: int, variable: int) -> Figure:
    """Draw one prediction over time: bands, what was given, what was measured afterwards."""
    prediction, study = validation.predictions[place], validation.study
    name, look = validation.variables[variable], series(variable)
    plot = _figure(
        _with_unit(name, study.units.get(name, "")), _with_unit("time", study.time_unit), height=200
    )
    bands = prediction.bands[:, :, variable]
    for low, high, alpha in ((0, 4, ALPHA_90), (1, 3, ALPHA_50)):
        area = plot.varea(prediction.grid, bands[low], bands[high], color=look.color)
        area.glyph.fill_alpha = alpha
    plot.line(prediction.grid, bands[2], color=look.color, line_width=2, line_dash=look.dash)
    if prediction.given_time.size:
        plot.scatter(
            prediction.given_time, prediction.given_value[:, variable], marker="x", size=7,
            line_color=MUTED, line_width=1.5,
        )  # fmt: skip
        last = float(prediction.given_time[-1])
        plot.add_layout(
            Span(location=last, dimension="height", line_color=MUTED, line_dash="dotted")
        )
    inside = np.abs(prediction.transform[:, variable] - 0.5) <= 0.45
    source = ColumnDataSource(
        {
            "time": prediction.time,
            "value": prediction.value[:, variable],
            "fill": np.where(inside, "white", look.color),
        }
    )
    dots = plot.scatter(
        "time", "value", source=source, marker=look.marker, size=6, line_color=look.color,
        fill_color="fill", line_width=1.3,
    )  # fmt: skip
    tips = [("time", "@time{0.[000]}"), ("measured", "@value{0.[0000]}")]
    plot.add_tools(HoverTool(renderers=[dots], tooltips=tips))
    return plot

"""The report's interactive plots, as Bokeh figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.models import (
    BoxAnnotation,
    ColumnDataSource,
    HoverTool,
    Span,
    Title,
)
from bokeh.plotting import figure
from numpy.typing import NDArray

from .doses import dose_marks, draw_doses
from .palette import (
    ALPHA_50,
    ALPHA_90,
    BACKGROUND_LINE,
    BORDER,
    INK,
    MUTED,
    series,
)

if TYPE_CHECKING:
    from twinlab.discovery import Discovery

Figure = Any  # bokeh's figure is a subclass built at run time, which mypy cannot follow
_FONT = "system-ui, sans-serif"
#: What is said of a latent state wherever its course is shown.
NEVER_MEASURED = "never measured, inferred"


def trajectory_data(discovery: Discovery, index: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the plots of trajectory `index` draw: bands on the fine grid, and points.

    Keys of the bands are ``time`` and, per state number i, ``mean_i``, ``q05_i``, ``q25_i``,
    ``q75_i``, ``q95_i``, ``p05_i``, ``p95_i`` (predictive); of the points ``time``,
    ``value_i``, ``fitted_i`` and ``residual_i``, and ``limit_i`` where values of a state lie below
    a limit.  float32: a screen has no more digits.
    """
    band, problem = discovery.bands[index], discovery.problem
    rows = problem.rows(index)
    value = problem.measured[rows]
    limit = np.where(problem.censored, problem.value, np.nan)[rows]
    lines: dict[str, NDArray[np.float32]] = {"time": np.asarray(band.time, np.float32)}
    points: dict[str, NDArray[np.float32]] = {"time": np.asarray(problem.times(index), np.float32)}
    for i in range(problem.n_state):
        lines[f"mean_{i}"] = np.asarray(band.mean[:, i], np.float32)
        for key, row in (("05", 0), ("25", 1), ("75", 3), ("95", 4)):
            lines[f"q{key}_{i}"] = np.asarray(band.quantiles[row, :, i], np.float32)
        for key, row in (("05", 0), ("95", 4)):
            lines[f"p{key}_{i}"] = np.asarray(band.predictive[row, :, i], np.float32)
        points[f"value_{i}"] = np.asarray(value[:, i], np.float32)
        if problem.censored[:, i].any():
            points[f"limit_{i}"] = np.asarray(limit[:, i], np.float32)
        points[f"fitted_{i}"] = np.asarray(discovery.fitted[index][:, i], np.float32)
        points[f"residual_{i}"] = np.asarray(discovery.residuals[index][:, i], np.float32)
    return lines, points


def trajectory_figures(
    discovery: Discovery, index: int, *, named_sources: bool = False
) -> list[Figure]:
    """Draw one trajectory: a figure per state with 50 % and 90 % bands and the measurements.

    With `named_sources` the sources are called ``bands``, ``points`` and ``doses``, for the page's
    subject chooser to find.
    """
    lines, points = trajectory_data(discovery, index)
    bands_source = ColumnDataSource(lines, name="bands" if named_sources else None)
    points_source = ColumnDataSource(points, name="points" if named_sources else None)
    dosed = any(t.doses for t in discovery.study.trajectories)
    doses_source = ColumnDataSource(
        dose_marks(discovery, index) if dosed else {}, name="doses" if named_sources else None
    )
    figures: list[Figure] = []
    for i in range(len(discovery.library.states)):
        shared = {"x_range": figures[0].x_range} if figures else {}
        plot = _trajectory_figure(discovery, i, bands_source, points_source, shared)
        start, end = forecast_span(discovery, index)
        forecast = BoxAnnotation(
            left=start,
            right=end,
            fill_color=MUTED,
            fill_alpha=0.08,
            line_color=None,
            name=f"forecast-{i}" if named_sources else None,
        )
        plot.add_layout(forecast)
        if dosed:
            draw_doses(plot, doses_source)
        figures.append(plot)
    return figures


def forecast_span(discovery: Discovery, index: int) -> tuple[float, float]:
    """Last measured time of trajectory `index`, and the time to which its bands go."""
    return float(discovery.problem.times(index)[-1]), float(discovery.bands[index].time[-1])


def _trajectory_figure(
    discovery: Discovery,
    i: int,
    bands: ColumnDataSource,
    points: ColumnDataSource,
    shared: dict[str, Any],
) -> Figure:
    name, look = discovery.library.states[i], series(i)
    plot = _figure(
        _with_unit(name, discovery.study.units.get(name, "")), _time(discovery), **shared
    )
    if name in discovery.library.latent:
        plot.title = Title(
            text=f"{plain(name)}: {NEVER_MEASURED}",
            text_font=_FONT, text_font_size="12px", text_font_style="normal", text_color=INK,
        )  # fmt: skip
    for outer, inner, alpha in (("05", "95", ALPHA_90), ("25", "75", ALPHA_50)):
        area = plot.varea("time", f"q{outer}_{i}", f"q{inner}_{i}", source=bands, color=look.color)
        area.glyph.fill_alpha = alpha
    for q in ("05", "95"):
        plot.line("time", f"p{q}_{i}", source=bands, color=look.color, line_dash=[2, 3], alpha=0.7)
    plot.line(
        "time", f"mean_{i}", source=bands, color=look.color, line_width=2, line_dash=look.dash
    )
    dots = plot.scatter(
        "time",
        f"value_{i}",
        source=points,
        marker=look.marker,
        size=7,
        line_color=look.color,
        fill_color="white",
        line_width=1.5,
    )
    _add_tooltip(plot, dots, "measured", f"value_{i}", i)
    if f"limit_{i}" in points.data:
        limits = plot.scatter(
            "time", f"limit_{i}", source=points, marker="inverted_triangle", size=7,
            line_color=look.color, fill_color=None, line_width=1.5,
        )  # fmt: skip
        _add_tooltip(plot, limits, "below", f"limit_{i}", i)
    return plot


def _add_tooltip(plot: Figure, glyphs: Any, words: str, column: str, i: int) -> None:
    tips = [
        ("time", "@time{0.[000]}"),
        (words, f"@{column}{{0.[0000]}}"),
        ("model", f"@fitted_{i}{{0.[0000]}}"),
    ]
    plot.add_tools(HoverTool(renderers=[glyphs], tooltips=tips))


def residual_figures(discovery: Discovery) -> list[Figure]:
    """Draw, per observable with data, residuals of all subjects in units of the noise sd."""
    figures: list[Figure] = []
    problem = discovery.problem
    for i in np.nonzero(problem.seen)[0].tolist():
        name, look = problem.observables[i], series(i)
        shared = {"x_range": figures[0].x_range} if figures else {}
        plot = _figure(f"{name}: residual / sd", _time(discovery), height=190, **shared)
        time = problem.time
        residual = np.concatenate([r[:, i] for r in discovery.residuals])
        keep = np.isfinite(residual)
        for level, dash in ((0.0, "solid"), (2.0, "dashed"), (-2.0, "dashed")):
            plot.add_layout(
                Span(location=level, dimension="width", line_color=MUTED, line_dash=dash)
            )
        source = ColumnDataSource(
            {"time": time[keep].astype(np.float32), "residual": residual[keep].astype(np.float32)}
        )
        plot.scatter(
            "time",
            "residual",
            source=source,
            marker=look.marker,
            size=6,
            line_color=look.color,
            fill_color="white",
        )
        reach = float(max(3.0, 1.1 * np.max(np.abs(residual[keep]), initial=0.0)))
        plot.y_range.start, plot.y_range.end = -reach, reach
        figures.append(plot)
    return figures


def path_figure(discovery: Discovery) -> Figure | None:
    """Draw the elastic-net path, each coefficient scaled by the weight the data give its column.

    Columns of the best model are drawn in their state's colour and dash; the others in grey.
    None where the path is empty.
    """
    path, library = discovery.path, discovery.library
    if path.penalty.size < 2:
        return None
    scale = np.sqrt(np.clip(np.diag(discovery.gram.matrix), 0.0, None))
    heights = path.coefficients * scale
    largest = np.max(np.abs(heights), initial=0.0)
    if largest == 0:
        return None
    heights = heights / largest
    plot = _figure(
        "coefficient × weight", "penalty (weaker to the right)", height=320, x_axis_type="log"
    )
    plot.x_range.start, plot.x_range.end = float(path.penalty.max()), float(path.penalty.min())
    best = set(discovery.best.columns.tolist())
    entered = [c for c in range(heights.shape[1]) if np.any(heights[:, c] != 0)]
    entered.sort(key=lambda c: c in best)
    rows = {
        "x": [path.penalty for _ in entered],
        "y": [heights[:, c] for c in entered],
        "label": [library.column_label(c) for c in entered],
        "color": [
            series(_first_state(discovery, c)).color if c in best else BACKGROUND_LINE
            for c in entered
        ],
        "dash": [
            series(_first_state(discovery, c)).dash if c in best else "solid" for c in entered
        ],
        "width": [2.0 if c in best else 1.0 for c in entered],
    }
    lines = plot.multi_line(
        "x", "y", source=ColumnDataSource(rows), color="color", line_width="width", line_dash="dash"
    )
    plot.add_tools(HoverTool(renderers=[lines], tooltips=[("term", "@label")]))
    _label_ends(plot, path.penalty, rows, best, entered)
    return plot


def _label_ends(
    plot: Figure,
    penalty: NDArray[np.float64],
    rows: dict[str, list[Any]],
    best: set[int],
    entered: list[int],
) -> None:
    """Write the best model's terms at the right end of their lines, pushed apart."""
    named = [i for i, c in enumerate(entered) if c in best]
    named.sort(key=lambda i: rows["y"][i][-1])
    heights = np.array([rows["y"][i][-1] for i in named])
    reach = float(np.ptp(np.concatenate(rows["y"])))
    for k in range(1, len(named)):
        heights[k] = max(heights[k], heights[k - 1] + 0.06 * reach)
    longest = max((len(rows["label"][i]) for i in named), default=0)
    margin = float(np.clip(0.014 * longest, 0.1, 0.5))  # of the axis, in decades
    plot.x_range.end = float(penalty.min() * (penalty.min() / penalty.max()) ** margin)
    source = ColumnDataSource(
        {
            "x": [float(penalty.min())] * len(named),
            "y": heights,
            "label": [plain(rows["label"][i]) for i in named],
            "color": [rows["color"][i] for i in named],
        }
    )
    plot.text(
        "x",
        "y",
        "label",
        source=source,
        text_color="color",
        text_font={"value": _FONT},
        text_font_size="12px",
        text_baseline="middle",
        x_offset=8,
    )


def _first_state(discovery: Discovery, column: int) -> int:
    return int(discovery.library.columns[column].stoichiometry[0][0])


def _figure(y_label: str, x_label: str, *, height: int = 230, **kwargs: Any) -> Figure:
    plot = figure(
        height=height,
        sizing_mode="stretch_width",
        tools="pan,box_zoom,wheel_zoom,reset,save",
        active_scroll=None,
        toolbar_location="right",
        output_backend="svg",
        **kwargs,
    )
    plot.toolbar.logo = None
    plot.toolbar.autohide = True
    plot.outline_line_color = BORDER
    plot.xgrid.visible = False
    plot.ygrid.grid_line_color = "#E8ECF0"
    for axis, label in ((plot.xaxis[0], x_label), (plot.yaxis[0], y_label)):
        axis.axis_label = plain(label)
        axis.axis_label_text_font = axis.major_label_text_font = _FONT
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_font_size, axis.major_label_text_font_size = "12px", "11px"
        axis.axis_label_text_color = axis.major_label_text_color = INK
        axis.axis_line_color = axis.major_tick_line_color = MUTED
        axis.minor_tick_line_color = None
    plot.min_border_left = 64
    return plot


def _time(discovery: Discovery) -> str:
    return _with_unit("time", discovery.study.time_unit)


def _with_unit(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name


def plain(text: str) -> str:
    """Keep Bokeh from reading user text as TeX, which would need a download."""
    return text.replace("$$", "$ $").replace("\\[", "[").replace("\\(", "(")

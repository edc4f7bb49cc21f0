"""Plots and pages that are not about one discovery: curves with intervals, reliability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bokeh.models import ColumnDataSource, HoverTool, Span, Whisker
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from .figures import Figure, _figure, plain
from .page import _bokeh_js, _css, embedded
from .palette import MUTED, series


@dataclass(frozen=True)
class Curve:
    """One line of a chart.

    Attributes
    ----------
    label : str
    place : int
        Which colour, marker and dash: the same number everywhere for the same thing.
    x, y : sequences of float
    low, high : sequences of float, optional
        Ends of the intervals around `y`.
    """

    label: str
    place: int
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


def curve_figure(
    curves: Sequence[Curve],
    x_label: str,
    y_label: str,
    *,
    level: float | None = None,
    diagonal: bool = False,
    logarithmic: bool = False,
) -> Figure:
    """Draw curves between 0 and 1.

    Parameters
    ----------
    curves : sequence of Curve
    x_label, y_label : str
    level : float, optional
        A dashed line at what is nominal.
    diagonal : bool
        Draw y = x.
    logarithmic : bool
        Logarithmic horizontal axis.
    """
    kind: dict[str, Any] = {"x_axis_type": "log"} if logarithmic else {}
    plot = _figure(y_label, x_label, height=280, **kind)
    plot.y_range.start, plot.y_range.end = -0.03, 1.05
    if level is not None:
        plot.add_layout(
            Span(location=level, dimension="width", line_color=MUTED, line_dash="dashed")
        )
    if diagonal:
        plot.line([0, 1], [0, 1], line_color=MUTED, line_dash="dashed")
    for curve in curves:
        _draw(plot, curve)
    return plot


def _draw(plot: Figure, curve: Curve) -> None:
    look = series(curve.place)
    data: dict[str, Any] = {
        "x": list(curve.x),
        "y": list(curve.y),
        "label": [plain(curve.label)] * len(curve.x),
    }
    if curve.low:
        data |= {"low": list(curve.low), "high": list(curve.high)}
    source = ColumnDataSource(data)
    plot.line("x", "y", source=source, color=look.color, line_dash=look.dash, line_width=2)
    dots = plot.scatter(
        "x",
        "y",
        source=source,
        marker=look.marker,
        size=8,
        line_color=look.color,
        fill_color="white",
        line_width=1.5,
    )
    if curve.low:
        whisker = Whisker(base="x", lower="low", upper="high", source=source, line_color=look.color)
        whisker.upper_head.size = whisker.lower_head.size = 6
        whisker.upper_head.line_color = whisker.lower_head.line_color = look.color
        plot.add_layout(whisker)
    plot.add_tools(
        HoverTool(
            renderers=[dots],
            tooltips=[("", "@label"), ("at", "@x{0.[000]}"), ("value", "@y{0.[000]}")],
        )
    )


def envelope_figure(
    curve: Curve, x_label: str, y_label: str, *, bars: bool = False, level: float = 0.0
) -> Figure:
    """Draw a curve or bars over the range that chance allows.

    Parameters
    ----------
    curve : Curve
        Its ends are the envelope's, not those of intervals around its values.
    x_label, y_label : str
    bars : bool
        Draw bars of equal width around `x` instead of a line.
    level : float
        Where a dashed line marks what is expected.
    """
    plot = _figure(y_label, x_label, height=280)
    look = series(curve.place)
    x, y = list(curve.x), list(curve.y)
    envelope = {"base": x, "low": list(curve.low), "high": list(curve.high)}
    plot.varea("base", "low", "high", source=ColumnDataSource(envelope), color=MUTED, alpha=0.25)
    if bars:
        width = x[1] - x[0] if len(x) > 1 else 1.0
        plot.vbar(x, width=0.9 * width, top=y, color=look.color, alpha=0.6)
    else:
        plot.line(x, y, color=look.color, line_width=2)
    plot.add_layout(Span(location=level, dimension="width", line_color=MUTED, line_dash="dashed"))
    return plot


def page_html(template: str, figures: Mapping[str, Figure], **parts: Any) -> str:
    """Render a template as one page that asks for nothing from outside.

    Parameters
    ----------
    template : str
        Name of a file in the report's templates; it gets ``plots`` (HTML by the name of the
        figure), ``script``, ``css``, ``bokeh_js`` and `parts`.
    figures : mapping of str to figure
    """
    environment = Environment(
        loader=PackageLoader("twinlab.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script, divs = embedded(dict(figures)) if figures else ("", {})
    return environment.get_template(template).render(
        script=Markup(script),
        plots={name: Markup(div) for name, div in divs.items()},
        css=_css(),
        bokeh_js=_bokeh_js(),
        **parts,
    )

"""The raw data with linked brushing, composed by HoloViews."""

from __future__ import annotations

import holoviews as hv
import pandas as pd
from bokeh.models import BoxSelectTool
from bokeh.plotting import figure

from twinlab.study import Study

from ..tokens import MARKERS, Palette
from .base import paint
from .doses import DoseMarks

_MOST = 6  # variables that are drawn
#: Names of the added columns hold a space, so that no variable can share them.
_TIME, _SUBJECT = "time axis", "subject name"


def data_frame(study: Study) -> pd.DataFrame:
    """One row per measurement time and trajectory: time axis, subject name and the variables."""
    frames = []
    for label, trajectory in zip(study.labels, study.trajectories, strict=True):
        frame = pd.DataFrame(trajectory.value, columns=list(study.variables))
        frame.insert(0, _TIME, trajectory.time)
        frame.insert(1, _SUBJECT, label)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def preview_figures(study: Study, colours: Palette) -> list[figure]:
    """The figures of the preview, one by one: a page lays them out better than a grid of Bokeh's.

    They still share their source, and with it the selection.
    """
    figures: list[figure] = []
    grid = hv.render(data_preview(study, colours))
    for plot in (model for model in grid.references() if isinstance(model, figure)):
        plot.update(sizing_mode="stretch_width", toolbar_location="right", width=None)
        plot.update(background_fill_alpha=0, border_fill_alpha=0, outline_line_color=None)
        plot.output_backend = "canvas"
        plot.toolbar.autohide, plot.toolbar.logo = True, None
        plot.toolbar.active_drag = next(
            tool for tool in plot.toolbar.tools if isinstance(tool, BoxSelectTool)
        )
        paint(plot, colours)
        figures.append(plot)
    figures.sort(key=lambda plot: int(plot.id[1:]))
    doses = [dose for t in study.trajectories for dose in t.doses]
    if doses:
        marks = DoseMarks()
        marks.show(doses)
        for plot in figures[: min(len(study.variables), _MOST)]:
            marks.draw_in(plot)
        marks.recolour(colours)
    return figures


def data_preview(study: Study, colours: Palette) -> hv.Layout:
    """Every variable over time, and the first two against each other; a selection shows in all.

    The plots share one Bokeh source, so that brushing happens in the browser alone.
    """
    hv.extension("bokeh", logo=False)
    frame = data_frame(study)
    table = hv.Dataset(frame, kdims=[_TIME, _SUBJECT], vdims=list(study.variables))
    common = {
        "tools": ["hover", "box_select", "tap"], "size": 6, "nonselection_alpha": 0.12,
        "responsive": True, "height": 210, "active_tools": [], "show_grid": True,
        "toolbar": "above", "line_alpha": 0.9, "fill_alpha": 0.6,
    }  # fmt: skip
    unit = study.time_unit
    plots = []
    for i, name in enumerate(study.variables[:_MOST]):
        label = f"{name} ({study.units[name]})" if study.units.get(name) else name
        points = hv.Points(table, kdims=[_TIME, name], vdims=[_SUBJECT])
        plots.append(
            points.opts(
                color=colours.colour(i),
                marker=MARKERS[i % len(MARKERS)],
                title=label,
                xlabel=f"Time ({unit})" if unit else "Time",
                ylabel=name,
                **common,
            )  # fmt: skip
        )
    if len(study.variables) > 1:
        first, second = study.variables[:2]
        phase = hv.Points(table, kdims=[first, second], vdims=[_SUBJECT])
        plots.append(phase.opts(color=colours.muted, title=f"{second} against {first}", **common))
    return hv.Layout(plots).cols(2).opts(shared_axes=False, shared_datasource=True, toolbar="right")

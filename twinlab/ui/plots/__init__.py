"""The plots: Bokeh figures built once, whose sources are replaced."""

from .inclusion import InclusionPlot
from .path import PathPlot
from .preview import data_preview, preview_figures
from .residuals import ResidualPlot
from .strips import StripPlot
from .trajectories import TrajectoryPlot

__all__ = [
    "InclusionPlot",
    "PathPlot",
    "ResidualPlot",
    "StripPlot",
    "TrajectoryPlot",
    "data_preview",
    "preview_figures",
]

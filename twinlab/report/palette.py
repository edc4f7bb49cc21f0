"""Colours, markers and dashes of the report: Okabe-Ito, always double-coded."""

from __future__ import annotations

from typing import NamedTuple


class Series(NamedTuple):
    """How one state is drawn everywhere: by colour, and by marker or dash for those who need it."""

    color: str
    marker: str
    dash: str


_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
_MARKERS = ("circle", "square", "triangle", "diamond", "inverted_triangle", "hex", "star", "cross")
_DASHES = ("solid", "dashed", "dotted", "dotdash", "dashdot")

INK = "#1B2733"
MUTED = "#566573"
BORDER = "#D5DCE3"
BACKGROUND_LINE = "#B8C2CC"
ALPHA_50 = 0.26
ALPHA_90 = 0.16


def series(index: int) -> Series:
    """Return the look of state `index`; the markers repeat later than the colours do."""
    return Series(
        _COLORS[index % len(_COLORS)],
        _MARKERS[index % len(_MARKERS)],
        _DASHES[index % len(_DASHES)],
    )

"""Colour, marker and dash of a curve, as one number: the same on every page."""

from __future__ import annotations

from twinlab.report.palette import series

from .suites import METHODS

_DASHES = {"solid": "", "dashed": "6", "dotted": "2,4", "dotdash": "2,4,6,4", "dashdot": "6,4,2,4"}


def place_of(method: str) -> int:
    """Number of a method's look."""
    if method in METHODS:
        return METHODS.index(method)
    return len(METHODS) + sum(map(ord, method)) % 7


def key_entry(label: str, place: int) -> dict[str, str]:
    """A line of the key that explains the curves."""
    look = series(place)
    return {"label": label, "color": look.color, "dashes": _DASHES[look.dash]}

"""The card of what varies: which coefficients differ between subjects or conditions."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui

from twinlab.discovery import Discovery, LocalCoefficient, local_coefficients
from twinlab.report.variation import variation_rows

from ..plots import StripPlot
from ..state import WorkbenchState
from ..tokens import palette
from ..words import escape
from .parts import card, html

_BEFORE = "Which coefficients differ between subjects or conditions appears here after a fit."
_ONE = "One subject under one condition: nothing can differ."
_NOT_ASKED = "Not asked: the fit settings say that coefficients may vary by nothing."
_NONE = "No coefficient differs between subjects or conditions by more than the data can tell."
_CSS = """
.scroll { overflow-x: auto; }
table.varies { border-collapse: collapse; width: 100%; font-size: 12px; margin: 4px 0 8px;
  font-variant-numeric: tabular-nums; }
.varies th, .varies td { text-align: left; padding: 4px 10px 4px 0; vertical-align: top; }
.varies tr { border-top: 1px solid var(--tl-border); }
.varies tr:first-child, .varies tr.why { border-top: none; }
.varies th { color: var(--tl-muted); font-weight: 500; }
.varies .n { text-align: right; white-space: nowrap; padding: 4px 0 4px 10px; }
.varies th.n { white-space: normal; }
.varies .why td { padding-left: 12px; }
"""


def variation_html(found: tuple[LocalCoefficient, ...]) -> str:
    """The table: population, spread, probability; below each row what explains differences."""
    head = (
        "<tr><th>Coefficient</th><th>By</th><th class='n'>Population (90&nbsp;%)</th>"
        "<th class='n'>Spread (90&nbsp;%)</th><th class='n'>Probability</th></tr>"
    )
    rows = []
    for row in variation_rows(found):
        size, _, ends = row.spread.partition(" (")
        rows.append(
            f"<tr><td>{escape(row.label)}</td><td>{escape(row.by)}</td>"
            f"<td class='n'>{escape(row.value)}<br>{escape(row.interval)}</td>"
            f"<td class='n'>{escape(size)}<br>{escape(ends.rstrip(')'))}</td>"
            f"<td class='n'>{escape(row.probability)}</td></tr>"
        )
        if row.explained:
            words = "<br>".join(escape(text) for text in row.explained)
            rows.append(f"<tr class='why'><td colspan='5'>{words}</td></tr>")
    return f"<div class='scroll'><table class='varies'>{head}{''.join(rows)}</table></div>"


class VariationCard(pn.viewable.Viewer):
    """What varies, as a table, and one coefficient in every subject or condition as a strip."""

    def __init__(self, state: WorkbenchState) -> None:
        super().__init__()
        self._state = state
        self._found: tuple[LocalCoefficient, ...] = ()
        self.plot = StripPlot(palette(pn.config.theme == "dark"))
        self.caption = html()
        self.table = html(stylesheets=[_CSS], visible=False)
        self.coefficient = pmui.Select(
            label="Coefficient", size="small", width=260, margin=(12, 0, 4, 0), visible=False
        )
        self.figure = pn.pane.Bokeh(sizing_mode="stretch_width", margin=0, visible=False)
        self._view = card(
            "What varies", self.table, self.coefficient, self.figure, caption=self.caption
        )
        self.coefficient.param.watch(lambda *_: self._show_strip(), "value")
        state.param.watch(lambda *_: self._show(), "discovery")
        self._show()

    def __panel__(self) -> pn.Column:
        return self._view

    def _show(self) -> None:
        discovery = self._state.discovery
        self._found = local_coefficients(discovery) if discovery is not None else ()
        any_ = bool(self._found)
        self.caption.object = f"<p class='caption'>{escape(_words(discovery, any_))}</p>"
        self.table.param.update(object=variation_html(self._found) if any_ else "", visible=any_)
        labels = [item.label for item in self._found]
        value = self.coefficient.value if self.coefficient.value in labels else None
        self.coefficient.param.update(
            options=labels, value=value or (labels[0] if any_ else None), visible=len(labels) > 1
        )
        self._show_strip()

    def _show_strip(self) -> None:
        item = next((c for c in self._found if c.label == self.coefficient.value), None)
        if item is None:
            self.plot.clear()
        else:
            self.plot.show(item)
            if self.figure.object is not self.plot.figure:
                self.figure.object = self.plot.figure
        self.figure.visible = item is not None

    def recolour(self, dark: bool) -> None:
        """Apply a theme."""
        self.plot.recolour(palette(dark))


def _words(discovery: Discovery | None, varies: bool) -> Any:
    if discovery is None:
        return _BEFORE
    if varies:
        return (
            "Points: own values with 90 % intervals, in order; dashed: the population's. "
            "Spread: standard deviation of the logarithm from one to the next."
        )
    if len(discovery.study.trajectories) < 2:
        return _ONE
    return _NOT_ASKED if discovery.settings.vary == "nothing" else _NONE

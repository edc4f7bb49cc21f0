"""Section 3: what is believed about single terms before the data are seen."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui

from twinlab.knowledge import Belief

from ..state import WorkbenchState
from ..words import plural
from .components import PriorTable
from .parts import html, section


class KnowledgeSection(pn.viewable.Viewer):
    """One equation at a time: required, excluded, sign and inclusion odds of its terms."""

    def __init__(self, state: WorkbenchState) -> None:
        super().__init__()
        self._state = state
        self.equation = pmui.Select(
            label="Equation", size="small", sizing_mode="stretch_width", margin=(6, 0, 0, 0)
        )
        self.table = PriorTable(self._on_row, sizing_mode="stretch_width", margin=0)
        self.count = html()
        self._view = section(
            3, "Prior knowledge", "What the biology says about a term; applied at once.",
            self.equation, self.table, self.count,
        )  # fmt: skip
        self.equation.param.watch(self._show_rows, "value")
        state.param.watch(self._on_library, "library")
        state.param.watch(self._show_count, "knowledge")

    def __panel__(self) -> pn.Column:
        return self._view

    def _on_library(self, *_: Any) -> None:
        library = self._state.library
        if library is None:
            return
        options = {f"d {name}/dt": name for name in library.states}
        kept = self.equation.value if self.equation.value in library.states else library.states[0]
        self.equation.param.update(options=options, value=kept)
        self._show_rows()
        self._show_count()

    def _show_rows(self, *_: Any) -> None:
        library, state = self._state.library, self.equation.value
        if library is None or state not in library.states:
            self.table.rows = []
            return
        beliefs = {b.term: b for b in self._state.knowledge.beliefs if b.state == state}
        rows = []
        for c in library.columns_of(library.states.index(state)):
            term = library.terms[library.columns[c].term]
            belief = beliefs.get(term.text, Belief(state, term.text))
            rule = "required" if belief.required else "excluded" if belief.excluded else ""
            rows.append(
                {"term": term.text, "html": term.html, "rule": rule, "sign": belief.sign,
                 "odds": belief.log_odds}
            )  # fmt: skip
        self.table.rows = rows

    def _on_row(self, message: dict[str, Any]) -> None:
        belief = Belief(
            str(self.equation.value), str(message["term"]),
            required=message["rule"] == "required", excluded=message["rule"] == "excluded",
            sign=int(message["sign"]), log_odds=float(message["odds"]), source="workbench",
        )  # fmt: skip
        if not self._state.believe(belief):
            self._show_rows()

    def _show_count(self, *_: Any) -> None:
        told = [
            b for b in self._state.knowledge.beliefs
            if b.required or b.excluded or b.sign or b.log_odds
        ]  # fmt: skip
        words = (
            f"{plural(len(told), 'belief')} set." if told else "Nothing set: every term is equal."
        )
        self.count.object = f"<p class='caption'>{words}</p>"

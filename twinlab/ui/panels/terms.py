"""Section 2: which terms the right-hand sides may use."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui

from twinlab.library import LibraryReport

from ..state import WorkbenchState
from ..theme import CHOICE_SX
from ..words import escape, plural
from .components import TermChips
from .parts import html, message_pane, section

_DEGREES = {"none": 0, "1": 1, "2": 2, "3": 3, "4": 4}
_CHOICE = {"sizing_mode": "stretch_width", "margin": (6, 0, 0, 0)}
_FIELD = {"size": "small", **_CHOICE}


class TermSection(pn.viewable.Viewer):
    """Degree, families, the user's own terms, and every term with a switch."""

    def __init__(self, state: WorkbenchState) -> None:
        super().__init__()
        self._state = state
        self._setting = False
        self.degree = pmui.RadioButtonGroup(
            label="Polynomial degree", options=_DEGREES, value=2, size="small", margin=(2, 0, 0, 0)
        )
        self.interactions = pmui.Switch(
            label="Products of different states", value=True, margin=(0, 0, 0, 4),
            # Without a colour of its own the label keeps that of the theme before.
            stylesheets=[":host { color: var(--tl-text); }"],
        )  # fmt: skip
        self.hill = pmui.MultiChoice(label="Hill terms of", sx=CHOICE_SX, **_CHOICE)
        self.michaelis = pmui.MultiChoice(
            label="Michaelis–Menten terms of", sx=CHOICE_SX, **_CHOICE
        )
        self.own = pmui.TextInput(
            label="Own term, then Enter", placeholder="x*mm(y, 0.8)", **_FIELD
        )
        self.latent = pmui.TextInput(
            label="States never measured, then Enter", placeholder="gut, depot", **_FIELD
        )
        self.chips = TermChips(self._on_chip, sizing_mode="stretch_width", margin=0)
        self.count, self.collinear = html(), html()
        self._view = section(
            2, "Candidate terms", "What the right-hand sides may hold.",
            self.degree, self.interactions,
            self.hill, self.michaelis, self.own, self.latent, message_pane(state.term_message),
            self.count, self.chips, self.collinear,
        )  # fmt: skip
        self.degree.param.watch(lambda e: self._choose(degree=e.new), "value")
        self.interactions.param.watch(lambda e: self._choose(interactions=e.new), "value")
        self.hill.param.watch(lambda e: self._choose(hill=tuple(e.new)), "value")
        self.michaelis.param.watch(lambda e: self._choose(michaelis_menten=tuple(e.new)), "value")
        self.own.param.watch(self._on_own, "value")
        self.latent.param.watch(self._on_latent, "value")
        state.param.watch(self._on_library, ["offered", "library"])
        state.param.watch(self._on_report, "report")

    def __panel__(self) -> pn.Column:
        return self._view

    def _choose(self, **changes: Any) -> None:
        if not self._setting and not self._state.choose_terms(**changes):
            self._show_choice()

    def _on_own(self, event: Any) -> None:
        # On an error the text stays, so that it can be mended.
        if not self._setting and event.new and self._state.add_term(event.new):
            self._setting = True
            self.own.param.update(value="", value_input="")
            self._setting = False

    def _on_latent(self, event: Any) -> None:
        names = tuple(name.strip() for name in event.new.split(",") if name.strip())
        self._choose(latent=names)

    def _on_chip(self, message: dict[str, Any]) -> None:
        if not self._state.switch_term(str(message["text"]), bool(message["on"])):
            self._show_chips()

    def _show_choice(self) -> None:
        choice, study = self._state.choice, self._state.study
        if study is None:
            return
        self._setting = True
        names = list(study.variables)
        shown = {str(choice.degree or "none"): choice.degree}  # a file may ask for a higher one
        self.degree.param.update(options={**_DEGREES, **shown}, value=choice.degree)
        self.interactions.param.update(value=choice.interactions, disabled=choice.degree < 2)
        self.latent.value = ", ".join(choice.latent)
        self.hill.param.update(options=names, value=list(choice.hill))
        self.michaelis.param.update(options=names, value=list(choice.michaelis_menten))
        self._setting = False

    def _show_chips(self) -> None:
        offered = self._state.offered
        if offered is not None:
            self.chips.items = [
                {"text": t.text, "html": t.html, "on": t.text not in self._state.choice.off}
                for t in offered.terms
            ]

    def _on_library(self, *_: Any) -> None:
        library = self._state.library
        if library is None:
            return
        self._show_choice()
        self._show_chips()
        words = (
            f"{plural(len(library.terms), 'term')} in {plural(len(library.states), 'equation')}: "
            f"{plural(len(library.columns), 'column')}. Click a term to leave it out."
        )
        self.count.object = f"<p class='caption'>{words}</p>"
        self.collinear.object = ""
        self._state.check_library()

    def _on_report(self, event: Any) -> None:
        self.collinear.object = "" if event.new is None else _report_html(event.new)


def _report_html(report: LibraryReport) -> str:
    troubles = (report.duplicates, report.collinear, report.constant, report.undefined)
    count = sum(len(t) for t in troubles)
    if not count:
        return "<p class='caption good'>No duplicate or collinear terms.</p>"
    return (
        f"<details><summary class='caption warning'>{plural(count, 'remark')} on these terms: "
        f"duplicate, collinear or undefined</summary><pre>{escape(report.text)}</pre></details>"
    )

"""The workbench: from a file to a model with its uncertainty, for the modeler."""

from __future__ import annotations

from typing import Any

import panel as pn

from ..held_out_state import HeldOutState
from ..page import make_page, on_session_end, prepare_panel, session_schedule
from ..panels.commands import CommandBar
from ..panels.data import DataSection
from ..panels.held_out import HeldOutCard
from ..panels.knowledge import KnowledgeSection
from ..panels.parts import html
from ..panels.results import Alternatives, Equations, KeyFigures
from ..panels.settings import SettingsSection
from ..panels.terms import TermSection
from ..panels.variation import VariationCard
from ..panels.views import InclusionCard, PathCard, ResidualCard, TrajectoryCard
from ..state import WorkbenchState
from ..warm import KERNELS

_MAIN_CSS = """
:host { padding: 12px 16px 20px; gap: 12px; box-sizing: border-box; }
"""
_GRID_CSS = """
:host { display: grid !important; grid-template-columns: minmax(0, 7fr) minmax(0, 5fr); gap: 12px;
  align-items: start; }
@media (max-width: 1180px) { :host { display: flex !important; flex-direction: column;
  align-items: stretch; flex-wrap: nowrap; } }
"""
_STACK_CSS = ":host { gap: 12px; min-width: 0; flex: 0 0 auto; }"


class Workbench:
    """One session of the workbench: its state and everything that is drawn from it."""

    def __init__(self) -> None:
        prepare_panel()
        KERNELS.start()
        self.state = WorkbenchState(session_schedule())
        self.data = DataSection(self.state)
        self.terms = TermSection(self.state)
        self.knowledge = KnowledgeSection(self.state)
        self.settings = SettingsSection(self.state)
        self.commands = CommandBar(self.state)
        self.figures = KeyFigures(self.state)
        self.equations = Equations(self.state)
        self.alternatives = Alternatives(self.state)
        self.trajectories = TrajectoryCard(self.state)
        self.inclusion = InclusionCard(self.state)
        self.path = PathCard(self.state)
        self.residuals = ResidualCard(self.state, self.trajectories)
        self.variation = VariationCard(self.state)
        self.validation = HeldOutState(self.state)
        self.held_out = HeldOutCard(self.validation)
        self.page = self._make_page()
        self.data.open_first()
        on_session_end(self.state.close)
        on_session_end(self.validation.close)

    def _make_page(self) -> Any:
        def stack(*cards: Any) -> pn.Column:
            return pn.Column(
                *cards, sizing_mode="stretch_width", margin=0, stylesheets=[_STACK_CSS]
            )

        grid = pn.Column(
            stack(self.trajectories, self.variation, self.held_out, self.path),
            stack(self.equations, self.inclusion, self.alternatives, self.residuals),
            sizing_mode="stretch_width", margin=0, stylesheets=[_GRID_CSS],
        )  # fmt: skip
        main = pn.Column(
            self.commands, self.figures, grid,
            sizing_mode="stretch_width", margin=0, stylesheets=[_MAIN_CSS],
        )  # fmt: skip
        return make_page(
            "TwinLab",
            main=[main],
            sidebar=[self.data, self.terms, self.knowledge, self.settings],
            header=[header_links("Workbench", ("Clinic", "clinic"))],
            on_dark=lambda dark: self.state.later(lambda: self.recolour(dark)),
        )

    def recolour(self, dark: bool) -> None:
        """Apply a theme to every plot."""
        views = (self.trajectories, self.inclusion, self.path, self.residuals)
        for view in (*views, self.variation, self.held_out):
            view.recolour(dark)


def header_links(here: str, other: tuple[str, str]) -> pn.pane.HTML:
    """Where one is, and the way to the other page."""
    words, route = other
    return html(
        f"<nav aria-label='Pages'><b>{here}</b><a href='{route}'>{words}</a></nav>",
        stylesheets=[
            "nav { display: flex; gap: 16px; font-size: 14px; color: #FFFFFF; padding-left: 24px; }"
            "nav a { color: #BFD6E6; text-decoration: none; } nav a:hover { color: #FFFFFF; }"
        ],
    )


def workbench() -> Any:
    """The workbench page of a new session."""
    return Workbench().page

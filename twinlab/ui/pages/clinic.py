"""The clinic page: choose a data set and a subject, and see the twin."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui

from twinlab.discovery import Discovery

from ..dose_state import DoseState
from ..page import make_page, on_session_end, prepare_panel, session_schedule
from ..panels.data import summary_html
from ..panels.doses import DoseCard
from ..panels.parts import card, html, message_pane
from ..panels.views import TrajectoryCard
from ..panels.warming import WarmNotice
from ..plain import cautions, equation_words
from ..samples import samples
from ..state import WorkbenchState
from ..theme import CARD_CSS
from ..warm import KERNELS
from ..words import escape
from .workbench import header_links

_MAIN_CSS = """
:host { padding: 16px; gap: 12px; box-sizing: border-box; max-width: 1120px;
  margin: 0 auto !important; }
"""
_WORDS_CSS = """
ul { margin: 2px 0 10px; padding-left: 20px; } li { margin: 3px 0; font-size: 15px; }
.state { font-size: 15px; font-weight: 600; margin-top: 4px; }
"""


class Clinic:
    """One session of the clinic page."""

    def __init__(self) -> None:
        prepare_panel()
        KERNELS.start()
        self.state = WorkbenchState(session_schedule())
        self._files = samples()
        self._done: dict[str, Discovery] = {}
        names = list(self._files)
        self.data = pmui.Select(
            label="Data set",
            size="small",
            options=names,
            value=names[0] if names else None,
            width=280,
            margin=0,
        )
        self.make = pmui.Button(
            label="Make the twin", icon="play_arrow", color="primary", variant="contained",
            size="large", width=220, height=52, margin=0,
        )  # fmt: skip
        self.stop = pmui.Button(
            label="Stop", icon="stop", variant="outlined", size="large", height=52, margin=0,
            visible=False,
        )  # fmt: skip
        self.bar = pmui.LinearProgress(
            value=0,
            variant="determinate",
            sizing_mode="stretch_width",
            margin=(6, 0),
            visible=False,
        )
        self.summary, self.stage, self.words, self.care = html(), html(), html(), html()
        self.words.stylesheets = [*self.words.stylesheets, _WORDS_CSS]
        self.trajectories = TrajectoryCard(
            self.state, title="The twin and the measurements", plain=True
        )
        self.doses = DoseState(self.state)
        self.dose_card = DoseCard(self.state, self.doses)
        self.page = self._make_page()
        self._wire()
        self._open()
        on_session_end(self.state.close)

    def _wire(self) -> None:
        self.data.param.watch(lambda *_: self.state.later(self._open), "value")
        self.make.on_click(lambda _: self.make_twin())
        self.stop.on_click(lambda _: self.state.halt())
        self.trajectories.when_subject_changes(lambda: self.doses.choose(self.trajectories.index))
        self.doses.param.watch(lambda e: self.trajectories.show_asked(e.new), "asked")
        self.state.param.watch(lambda *_: self.doses.choose(0), "study")
        self.state.param.watch(
            lambda *_: self._show(), ["status", "stage", "fraction", "discovery"]
        )

    def _make_page(self) -> Any:
        row = pn.FlexBox(
            self.data, self.trajectories.subject, self.make, self.stop,
            align_items="center", gap="10px 14px", margin=0, sizing_mode="stretch_width",
        )  # fmt: skip
        top = pn.Column(
            row, self.summary, self.bar, self.stage, message_pane(self.state.data_message),
            message_pane(self.state.fit_message), WarmNotice(),
            sizing_mode="stretch_width", margin=0, stylesheets=[CARD_CSS],
        )  # fmt: skip
        self._told = card("What the twin says", self.words, visible=False)
        self._care = card("Before you rely on it", self.care, visible=False)
        main = pn.Column(
            top, self.trajectories, self.dose_card, self._told, self._care,
            sizing_mode="stretch_width", margin=0, stylesheets=[_MAIN_CSS],
        )  # fmt: skip
        return make_page(
            "TwinLab",
            main=[main],
            header=[header_links("Clinic", ("Workbench", "workbench"))],
            on_dark=lambda dark: self.state.later(lambda: self.trajectories.recolour(dark)),
        )

    def _open(self) -> None:
        name = self.data.value
        if name and self.state.load_path(self._files[name], name):
            self.summary.object = summary_html(self.state.study) if self.state.study else ""
        self._show()

    def make_twin(self) -> None:
        """Show the fit of this data set: the one at hand, or a new one with default settings."""
        ready = self._done.get(str(self.data.value))
        if ready is not None:
            self.state.adopt(ready)
        else:
            self.state.fit()

    def _show(self) -> None:
        state = self.state
        running = state.status == "running"
        d = state.discovery
        if state.status == "done" and d is not None:
            self._done[str(self.data.value)] = d
        self.make.disabled = not state.can_fit
        self.stop.visible = self.bar.visible = running
        self.bar.value = round(100 * state.fraction)
        words = state.stage if state.status != "ready" else "Press “Make the twin”."
        self.stage.object = f"<p role='status' aria-live='polite'>{escape(words)}</p>"
        self._told.visible = self._care.visible = d is not None
        if d is not None:
            self.words.object = _sentences(d)
            self.care.object = "".join(
                f"<div class='note warning'><p>{escape(text)}</p></div>" for text in cautions(d)
            )


def _sentences(discovery: Discovery) -> str:
    count = len(discovery.study.trajectories)
    shared = f"The same equations describe all {count} courses of this data set."
    out = [f"<p class='caption'>{shared}</p>"] if count > 1 else []
    for state, sentences in equation_words(discovery):
        items = "".join(
            f"<li>{escape(sentence)}"
            + (f" <span class='caption'>{escape(figure)}</span>" if figure else "")
            + "</li>"
            for sentence, figure in sentences
        )
        out.append(f"<p class='state'>{escape(state)}</p><ul>{items}</ul>")
    return "".join(out)


def clinic() -> Any:
    """The clinic page of a new session."""
    return Clinic().page

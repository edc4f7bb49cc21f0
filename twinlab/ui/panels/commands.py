"""The command bar: Fit, Stop, progress, what is being done, and the report."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import panel as pn
import panel_material_ui as pmui

from twinlab.report import report_html

from ..state import WorkbenchState
from ..theme import CARD_CSS
from ..words import escape
from .parts import html, message_pane
from .warming import WarmNotice


class CommandBar(pn.viewable.Viewer):
    """Buttons and progress of one session."""

    def __init__(self, state: WorkbenchState) -> None:
        super().__init__()
        self._state = state
        self.fit = pmui.Button(
            label="Fit",
            icon="play_arrow",
            color="primary",
            variant="contained",
            margin=0,
            width=116,
        )
        self.stop = pmui.Button(
            label="Stop", icon="stop", color="primary", variant="outlined", margin=0, width=96,
            disabled=True,
        )  # fmt: skip
        self.bar = pmui.LinearProgress(value=0, width=180, margin=(0, 4), variant="determinate")
        self.stage = html("", sizing_mode=None, styles={"flex": "1 1 220px"})
        self.export = pmui.FileDownload(
            callback=self._report, filename="twinlab_report.html", auto=True, embed=False,
            label="Export report", variant="outlined", color="primary", margin=0, width=164,
            disabled=True,
        )  # fmt: skip
        row = pn.FlexBox(
            self.fit, self.stop, self.bar, self.stage, self.export,
            align_items="center", sizing_mode="stretch_width", margin=0, gap="6px 12px",
        )  # fmt: skip
        self._view = pn.Column(
            row, WarmNotice(), message_pane(state.fit_message),
            sizing_mode="stretch_width", margin=0,
            stylesheets=[CARD_CSS, ":host { padding: 8px 12px; }"],
        )  # fmt: skip
        self.fit.on_click(lambda _: state.fit())
        self.stop.on_click(lambda _: state.halt())
        state.param.watch(
            self._show, ["status", "stage", "fraction", "stale", "library", "discovery"]
        )
        self._show()

    def __panel__(self) -> pn.Column:
        return self._view

    async def _report(self) -> io.StringIO | None:
        """Write the report in a thread: half a second of drawing must not stop the page."""
        if self._state.discovery is None:
            return None
        return io.StringIO(await asyncio.to_thread(report_html, self._state.discovery))

    def _words(self) -> str:
        state = self._state
        if state.status == "running" and state.fitted is not None:
            return f"{state.stage} · showing the previous fit until it is done"
        if state.stale and state.status not in ("running", "cancelled", "failed"):
            return "Showing the previous fit: data, terms or settings have changed. Press Fit."
        return state.stage or "Choose data to begin."

    def _show(self, *_: Any) -> None:
        state = self._state
        running = state.status == "running"
        level = {"failed": "error", "cancelled": "warning"}.get(state.status, "")
        if state.stale and not running:
            level = level or "warning"
        self.fit.disabled = not state.can_fit
        self.stop.disabled = not running
        self.export.disabled = running or state.discovery is None
        self.bar.value = round(100 * state.fraction)
        self.stage.object = (
            f"<p class='{level}' role='status' aria-live='polite'>{escape(self._words())}</p>"
        )

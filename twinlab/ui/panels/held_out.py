"""The card of the validation: what to leave out, the verdict, measured against predicted."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import panel as pn
import panel_material_ui as pmui

from twinlab.report import validation_html

from ..held_out_state import FOLDS, LEAVE, HeldOutState
from ..plots.base import paint
from ..tokens import palette
from ..words import escape
from .parts import card, html, message_pane

_CAPTION = (
    "Predict what the model has not seen: every fold leaves something out, discovers again and "
    "predicts it."
)
_DRAWN = (
    "Measured against predicted; dashed: equal. Bars hold 50 % and 90 % of the measurements "
    "predicted; a filled point lies outside its 90 %."
)
_FIELD = {"size": "small", "margin": 0}


class HeldOutCard(pn.viewable.Viewer):
    """Leaves out subjects, conditions or ends, and shows how well they were predicted."""

    def __init__(self, state: HeldOutState) -> None:
        super().__init__()
        self._state = state
        self._dark = pn.config.theme == "dark"
        self.leave = pmui.Select(
            label="Leave out", options=LEAVE, value=state.leave, width=170, **_FIELD
        )
        self.folds = pmui.Select(
            label="Folds", options=FOLDS, value=state.folds, width=120, **_FIELD
        )
        self.given = pmui.IntInput(
            label="First times given", value=state.given, start=0, end=20, width=130, **_FIELD
        )
        self.run = pmui.Button(
            label="Predict", icon="play_arrow", color="primary", variant="outlined", margin=0,
            width=116, disabled=True,
        )  # fmt: skip
        self.stop = pmui.Button(
            label="Stop predicting", icon="stop", color="primary", variant="outlined", margin=0,
            width=170, disabled=True,
        )  # fmt: skip
        self.export = pmui.FileDownload(
            callback=self._page, filename="twinlab_validation.html", auto=True, embed=False,
            label="Export", variant="outlined", color="primary", margin=0, width=110,
            disabled=True,
        )  # fmt: skip
        self.bar = pmui.LinearProgress(value=0, width=110, margin=(0, 4), variant="determinate")
        self.stage = html("", sizing_mode=None, styles={"flex": "1 1 80px"})
        self.variable = pmui.Select(label="Variable", width=190, visible=False, **_FIELD)
        self.verdict, self.drawn = html(), html()
        self.figure = pn.pane.Bokeh(sizing_mode="stretch_width", margin=0, visible=False)
        row = {"align_items": "center", "sizing_mode": "stretch_width", "gap": "8px 12px"}
        self._view = card(
            "Held-out prediction",
            pn.FlexBox(self.leave, self.folds, self.given, margin=(8, 0, 0, 0), **row),
            pn.FlexBox(
                self.run, self.stop, self.export, self.bar, self.stage, margin=(8, 0, 4, 0), **row
            ),
            message_pane(state.message), self.verdict, self.variable, self.figure, self.drawn,
            caption=html(f"<p class='caption'>{_CAPTION}</p>"),
        )  # fmt: skip
        self.run.on_click(lambda _: state.run())
        self.stop.on_click(lambda _: state.halt())
        self.leave.param.watch(lambda e: state.param.update(leave=e.new), "value")
        self.folds.param.watch(lambda e: state.param.update(folds=e.new), "value")
        self.given.param.watch(self._on_given, "value")
        self.variable.param.watch(self._draw, "value")
        state.param.watch(self._show, ["status", "stage", "fraction", "stale", "leave"])
        state.param.watch(self._show_result, "shown")
        self._show()

    def __panel__(self) -> pn.Column:
        return self._view

    def _on_given(self, event: Any) -> None:
        if event.new is not None:
            self._state.given = int(event.new)

    def _show(self, *_: Any) -> None:
        state = self._state
        running = state.status == "running"
        self.leave.value = state.leave
        self.run.disabled, self.stop.disabled = not state.can_run, not running
        self.export.disabled = running or state.shown is None
        self.folds.disabled = self.given.disabled = state.leave == "end"
        self.bar.value = round(100 * state.fraction)
        words, level = (
            state.stage,
            {"failed": "error", "cancelled": "warning"}.get(state.status, ""),
        )
        if state.stale and not running:
            words = "Of other data, terms or settings: press Predict."
            level = "warning"
        self.stage.object = f"<p class='{level}' role='status'>{escape(words)}</p>"

    def _show_result(self, *_: Any) -> None:
        shown = self._state.shown
        if shown is None:
            self.verdict.object = self.drawn.object = ""
            self.variable.visible = False
            self.figure.param.update(object=None, visible=False)
        else:
            first, *others = shown.sentences
            notes = "".join(f"<p class='note warning'>{escape(words)}</p>" for words in others)
            self.verdict.object = f"<p>{escape(first)}</p>{notes}"
            names = list(shown.figures)
            kept = self.variable.value if self.variable.value in names else (names or [None])[0]
            self.variable.param.update(options=names, value=kept, visible=len(names) > 1)
            self._draw()
        self._show()

    def _draw(self, *_: Any) -> None:
        shown = self._state.shown
        plot = shown.figures.get(self.variable.value) if shown is not None else None
        if plot is not None:
            self._paint(plot)
        self.figure.param.update(object=plot, visible=plot is not None)
        self.drawn.object = f"<p class='caption'>{_DRAWN}</p>" if plot is not None else ""

    def _paint(self, plot: Any) -> None:
        colours = palette(self._dark)
        plot.update(background_fill_alpha=0, border_fill_alpha=0, outline_line_color=None)
        paint(plot, colours)
        for legend in plot.legend:
            legend.update(label_text_color=colours.text, background_fill_alpha=0)

    async def _page(self) -> io.StringIO | None:
        """Write the page in a thread: seconds of drawing must not stop the session."""
        shown = self._state.shown
        if shown is None:
            return None
        return io.StringIO(await asyncio.to_thread(validation_html, shown.validation))

    def recolour(self, dark: bool) -> None:
        """Apply a theme."""
        self._dark = dark
        shown = self._state.shown
        for plot in shown.figures.values() if shown is not None else ():
            self._paint(plot)

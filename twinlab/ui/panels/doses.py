"""What if the doses were different: a factor or a regimen, and the twin's answer in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmui

from twinlab.study import Dose

from ..dose_state import DoseState
from ..fit_state import FitState
from ..plain import asked_words
from ..words import escape
from .parts import card, html, message_pane

_MODES = {"More or less of the same": "factor", "Another regimen": "regimen"}
_FIELD = {"size": "small", "margin": 0, "width": 130}
_WORDS_CSS = "p { font-size: 15px; margin: 4px 0; }"


class DoseCard(pn.viewable.Viewer):
    """Asks the twin about other doses of the chosen subject."""

    def __init__(self, fit: FitState, state: DoseState) -> None:
        super().__init__()
        self._fit, self._state = fit, state
        self._setting = False
        self.mode = pmui.RadioButtonGroup(options=_MODES, value="factor", size="small", margin=0)
        self.factor = pmui.FloatSlider(
            label="Times the doses that were given", start=0, end=3, step=0.1, value=1.0,
            format="0.0", margin=(4, 8), sizing_mode="stretch_width", max_width=460,
        )  # fmt: skip
        self.amount = pmui.FloatInput(label="Amount", value=0.0, start=0, **_FIELD)
        self.time = pmui.FloatInput(label="First at", value=0.0, **_FIELD)
        self.interval = pmui.FloatInput(label="Interval", value=1.0, start=0, **_FIELD)
        self.number = pmui.IntInput(label="Number of doses", value=1, start=1, **_FIELD)
        self.show = pmui.Button(
            label="Predict", icon="play_arrow", color="primary", variant="outlined", margin=0
        )
        self.back = pmui.Button(
            label="Back to the doses given", size="small", variant="text", margin=0, visible=False
        )
        self.words = html(stylesheets=[_WORDS_CSS])
        self.beyond = html()
        self._regimen = pn.FlexBox(
            self.amount, self.time, self.interval, self.number, self.show,
            align_items="center", gap="10px 12px", margin=(8, 0), sizing_mode="stretch_width",
            visible=False,
        )  # fmt: skip
        self._view = card(
            "What if the doses were different?",
            pn.FlexBox(self.mode, self.back, align_items="center", gap="6px 14px", margin=(4, 0)),
            self.factor, self._regimen, message_pane(state.message), self.words, self.beyond,
            visible=False,
        )  # fmt: skip
        self._wire()

    def __panel__(self) -> pn.Column:
        return self._view

    def _wire(self) -> None:
        state = self._state
        self.mode.param.watch(lambda _: self._on_mode(), "value")
        self.factor.param.watch(lambda e: self._on_factor(state.move, e.new), "value")
        self.factor.param.watch(lambda e: self._on_factor(state.settle, e.new), "value_throttled")
        self.show.on_click(lambda _: self._ask())
        self.back.on_click(lambda _: state.reset())
        state.param.watch(lambda *_: self._show_answer(), ["asked", "question"])
        state.param.watch(lambda *_: self._offer(), "index")
        self._fit.param.watch(lambda *_: self._offer(), ["discovery", "stale"])

    def _on_mode(self) -> None:
        regimen = self.mode.value == "regimen"
        self._regimen.visible, self.factor.visible = regimen, not regimen
        self._state.reset()

    def _on_factor(self, ask: Any, factor: float) -> None:
        if not self._setting:
            ask(round(float(factor), 6))

    def _ask(self) -> None:
        values = (self.amount.value, self.time.value, self.interval.value, self.number.value)
        if any(value is None for value in values):
            self._state.message.say("Fill in every field.", "error")
            return
        amount, time, interval, number = values
        self._state.ask_regimen(float(amount), float(time), float(interval), int(number))

    def _offer(self) -> None:
        """Show the card where the model follows doses, with the subject's own to start from."""
        state, usual = self._state, self._state.usual
        if not state.available or usual is None:
            self._view.visible = False
            return
        unit, own = self._fit.discovery.study.time_unit, state.own
        self.factor.disabled = not own
        self.amount.param.update(value=usual.amount, label=_labelled("Amount", usual.unit))
        self.time.param.update(value=usual.time, label=_labelled("First at", unit))
        gap = _gap(own, float(np.ptp(self._fit.discovery.bands[state.index].time)))
        self.interval.param.update(value=gap, label=_labelled("Interval", unit))
        self.number.value = max(1, len(own))
        if not own and self.mode.value == "factor":
            self.mode.value = "regimen"
        self._view.visible = True
        self._show_answer()

    def _show_answer(self) -> None:
        state, d = self._state, self._fit.discovery
        asked = state.asked
        self.back.visible = asked is not None
        if asked is None or d is None:
            self._setting = True
            self.factor.value = state.factor
            self._setting = False
            self.words.object = "<p class='caption'>The curve above is that of the doses given.</p>"
            self.beyond.object = ""
            return
        said = asked_words(d, state.index, asked, state.question)
        self.words.object = "".join(f"<p role='status'>{escape(text)}</p>" for text in said)
        self.beyond.object = (
            f"<div class='note warning'><p class='warning'>Beyond the data. "
            f"{escape(asked.beyond)} The prediction extrapolates.</p></div>"
            if asked.beyond
            else ""
        )


def _labelled(words: str, unit: str) -> str:
    return f"{words} ({unit})" if unit else words


def _gap(doses: tuple[Dose, ...], span: float) -> float:
    """Usual interval of some doses; a quarter of the time shown where there is none."""
    times = np.unique([d.time for d in doses])
    return float(f"{np.median(np.diff(times)) if times.size > 1 else span / 4:.3g}")

"""Section 4: sliders that answer at once, and settings of the next fit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import panel as pn
import panel_material_ui as pmui

from twinlab.discovery import NOISE_WORDS
from twinlab.report.content import noise_rows

from ..state import WorkbenchState
from .parts import html, section

if TYPE_CHECKING:
    from twinlab.discovery import Discovery

_NOISE = {"Chosen by evidence": "auto", **{words: name for name, words in NOISE_WORDS.items()}}
_VARY = {
    "Decided by the data": "auto", "Condition": "condition", "Subject": "subject",
    "Nothing": "nothing",
}  # fmt: skip
_FIELD = {"size": "small", "sizing_mode": "stretch_width", "margin": (6, 0, 0, 0)}
_SLIDER = {"size": "small", "sizing_mode": "stretch_width", "margin": (4, 8, 0, 4)}
SLAB_WIDTHS = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 50.0, 100.0)


def noise_html(discovery: Discovery | None) -> str:
    """What the last fit took for noise, and by how much log evidence the others lose."""
    rows = noise_rows(discovery) if discovery is not None else []
    if not rows:
        return ""
    others = [f"{row.words} {row.gap_text}" for row in rows if not row.used]
    used = next((row.words for row in rows if row.used), "")
    text = f"Last fit: {used}. Log evidence relative to the best: {'; '.join(others)}."
    return f"<p class='caption'>{text}</p>"


class SettingsSection(pn.viewable.Viewer):
    """Prior odds, slab width, threshold and path answer at once; the rest waits for Fit."""

    def __init__(self, state: WorkbenchState) -> None:
        super().__init__()
        self._state = state
        self._setting = False
        self.prior = pmui.FloatSlider(
            label="Prior log-odds of a term", start=-6, end=6, step=0.25, value=0.0,
            format="+0.00", description="To the left: fewer terms. To the right: more.", **_SLIDER,
        )  # fmt: skip
        self.slab = pmui.DiscreteSlider(
            label="Slab width (prior sd of a coefficient)", options=list(SLAB_WIDTHS),
            value=state.settings.slab_width, **_SLIDER,
        )  # fmt: skip
        self.threshold = pmui.FloatSlider(
            label="Inclusion threshold", start=0.05, end=0.95, step=0.05, value=state.threshold,
            **_SLIDER,
        )  # fmt: skip
        self.path = pmui.IntSlider(
            label="Coefficient path, penalty", start=0, end=1, value=0,
            disabled=True, value_label="–", **_SLIDER,
        )  # fmt: skip
        self.noise = pmui.Select(label="Noise model", options=_NOISE, value="auto", **_FIELD)
        self.noise_note = html("")
        self.vary = pmui.Select(
            label="Coefficients may vary by", options=_VARY, value="auto",
            description="One structure for all; coefficients that differ are found and named.",
            **_FIELD,
        )  # fmt: skip
        self.starts = pmui.RadioButtonGroup(options=[1, 2, 3], value=3, size="small", margin=0)
        self.seed = pmui.IntInput(label="Seed", value=0, start=0, width=120, size="small", margin=0)
        self.horizon = pmui.TextInput(
            label="Simulate to time", placeholder="end of the data", **_FIELD
        )
        self._view = section(
            4, "Fit settings", "Sliders answer at once; the rest takes effect at the next fit.",
            self.prior, self.slab, self.threshold, self.path, self.noise, self.noise_note,
            self.vary,
            html("<p class='caption'>Independent starts</p>"), self.starts, self.horizon, self.seed,
        )  # fmt: skip
        self._wire()

    def _wire(self) -> None:
        # `value` previews; `value_throttled` makes sure of the last move.
        moves = ((self.prior, self._on_prior), (self.slab, self._on_slab),
                 (self.threshold, self._on_threshold), (self.path, self._on_path))  # fmt: skip
        for slider, handler in moves:
            slider.param.watch(handler, "value")
            slider.param.watch(handler, "value_throttled")
        self.noise.param.watch(lambda e: self._state.set_fit(noise=e.new), "value")
        self.vary.param.watch(lambda e: self._state.set_fit(vary=e.new), "value")
        self.starts.param.watch(lambda e: self._state.set_fit(starts=e.new), "value")
        self.seed.param.watch(lambda e: self._state.set_seed(e.new), "value")
        self.horizon.param.watch(self._on_horizon, "value")
        self._state.param.watch(self._on_settings, "settings")
        self._state.param.watch(self._on_fitted, "fitted")
        self._state.param.watch(self._on_penalty, "penalty")

    def __panel__(self) -> pn.Column:
        return self._view

    def _on_prior(self, event: Any) -> None:
        if event.new is not None and event.new != self._state.prior_log_odds:
            self._state.move_prior(float(event.new))

    def _on_slab(self, event: Any) -> None:
        if event.new is not None and event.new != self._state.settings.slab_width:
            self._state.move_slab(float(event.new))

    def _on_threshold(self, event: Any) -> None:
        if event.new is not None and event.new != self._state.threshold:
            self._state.move_threshold(float(event.new))

    def _on_path(self, event: Any) -> None:
        if not self._setting and event.new is not None and event.new != self._state.penalty:
            self._state.move_path(int(event.new))

    def _typed_horizon(self) -> float | None:
        text = (self.horizon.value or "").strip()
        try:
            return float(text) if text else None
        except ValueError:
            return math.nan

    def _on_horizon(self, _: Any) -> None:
        value = self._typed_horizon()
        wrong = value is not None and not (math.isfinite(value) and value > 0)
        self.horizon.error_state = wrong
        if not wrong:
            self._state.set_fit(horizon=value)

    def _on_settings(self, event: Any) -> None:
        """Show what a configuration file has set."""
        self.noise.value, self.vary.value = event.new.noise, event.new.vary
        horizon = event.new.horizon
        if horizon != event.old.horizon and horizon != self._typed_horizon():
            self.horizon.value = "" if horizon is None else f"{horizon:g}"

    def _on_fitted(self, event: Any) -> None:
        self._setting = True
        self.noise_note.object = noise_html(event.new)
        if event.new is None:
            self.path.param.update(disabled=True, value=0, value_label="–")
        else:
            last = len(event.new.path.penalty) - 1
            sizes = np.count_nonzero(event.new.path.coefficients, axis=1)
            wanted = len(event.new.best.columns)
            start = int(np.argmin(np.abs(sizes - wanted)))
            words = f"{event.new.path.penalty[start]:.2g}"
            self.path.param.update(disabled=False, end=last, value=start, value_label=words)
        self._setting = False

    def _on_penalty(self, event: Any) -> None:
        fitted = self._state.fitted
        if event.new is not None and fitted is not None:
            self.path.value_label = f"{fitted.path.penalty[event.new]:.2g}"
        if event.new is not None and event.new != self.path.value:
            self._setting = True
            self.path.value = event.new
            self._setting = False

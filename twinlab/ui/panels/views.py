"""The cards that hold the plots: they follow the state and own no data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui

from twinlab.twin import Asked

from ..plots import InclusionPlot, PathPlot, ResidualPlot, TrajectoryPlot, preview_figures
from ..state import WorkbenchState
from ..tokens import palette
from ..words import escape, number, plural
from .parts import card, html

_BANDS = {"Credible band": False, "Predictive band": True}
_PAIRS_CSS = """
:host { display: grid !important; gap: 8px;
  grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); }
"""
_VIEWS = {"Trajectories": False, "Raw data": True}


def time_label(state: WorkbenchState) -> str:
    """Label of a time axis."""
    unit = state.study.time_unit if state.study is not None else ""
    return f"Time ({unit})" if unit else "Time"


def _reveal(pane: pn.pane.Bokeh, figure: Any, wanted: bool) -> None:
    """Show a figure once there is something in it: a page opens faster without empty ones."""
    if wanted and pane.object is not figure:
        pane.object = figure
    pane.visible = wanted


class TrajectoryCard(pn.viewable.Viewer):
    """Trajectories of one subject with bands, and the raw data of all subjects beside it.

    A `plain` card has neither tabs nor a choice of bands, and leaves the placing of its subject
    selector to the page.
    """

    def __init__(
        self, state: WorkbenchState, *, title: str = "Trajectories and data", plain: bool = False
    ) -> None:
        super().__init__()
        self._state, self._plain = state, plain
        self._dark = pn.config.theme == "dark"
        self._drawn: tuple[Any, ...] = ()
        self._setting = self._asked = False
        self._listeners: list[Callable[[], None]] = []
        self.plot: TrajectoryPlot | None = None
        self.subject = pmui.Select(
            label="Subject", size="small", width=190, margin=0, visible=False
        )
        self.view = pmui.RadioButtonGroup(options=_VIEWS, value=False, size="small", margin=0)
        self.band = pmui.RadioButtonGroup(options=_BANDS, value=False, size="small", margin=0)
        self.back = pmui.Button(
            label="Back to the best model", size="small", variant="text", margin=0, visible=False
        )
        self.caption = html()
        self.figure = pn.Column(sizing_mode="stretch_width", margin=0)
        self.raw = pn.Column(sizing_mode="stretch_width", margin=0, visible=False)
        self._view = card(title, self._controls(), self.caption, self.figure, self.raw)
        self.subject.param.watch(self._on_subject, "value")
        self.band.param.watch(lambda *_: self._show_fit(), "value")
        self.back.on_click(lambda _: state.show_best())
        self.view.param.watch(lambda *_: state.later(self._show_raw), "value")
        state.param.watch(self._on_study, "study")
        state.param.watch(lambda *_: self._on_latent(), ["library", "discovery"])
        state.param.watch(lambda *_: self._show_fit(), ["discovery", "stale"])
        state.param.watch(lambda *_: self._show_overlay(), ["chosen", "chosen_words", "progress"])

    def __panel__(self) -> pn.Column:
        return self._view

    def _controls(self) -> pn.FlexBox:
        if self._plain:
            return pn.FlexBox(self.back, margin=0)
        return pn.FlexBox(
            self.view, self.subject, self.band, self.back,
            align_items="center", gap="6px 14px", margin=(4, 0, 2, 0), sizing_mode="stretch_width",
        )  # fmt: skip

    @property
    def index(self) -> int:
        """Index of the chosen trajectory in the study that is modelled."""
        labels = self._state.study.labels if self._state.study is not None else ()
        return labels.index(self.subject.value) if self.subject.value in labels else 0

    def when_subject_changes(self, listener: Callable[[], None]) -> None:
        """Call `listener` after another subject has been chosen."""
        self._listeners.append(listener)

    def _on_study(self, *_: Any) -> None:
        study = self._state.study
        if study is None:
            return
        # Names, not numbers: the same number would keep the name of the data before on the screen.
        options = list(study.labels)
        self._setting = True
        self.subject.param.update(options=options, value=options[0], visible=len(options) > 1)
        self._setting = False
        self._build()
        self._show_subject()
        if self.view.value:
            self._show_raw()

    def _build(self) -> None:
        """A figure for the states of the study and the latent ones; kept while they stay."""
        study, latent = self._state.study, self._latent
        if study is None:
            return
        drawn = (study.variables, tuple(study.units.items()), study.time_unit, latent)
        if drawn == self._drawn and self.plot is not None:
            self.plot.clear_fit()
            return
        self._drawn = drawn
        count = len(study.variables) + len(latent)
        height = 400 if count == 1 else max(460, 150 * count)
        self.plot = TrajectoryPlot(
            study.variables,
            study.units,
            time_label(self._state),
            palette(self._dark),
            height=height,
            latent=latent,
        )
        self.figure.objects = [
            pn.pane.Bokeh(figure, sizing_mode="stretch_width", margin=0)
            for figure in self.plot.figures
        ]

    @property
    def _latent(self) -> tuple[str, ...]:
        """Latent states of the result shown, else of what is allowed."""
        found = self._state.discovery
        library = found.library if found is not None else self._state.library
        return library.latent if library is not None else ()

    def _on_latent(self) -> None:
        """Another figure where there are other latent states."""
        if self.plot is not None and self.plot.latent != self._latent:
            self._build()
            self._show_subject()

    def _on_subject(self, *_: Any) -> None:
        if self._setting:
            return
        self._show_subject()
        for listener in self._listeners:
            listener()

    def _show_subject(self) -> None:
        study = self._state.study
        if self.plot is None or study is None or self.index >= len(study.trajectories):
            return
        self._state.shown = self.index
        self.plot.show_data(study.trajectories[self.index], range(len(study.variables)))
        self._show_fit()

    def _show_fit(self) -> None:
        d = self._state.discovery
        if self.plot is None:
            return
        if d is None or self.index >= len(d.bands):
            self.plot.clear_fit()
        else:
            self.plot.show_fit(d.bands[self.index], predictive=bool(self.band.value))
            self.plot.fade(self._state.stale)
        self._show_overlay()

    def _show_overlay(self) -> None:
        """A running fit's stage, or the chosen model, as a dashed line."""
        state, plot = self._state, self.plot
        if plot is None:
            return
        snapshot = state.progress.snapshot if state.progress is not None else None
        if snapshot is not None and self.index < len(snapshot.trajectories):
            plot.show_overlay(snapshot.times[self.index], snapshot.trajectories[self.index])
        elif state.chosen is not None and state.discovery is not None:
            band = state.discovery.bands[self.index]
            plot.show_overlay(band.time, state.chosen.trajectories[self.index])
        else:
            plot.clear_overlay()
        self.back.visible = state.chosen is not None
        self.caption.object = f"<p class='caption'>{self._words()}</p>"

    def _words(self) -> str:
        state = self._state
        if state.progress is not None and state.progress.snapshot is not None:
            chi2 = number(state.progress.snapshot.chi2_per_point)
            return f"Dashed: the stage the fit has reached, χ² per point {chi2}."
        dosed = state.study is not None and any(t.doses for t in state.study.trajectories)
        marks = " Dotted upright lines: doses." if dosed else ""
        if state.discovery is None:
            return f"Measured values.{marks} Press Fit to find the equations behind them."
        kind = "predictive bands (with measurement noise)" if self.band.value else "credible bands"
        words = f"Line: best model. Shaded: 50 % and 90 % {kind}.{marks}"
        if self._asked:
            words += " Dashed, in grey: under the doses asked about, with its 90 % credible band."
        if state.chosen is not None:
            words += f" Dashed: {escape(state.chosen_words.lower())}."
        failed = state.discovery.bands[self.index].n_failed
        if failed:
            words += f" {plural(failed, 'posterior draw')} left out: the simulation diverged."
        return words

    def show_asked(self, asked: Asked | None) -> None:
        """Draw the trajectory under doses that were asked about, or take it away."""
        study = self._state.study
        if self.plot is None or study is None or self.index >= len(study.trajectories):
            return
        if asked is None:
            self.plot.clear_asked()
            self.plot.doses.show(study.trajectories[self.index].doses)
        else:
            self.plot.show_asked(asked.simulation)
            self.plot.doses.show(asked.doses)
        self._asked = asked is not None
        self._show_overlay()

    def _show_raw(self) -> None:
        """Switch between the fitted trajectories and the raw data of every subject."""
        raw, study = bool(self.view.value), self._state.study
        self.figure.visible = self.caption.visible = not raw
        self.band.visible = not raw
        self.subject.visible = not raw and len(self.subject.options) > 1
        self.raw.visible = raw
        if raw and study is not None:
            words = html(
                "<p class='caption'>Drag a box in one plot to mark those samples in all.</p>"
            )
            figures = [
                pn.pane.Bokeh(figure, sizing_mode="stretch_width", margin=0)
                for figure in preview_figures(study, palette(self._dark))
            ]
            grid = pn.Column(
                *figures, sizing_mode="stretch_width", margin=0, stylesheets=[_PAIRS_CSS]
            )
            self.raw.objects = [words, grid]
        else:
            self.raw.objects = []

    def recolour(self, dark: bool) -> None:
        """Apply a theme."""
        self._dark = dark
        if self.plot is not None:
            self.plot.recolour(palette(dark))
        if self.view.value:
            self._show_raw()


class InclusionCard(pn.viewable.Viewer):
    """Inclusion probabilities, or why they are withheld."""

    def __init__(self, state: WorkbenchState) -> None:
        super().__init__()
        self._state = state
        self.plot = InclusionPlot(palette(pn.config.theme == "dark"))
        self.caption = html()
        self.figure = pn.pane.Bokeh(sizing_mode="stretch_width", margin=0, visible=False)
        self._view = card("Inclusion probability", self.figure, caption=self.caption)
        state.param.watch(lambda *_: self._show(), "discovery")
        state.param.watch(lambda e: self.plot.move_threshold(e.new), "threshold")
        self._show()

    def __panel__(self) -> pn.Column:
        return self._view

    def _show(self) -> None:
        d = self._state.discovery
        _reveal(self.figure, self.plot.figure, d is not None)
        if d is None:
            self.plot.clear()
            words = "How probable it is that a term is in an equation, given the data."
        else:
            shown = range(min(len(d.library.states), 4))
            self.plot.show(d.library, list(shown), d.inclusion, self._state.threshold)
            words = "Dashed: the threshold."
            if self.plot.hidden_terms:
                words += f" {plural(self.plot.hidden_terms, 'less probable term')} not drawn."
            if self._state.withheld:
                self.plot.clear(keep_rows=True)
                words = escape(self._state.withheld)
        level = "warning" if self._state.withheld else ""
        self.caption.object = f"<p class='caption {level}'>{words}</p>"

    def recolour(self, dark: bool) -> None:
        """Apply a theme."""
        self.plot.recolour(palette(dark))


class PathCard(pn.viewable.Viewer):
    """The coefficient path with the marker of its slider."""

    def __init__(self, state: WorkbenchState) -> None:
        super().__init__()
        self._state = state
        self.plot = PathPlot(palette(pn.config.theme == "dark"))
        self.caption = html(
            "<p class='caption'>What an elastic net would keep as its penalty weakens: "
            "a picture of the library, not the selector. Heavy lines: the best model.</p>"
        )
        self.figure = pn.pane.Bokeh(sizing_mode="stretch_width", margin=0, visible=False)
        self._view = card("Coefficient path", self.figure, caption=self.caption)
        state.param.watch(lambda *_: self._show(), "fitted")
        state.param.watch(lambda *_: self._mark(), "penalty")
        self._show()

    def __panel__(self) -> pn.Column:
        return self._view

    def _show(self) -> None:
        d = self._state.fitted
        _reveal(self.figure, self.plot.figure, d is not None)
        if d is None:
            self.plot.clear()
        else:
            self.plot.show(d)
            self._mark()

    def _mark(self) -> None:
        d, index = self._state.fitted, self._state.penalty
        self.plot.move_marker(None if d is None or index is None else float(d.path.penalty[index]))

    def recolour(self, dark: bool) -> None:
        """Apply a theme."""
        self.plot.recolour(palette(dark))


class ResidualCard(pn.viewable.Viewer):
    """Residuals of the best model, linked to the subject of the trajectories."""

    def __init__(self, state: WorkbenchState, trajectories: TrajectoryCard) -> None:
        super().__init__()
        self._state, self._trajectories = state, trajectories
        self._dark = pn.config.theme == "dark"
        self.plot: ResidualPlot | None = None
        self.caption = html()
        self.figure = pn.pane.Bokeh(sizing_mode="stretch_width", margin=0, visible=False)
        self._view = card("Residuals", self.figure, caption=self.caption)
        state.param.watch(lambda *_: self._build(), "study")
        state.param.watch(lambda *_: self._show(), "discovery")
        trajectories.when_subject_changes(self._show)
        self._show()

    def __panel__(self) -> pn.Column:
        return self._view

    def _build(self) -> None:
        study = self._state.study
        if study is not None:
            self.plot = ResidualPlot(study.variables, time_label(self._state), palette(self._dark))
            self.figure.object = None
        self._show()

    def _show(self) -> None:
        d = self._state.discovery
        if self.plot is not None:
            _reveal(self.figure, self.plot.figure, d is not None)
        if self.plot is None or d is None:
            words = "What the fit leaves over; structure here means that something is missing."
            if self.plot is not None:
                self.plot.clear()
        else:
            self.plot.show(d, d.study.labels, self._trajectories.index)
            others = " Faint: the other subjects." if len(d.study.trajectories) > 1 else ""
            words = f"In noise standard deviations; shaded: ±2.{others}"
        self.caption.object = f"<p class='caption'>{words}</p>"

    def recolour(self, dark: bool) -> None:
        """Apply a theme."""
        self._dark = dark
        if self.plot is not None:
            self.plot.recolour(palette(dark))

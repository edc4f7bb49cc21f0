"""Section 1: which data, what was read, which part of it is modelled."""

from __future__ import annotations

from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmui

from twinlab.study import Study

from ..samples import samples
from ..state import AS_GIVEN, LEFT_OUT, WorkbenchState, is_configuration
from ..theme import CHOICE_SX
from ..words import escape, number, plural
from .parts import html, message_pane, section

MAX_UPLOAD = 64 * 2**20
_SHOWN_NOTES = 2


def summary_html(study: Study) -> str:
    """What was read, in one line, and the reader's notes below it."""
    times = np.concatenate([t.time for t in study.trajectories])
    total = sum(t.value.size for t in study.trajectories)
    missing = total - sum(int(np.isfinite(t.value).sum()) for t in study.trajectories)
    span = f"{number(float(times.min()))} to {number(float(times.max()))}"
    parts = [
        plural(len(study.subjects), "subject"),
        plural(len(study.variables), "variable"),
        plural(study.n_points, "value"),
        f"time {span} {study.time_unit}".strip(),
        f"{missing} missing" if missing else "none missing",
    ]
    doses = sum(len(t.doses) for t in study.trajectories)
    if doses:
        parts.insert(3, plural(doses, "dose"))
    line = f"<p class='caption'>{escape(' · '.join(parts))}</p>"
    notes = [
        f"<p class='caption {'warning' if n.level == 'warning' else ''}'>{escape(n.text)}</p>"
        for n in sorted(study.notes, key=lambda n: n.level != "warning")
    ]
    shown, hidden = notes[:_SHOWN_NOTES], notes[_SHOWN_NOTES:]
    block = f"<div class='note'>{''.join(shown)}</div>" if shown else ""
    if hidden:
        block += (
            f"<details><summary class='caption'>{plural(len(hidden), 'more note')}</summary>"
            f"{''.join(hidden)}</details>"
        )
    return line + block


class DataSection(pn.viewable.Viewer):
    """Sample or upload, the reader's words, and the choice of variables and subjects."""

    def __init__(self, state: WorkbenchState) -> None:
        super().__init__()
        self._state = state
        self._files = samples()
        self._setting = False
        names = list(self._files)
        self.sample = pmui.Select(
            label="Sample data", options=names, value=names[0] if names else None,
            size="small", sizing_mode="stretch_width", margin=(6, 0, 0, 0),
        )  # fmt: skip
        self.upload = pmui.FileInput(
            label="Drop a CSV or TSV file, or choose one", accept=".csv,.tsv,.txt,.yaml,.yml",
            variant="outlined", margin=0,
            sizing_mode="stretch_width", max_file_size=MAX_UPLOAD, uploaded_label="{filename}",
            sx={"borderStyle": "dashed", "py": "10px", "fontSize": "13px"},
        )  # fmt: skip
        self.states = pmui.MultiChoice(
            label="Variables to model",
            sizing_mode="stretch_width",
            margin=(6, 0, 0, 0),
            sx=CHOICE_SX,
        )
        self.subjects = pmui.MultiChoice(
            label="Subjects", sizing_mode="stretch_width", margin=(6, 0, 0, 0), sx=CHOICE_SX
        )
        self.summary = html()
        self.target = pmui.Select(
            label="Doses go into", size="small", sizing_mode="stretch_width", margin=(6, 0, 0, 0),
            visible=False,
        )  # fmt: skip
        self._view = section(
            1, "Data", "What was measured.", self.sample, self.upload,
            message_pane(state.data_message), self.summary, self.states, self.subjects,
            self.target,
        )  # fmt: skip
        self.sample.param.watch(self._on_sample, "value")
        self.upload.param.watch(self._on_upload, "value")
        self.states.param.watch(self._on_choice, "value")
        self.subjects.param.watch(self._on_choice, "value")
        self.target.param.watch(self._on_target, "value")
        state.param.watch(self._on_source, "source")
        state.param.watch(lambda *_: self._show_choice(), ["source", "config", "choice"])

    def __panel__(self) -> pn.Column:
        return self._view

    def open_first(self) -> None:
        """Load the first sample, when there is one."""
        if self._files:
            self._open(next(iter(self._files)))

    def _open(self, title: str) -> None:
        self._state.load_path(self._files[title], title)

    def _on_sample(self, event: Any) -> None:
        if event.new is not None and not self._setting:
            self._state.later(lambda: self._open(event.new))

    def _on_upload(self, event: Any) -> None:
        if event.new:
            name = self.upload.filename or "upload.csv"
            alone = not is_configuration(name)
            self._state.upload(event.new, name, lambda taken: self._after_upload(taken and alone))

    def _after_upload(self, replaced: bool) -> None:
        if replaced:
            self._setting = True
            self.sample.value = None
            self._setting = False
        self.upload.clear()

    def _on_source(self, event: Any) -> None:
        study = event.new
        self._setting = True
        self.summary.object = summary_html(study)
        self.subjects.param.update(
            options=list(study.subjects), value=list(study.subjects),
            visible=len(study.subjects) > 1,
        )  # fmt: skip
        self._setting = False

    def _show_choice(self) -> None:
        state, source = self._state, self._state.source
        if source is None or state.study is None:
            return
        self._setting = True
        self.states.param.update(options=list(source.variables), value=list(state.states))
        rules, latent = state.config.dosing, state.choice.latent
        plain = [v for v in state.study.variables if v not in state.study.derived]
        target = LEFT_OUT if rules is None else (rules[0].target if rules else "") or AS_GIVEN
        self.target.param.update(
            options=[AS_GIVEN, *plain, *latent, LEFT_OUT], value=target,
            # Rules of several kinds of dose are not told apart here.
            visible=any(t.doses for t in source.trajectories) and len(rules or ()) < 2,
        )  # fmt: skip
        self._setting = False

    def _on_target(self, event: Any) -> None:
        if event.new and not self._setting:
            self._state.later(lambda: self._choose_dosing(event.new))

    def _choose_dosing(self, target: str) -> None:
        if not self._state.choose_dosing(target):
            self._show_choice()

    def _on_choice(self, event: Any) -> None:
        if self._setting or self._state.source is None:
            return
        states = [v for v in self._state.source.variables if v in self.states.value]
        subjects = [s for s in self._state.source.subjects if s in self.subjects.value]
        self._state.later(lambda: self._choose(states, subjects))

    def _choose(self, states: list[str], subjects: list[str]) -> None:
        self._state.choose_data(states, subjects)

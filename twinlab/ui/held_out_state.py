"""The validation of one session: what is left out, the job that predicts it, its result.

No Panel here: the card sets parameters and calls methods, and watches parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import param

from twinlab.discovery import CancelToken, Progress
from twinlab.report.held_out_figures import observed_figure
from twinlab.twin import Validation, validate, verdict

from .fit_state import STATUSES, FitState
from .jobs import Job, JobEvents, JobRunner
from .messages import Message, words_of
from .warm import KERNELS

LEAVE = {"Subjects": "subject", "Conditions": "condition", "End of each record": "end"}
FOLDS = {"one by one": 0, "5 groups": 5, "10 groups": 10}


@dataclass(frozen=True)
class Shown:
    """A validation with what is drawn of it: one figure a variable that was scored."""

    validation: Validation
    sentences: tuple[str, ...]
    figures: dict[str, Any]


class HeldOutState(param.Parameterized):
    """Validation of what the session fits.

    Parameters
    ----------
    fit : FitState
        Its study, library, knowledge, settings and seed are used.
    """

    leave = param.Selector(default="subject", objects=list(LEAVE.values()))
    folds = param.Selector(default=0, objects=list(FOLDS.values()), doc="0: one by one.")
    given = param.Integer(default=1, bounds=(0, 20), doc="First times known.")
    status = param.Selector(default="empty", objects=list(STATUSES))
    stage = param.String(default="")
    fraction = param.Number(default=0.0, bounds=(0, 1))
    shown = param.ClassSelector(default=None, class_=Shown)
    stale = param.Boolean(default=False, doc="The result belongs to other data or settings.")

    def __init__(self, fit: FitState, **params: object) -> None:
        super().__init__(**params)
        self._fit = fit
        self.message = Message()
        self._runner: JobRunner[Shown] = JobRunner(
            fit.later, JobEvents(self._on_progress, self._on_done, self._on_failed)
        )
        fit.param.watch(self._on_study, "study")
        fit.param.watch(self._on_change, ["library", "knowledge", "settings", "seed"])
        self.param.watch(self._on_change, ["leave", "folds", "given"])

    @property
    def can_run(self) -> bool:
        """Whether Run can be pressed."""
        return self._fit.library is not None and self.status != "running"

    def run(self) -> Job | None:
        """Start a validation in the pool; the one before it, if any, is superseded."""
        fit = self._fit
        study, library = fit.study, fit.library
        if study is None or library is None:
            return None
        knowledge, settings, seed = fit.knowledge, fit.settings, fit.seed
        leave, folds, given = self.leave, self.folds or None, self.given

        def work(progress: Callable[[Progress], None], cancel: CancelToken) -> Shown:
            KERNELS.wait_or_cancel(progress, cancel)
            found = validate(
                study, library, knowledge, leave=leave, folds=folds, given=given,
                settings=settings, seed=seed, progress=progress, cancel=cancel,
            )  # fmt: skip
            drawn = {
                name: observed_figure(found, v, height=330)
                for v, name in enumerate(found.variables)
            }
            figures = {name: plot for name, plot in drawn.items() if plot is not None}
            return Shown(found, tuple(verdict(found)), figures)

        self.message.clear()
        self.param.update(
            status="running", stage="Starting", fraction=0.0, stale=self.shown is not None
        )
        return self._runner.start(work)

    def halt(self) -> bool:
        """Stop what is under way; what was on the screen stays."""
        if not self._runner.stop():
            return False
        self.param.update(status="cancelled", stage="Stopped.", fraction=0.0)
        return True

    def close(self) -> None:
        """End the session: nothing may run on for a page nobody looks at."""
        self._runner.stop()

    def _on_study(self, *_: object) -> None:
        self._runner.stop()
        self.message.clear()
        study = self._fit.study
        alone = study is not None and len(study.subjects) < 2
        self.param.update(
            shown=None, stale=False, status="ready", stage="", fraction=0.0,
            leave="end" if alone else "subject",
        )  # fmt: skip

    def _on_change(self, *_: object) -> None:
        if self.shown is not None and not self.stale:
            self.stale = True

    def _on_progress(self, event: Progress) -> None:
        fraction = min(1.0, max(self.fraction, event.fraction))
        self.param.update(stage=event.text, fraction=fraction)

    def _on_done(self, shown: Shown) -> None:
        self.param.update(status="done", stage="", fraction=1.0, stale=False, shown=shown)

    def _on_failed(self, error: Exception) -> None:
        self.message.say(words_of(error), "error")
        self.param.update(status="failed", stage="Nothing was predicted.", fraction=0.0)

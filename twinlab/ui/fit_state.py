"""The fit of one session: what it fits, how it goes, and the moves answered from it.

No Panel here: sections set parameters and call methods, views watch parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import param

from twinlab.discovery import (
    CancelToken,
    Discovery,
    PointModel,
    Progress,
    Settings,
    choose_columns,
    discover,
    reconsider,
    withheld,
)
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study

from .jobs import Job, JobEvents, JobRunner, Latest, Schedule
from .messages import Message, words_of
from .warm import KERNELS
from .words import plural

STATUSES = ("empty", "ready", "running", "done", "cancelled", "failed")


class FitState(param.Parameterized):
    """What is fitted, the job that fits it, its result, and which model of it is shown.

    Parameters
    ----------
    schedule : callable
        Runs a callable on the session's event loop (thread-safe); default: at once.
    """

    study = param.ClassSelector(default=None, class_=Study, doc="The part of it that is modelled.")
    library = param.ClassSelector(default=None, class_=Library)
    knowledge = param.ClassSelector(default=Knowledge(), class_=Knowledge)
    settings = param.ClassSelector(default=Settings(), class_=Settings)
    seed = param.Integer(default=0, bounds=(0, None))
    prior_log_odds = param.Number(default=0.0, doc="Added to every term's log-odds.")
    threshold = param.Number(default=0.5, bounds=(0, 1))
    penalty = param.Integer(default=None, allow_None=True, doc="Index on the coefficient path.")
    status = param.Selector(default="empty", objects=list(STATUSES))
    stage = param.String(default="", doc="What is being done, or was.")
    fraction = param.Number(default=0.0, bounds=(0, 1))
    progress = param.ClassSelector(default=None, class_=Progress, doc="The newest event of a fit.")
    fitted = param.ClassSelector(default=None, class_=Discovery, doc="As the fit left it.")
    discovery = param.ClassSelector(
        default=None, class_=Discovery, doc="`fitted`, reconsidered under the sliders."
    )
    stale = param.Boolean(default=False, doc="The result belongs to other data or settings.")
    chosen = param.ClassSelector(
        default=None, class_=PointModel, doc="A model other than the best."
    )
    chosen_words = param.String(default="", doc="Which model that is.")
    moves = param.Integer(default=0, doc="Recomputations shown so far.")
    shown = param.Integer(default=0, bounds=(0, None), doc="Trajectory that is looked at.")

    def __init__(self, schedule: Schedule | None = None, **params: object) -> None:
        super().__init__(**params)
        self.fit_message = Message()
        #: Runs a callable on the session's event loop, all that it changes sent as one.
        self.later = schedule = schedule or (lambda work: work())
        self._runner: JobRunner[Discovery] = JobRunner(
            schedule, JobEvents(self._on_progress, self._on_done, self._on_failed)
        )
        self._latest = Latest(schedule, self._on_failed_move)

    @property
    def can_fit(self) -> bool:
        """Whether Fit can be pressed."""
        return self.library is not None and self.status != "running"

    def set_fit(self, **changes: object) -> None:
        """Change settings that take effect at the next fit."""
        settings = replace(self.settings, **changes)  # type: ignore[arg-type]
        if settings != self.settings:
            self.settings = settings
            self._mark_stale()

    def set_seed(self, seed: int | None) -> None:
        """Change the seed of the next fit."""
        if seed is not None and seed >= 0 and seed != self.seed:
            self.seed = seed
            self._mark_stale()

    def _mark_stale(self) -> None:
        if self.fitted is not None and not self.stale:
            self.stale = True

    def fit(self) -> Job | None:
        """Start a fit in the pool; the one before it, if any, is superseded."""
        study, library = self.study, self.library
        if study is None or library is None:
            return None
        knowledge, settings, seed = self.knowledge, self.settings, self.seed

        def work(progress: Callable[[Progress], None], cancel: CancelToken) -> Discovery:
            KERNELS.wait_or_cancel(progress, cancel)
            return discover(
                study, library, knowledge, settings=settings, seed=seed,
                progress=progress, cancel=cancel,
            )  # fmt: skip

        self.fit_message.clear()
        self._latest.drop()
        self.param.update(
            status="running", stage="Starting", fraction=0.0, progress=None, chosen=None,
            chosen_words="", penalty=None, stale=self.fitted is not None,
        )  # fmt: skip
        return self._runner.start(work)

    def adopt(self, discovery: Discovery) -> None:
        """Show a result this session has computed before, for the study that is loaded."""
        self.halt()
        self._on_done(discovery)

    def halt(self) -> bool:
        """Stop the fit under way; what was on the screen stays."""
        if not self._runner.stop():
            return False
        kept = " The previous fit is still shown." if self.fitted is not None else ""
        self.param.update(status="cancelled", stage=f"Stopped.{kept}", fraction=0.0, progress=None)
        return True

    def close(self) -> None:
        """End the session: nothing may run on for a page nobody looks at."""
        self._runner.stop()
        self._latest.drop()

    def _on_progress(self, event: Progress) -> None:
        if event.snapshot is None and self.progress is not None:
            # The last picture stays until the next one comes.
            event = replace(event, snapshot=self.progress.snapshot)
        fraction = min(1.0, max(self.fraction, event.fraction))
        self.param.update(stage=event.text, fraction=fraction, progress=event)

    def _on_done(self, discovery: Discovery) -> None:
        count = len(discovery.best.columns)
        self.param.update(
            status="done", fraction=1.0, stale=False, progress=None, fitted=discovery,
            discovery=discovery, stage=f"Fitted: {plural(count, 'active term')}.",
        )  # fmt: skip
        if self.prior_log_odds:
            self.reconsider()

    def _on_failed(self, error: Exception) -> None:
        kept = " The previous fit is still shown." if self.fitted is not None else ""
        self.fit_message.say(words_of(error), "error")
        self.param.update(
            status="failed", stage=f"The fit failed.{kept}", fraction=0.0, progress=None
        )

    def _forget_result(self) -> None:
        self._latest.drop()
        self.param.update(
            fitted=None, discovery=None, stale=False, chosen=None, chosen_words="", progress=None,
            penalty=None, fraction=0.0,
        )  # fmt: skip

    # ---- moves: answered from what is already computed ------------------------------------------

    def move_prior(self, log_odds: float) -> None:
        """Make every term more or less likely beforehand."""
        self.prior_log_odds = log_odds
        self.reconsider()

    def move_slab(self, width: float) -> None:
        """Change the prior width of the coefficients."""
        self.settings = replace(self.settings, slab_width=width)
        self.reconsider()

    def reconsider(self) -> None:
        """New models, probabilities and bands from the Gram of the fit."""
        fitted = self.fitted
        if fitted is None or self.stale or self.status == "running":
            return
        knowledge, settings, shift = self.knowledge, self.settings, self.prior_log_odds
        shown = min(self.shown, len(fitted.bands) - 1)

        def work() -> Discovery:
            answer = reconsider(
                fitted, knowledge=knowledge, slab_width=settings.slab_width,
                complexity=settings.complexity, prior_log_odds=shift,
            )  # fmt: skip
            answer.bands[shown]  # simulated here, not while the page waits; the others when seen
            return answer

        def show(discovery: Discovery) -> None:
            if self.fitted is fitted:
                self.param.update(
                    discovery=discovery, chosen=None, chosen_words="", moves=self.moves + 1
                )

        self._latest.submit(work, show)

    def move_threshold(self, threshold: float) -> None:
        """Show the model of all terms whose inclusion probability reaches the threshold."""
        self.threshold = threshold
        if self.discovery is None:
            return
        columns = [c for c, p in enumerate(self.discovery.inclusion) if p >= threshold]
        self._choose(columns, f"Terms with inclusion of at least {threshold:.2f}")

    def move_path(self, index: int) -> None:
        """Show the model that the coefficient path keeps at this penalty."""
        if self.discovery is None:
            return
        path = self.discovery.path
        index = min(max(index, 0), len(path.penalty) - 1)
        self.penalty = index
        columns = [c for c, w in enumerate(path.coefficients[index]) if w]
        self._choose(columns, f"The path at penalty {path.penalty[index]:.2g}")

    def show_rank(self, rank: int) -> None:
        """Show the model of this rank (1 is the best)."""
        if self.discovery is None or not 1 <= rank <= len(self.discovery.models):
            return
        if rank == 1:
            self.show_best()
            return
        model = self.discovery.models[rank - 1]
        self._choose([int(c) for c in model.columns], f"Alternative {rank}")

    def show_best(self) -> None:
        """Show the best model again."""
        self._latest.drop()
        self.param.update(chosen=None, chosen_words="", penalty=None)

    def _choose(self, columns: list[int], words: str) -> None:
        discovery = self.discovery
        if discovery is None or self.status == "running":
            return
        if columns == [int(c) for c in discovery.best.columns]:
            self._latest.drop()
            self.param.update(
                chosen=None, chosen_words=f"{words}: the best model", moves=self.moves + 1
            )
            return

        def show(model: PointModel) -> None:
            if self.discovery is discovery:
                self.param.update(
                    chosen=model, moves=self.moves + 1,
                    chosen_words=f"{words}: {plural(len(columns), 'term')}",
                )  # fmt: skip

        self._latest.submit(lambda: choose_columns(discovery, columns), show)

    def _on_failed_move(self, error: Exception) -> None:
        self.fit_message.say(words_of(error), "error")

    @property
    def withheld(self) -> str:
        """Why inclusion probabilities are not shown; empty when they are."""
        return "" if self.discovery is None else withheld(self.discovery) or ""

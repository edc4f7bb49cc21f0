"""The state of one workbench session: what is loaded, chosen, fitted and shown.

No Panel here: sections set parameters and call methods, views watch parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

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
)
from twinlab.errors import UserError
from twinlab.knowledge import Belief, Knowledge
from twinlab.library import Library, LibraryReport, diagnose
from twinlab.study import Study, read_study, read_study_bytes

from .choice import LibraryChoice
from .jobs import Job, JobEvents, JobRunner, Latest, Schedule
from .words import plural

#: Above this chi-squared per point, inclusion probabilities mean nothing and are withheld.
CHI2_LIMIT = 1.5
STATUSES = ("empty", "ready", "running", "done", "cancelled", "failed")


class Message(param.Parameterized):
    """One message beside the control it belongs to; empty text shows nothing."""

    text = param.String(default="")
    level = param.Selector(default="note", objects=["note", "warning", "error"])

    def say(self, text: str, level: str = "note") -> None:
        """Show `text`."""
        self.param.update(text=text, level=level)

    def clear(self) -> None:
        """Show nothing."""
        self.say("")


class WorkbenchState(param.Parameterized):
    """Everything one session knows.

    Parameters
    ----------
    schedule : callable
        Runs a callable on the session's event loop (thread-safe); default: at once.
    """

    source = param.ClassSelector(default=None, class_=Study, doc="What was read.")
    study = param.ClassSelector(default=None, class_=Study, doc="The part of it that is modelled.")
    states = param.List(default=[], item_type=str, doc="Chosen variables.")
    subjects = param.List(default=[], item_type=str, doc="Chosen subjects.")

    choice = param.ClassSelector(default=LibraryChoice(), class_=LibraryChoice)
    offered = param.ClassSelector(default=None, class_=Library)
    library = param.ClassSelector(default=None, class_=Library)
    report = param.ClassSelector(default=None, class_=LibraryReport)
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

    def __init__(self, schedule: Schedule | None = None, **params: object) -> None:
        super().__init__(**params)
        self.data_message, self.term_message, self.fit_message = Message(), Message(), Message()
        schedule = schedule or (lambda work: work())
        self._runner: JobRunner[Discovery] = JobRunner(
            schedule, JobEvents(self._on_progress, self._on_done, self._on_failed)
        )
        self._latest = Latest(schedule, self._on_failed_move)

    # ---- data ---------------------------------------------------------------------------------

    def load_path(self, path: Path, name: str | None = None) -> bool:
        """Read a file; on a UserError say so and leave what was loaded as it was."""
        return self._load(lambda: read_study(path, name=name))

    def load_bytes(self, data: bytes, filename: str) -> bool:
        """Read an uploaded file; on a UserError say so and leave what was loaded as it was."""
        return self._load(lambda: read_study_bytes(data, filename))

    def _load(self, read: Callable[[], Study]) -> bool:
        try:
            study = read()
            offered = LibraryChoice().offered(study)
        except UserError as error:
            kept = f"\nStill loaded: {self.source.name}." if self.source else ""
            self.data_message.say(f"{error}{kept}", "error")
            return False
        self.halt()
        self.data_message.clear()
        self.term_message.clear()
        self.fit_message.clear()
        self._forget_result()
        with param.parameterized.batch_call_watchers(self):
            self.param.update(
                source=study,
                study=study,
                states=list(study.variables),
                subjects=list(study.subjects),
                choice=LibraryChoice(),
                offered=offered,
                library=offered,
                report=None,
                knowledge=Knowledge(),
                status="ready",
                stage="Press Fit.",
                fraction=0.0,
            )
        return True

    def choose_data(self, states: list[str], subjects: list[str]) -> bool:
        """Model only these variables and subjects; an empty choice is refused with words."""
        if self.source is None:
            return False
        if not states or not subjects:
            what = "variable" if not states else "subject"
            self.data_message.say(f"Choose at least one {what}.", "error")
            return False
        study = self.source.select(variables=states, subjects=subjects)
        if not study.trajectories:
            self.data_message.say("These subjects have no values of these variables.", "error")
            return False
        left = set(states)
        choice = replace(
            self.choice,
            hill=tuple(v for v in self.choice.hill if v in left),
            michaelis_menten=tuple(v for v in self.choice.michaelis_menten if v in left),
        )
        try:
            offered = choice.offered(study)
            library = choice.allowed(offered)
        except UserError as error:
            self.data_message.say(str(error), "error")
            return False
        self.data_message.clear()
        self.halt()
        self._forget_result()
        self.param.update(
            study=study, states=list(states), subjects=list(subjects), choice=choice,
            offered=offered, library=library, report=None,
            knowledge=_fitting(self.knowledge, library), status="ready", stage="Press Fit.",
        )  # fmt: skip
        return True

    def _forget_result(self) -> None:
        self._latest.drop()
        self.param.update(
            fitted=None, discovery=None, stale=False, chosen=None, chosen_words="", progress=None,
            penalty=None, fraction=0.0,
        )  # fmt: skip

    # ---- terms and knowledge ------------------------------------------------------------------

    def choose_terms(self, **changes: object) -> bool:
        """Change the library choice; on a UserError say so and leave the library as it was."""
        if self.study is None:
            return False
        choice = replace(self.choice, **changes)  # type: ignore[arg-type]
        if choice == self.choice:
            return True
        try:
            offered = choice.offered(self.study)
            library = choice.allowed(offered)
        except UserError as error:
            self.term_message.say(str(error), "error")
            return False
        self.term_message.clear()
        self.param.update(
            choice=choice, offered=offered, library=library, report=None,
            knowledge=_fitting(self.knowledge, library),
        )  # fmt: skip
        self._mark_stale()
        return True

    def add_term(self, text: str) -> bool:
        """Add one term of the user's own to every equation."""
        text = text.strip()
        if not text:
            return False
        if text in self.choice.own:
            self.term_message.say(f"{text} is already among the terms.", "warning")
            return False
        return self.choose_terms(own=(*self.choice.own, text))

    def switch_term(self, text: str, on: bool) -> bool:
        """Switch a term on or off in every equation."""
        off = self.choice.off - {text} if on else self.choice.off | {text}
        return self.choose_terms(off=off)

    def check_library(self) -> None:
        """Look for duplicate and collinear columns, off the event loop."""
        library, study = self.library, self.study
        if library is None or study is None:
            return

        def show(report: LibraryReport) -> None:
            if self.library is library:
                self.report = report

        self._latest.submit(lambda: diagnose(library, study), show)

    def believe(self, belief: Belief) -> bool:
        """Set one belief; a fitted result is reconsidered under it at once."""
        if self.library is None:
            return False
        knowledge = self.knowledge.with_belief(belief)
        try:
            knowledge.column_prior(self.library, self.settings.complexity)
        except UserError as error:
            self.fit_message.say(str(error), "error")
            return False
        self.fit_message.clear()
        self.knowledge = knowledge
        self.reconsider()
        return True

    # ---- fit ----------------------------------------------------------------------------------

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
        words = str(error) if isinstance(error, UserError) else _unexpected(error)
        self.fit_message.say(words, "error")
        self.param.update(
            status="failed", stage=f"The fit failed.{kept}", fraction=0.0, progress=None
        )

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

        def work() -> Discovery:
            return reconsider(
                fitted, knowledge=knowledge, slab_width=settings.slab_width,
                complexity=settings.complexity, prior_log_odds=shift,
            )  # fmt: skip

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
        words = str(error) if isinstance(error, UserError) else _unexpected(error)
        self.fit_message.say(words, "error")

    # ---- what views ask -----------------------------------------------------------------------

    @property
    def withheld(self) -> str:
        """Why inclusion probabilities are not shown; empty when they are."""
        if self.discovery is None or self.discovery.chi2_per_point <= CHI2_LIMIT:
            return ""
        return (
            f"Withheld: χ² per point is {self.discovery.chi2_per_point:.2f}. Above {CHI2_LIMIT} the "
            "model does not describe the data, and the probabilities would mislead."
        )


def _fitting(knowledge: Knowledge, library: Library) -> Knowledge:
    """The beliefs about terms that are still in the library."""
    texts = {term.text for term in library.terms}
    kept = tuple(b for b in knowledge.beliefs if b.term in texts and b.state in library.states)
    return replace(knowledge, beliefs=kept) if kept != knowledge.beliefs else knowledge


def _unexpected(error: Exception) -> str:
    return f"Something unexpected went wrong ({type(error).__name__}: {error}). Nothing was lost."

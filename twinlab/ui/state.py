"""The state of one workbench session: what is loaded and allowed, on top of its fit.

No Panel here: sections set parameters and call methods, views watch parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import param

from twinlab.config import StudyConfig, beside, config_from_bytes, read_config
from twinlab.errors import UserError
from twinlab.knowledge import Knowledge
from twinlab.library import Library, LibraryReport, diagnose
from twinlab.study import Dosing, Study, read_study, read_study_bytes

from .choice import LibraryChoice
from .jobs import Latest, Schedule
from .knowledge_state import KnowledgeState
from .messages import Message, words_of

#: What `choose_dosing` takes besides the name of a state.
AS_GIVEN, LEFT_OUT = "as the data say", "left out"


@dataclass(frozen=True)
class _Read:
    """A study as read, and what is modelled of it, with what."""

    source: Study
    config: StudyConfig
    study: Study
    choice: LibraryChoice
    offered: Library


class WorkbenchState(KnowledgeState):
    """Everything one session knows.

    Parameters
    ----------
    schedule : callable
        Runs a callable on the session's event loop (thread-safe); default: at once.
    """

    source = param.ClassSelector(default=None, class_=Study, doc="What was read.")
    states = param.List(default=[], item_type=str, doc="Chosen variables.")
    subjects = param.List(default=[], item_type=str, doc="Chosen subjects.")
    config = param.ClassSelector(
        default=StudyConfig(), class_=StudyConfig, doc="What of it is modelled, and how."
    )
    choice = param.ClassSelector(default=LibraryChoice(), class_=LibraryChoice)
    offered = param.ClassSelector(default=None, class_=Library)
    report = param.ClassSelector(default=None, class_=LibraryReport)

    def __init__(self, schedule: Schedule | None = None, **params: object) -> None:
        super().__init__(schedule, **params)
        self.data_message, self.term_message = Message(), Message()
        self._reading = Latest(self.later, self._refuse)

    # ---- data ---------------------------------------------------------------------------------

    def load_path(self, path: Path, name: str | None = None) -> bool:
        """Read a file, and the configuration of its name beside it, if there is one.

        On a UserError say so and leave what was loaded as it was.
        """

        def read() -> _Read:
            file = beside(path)
            return as_read(read_study(path, name=name), None if file is None else read_config(file))

        return self._load(read)

    def load_bytes(self, data: bytes, filename: str) -> bool:
        """Read an uploaded file: data, or a configuration (YAML) of the data that are loaded.

        On a UserError say so and leave what was loaded as it was.
        """
        return self._load(lambda: self._uploaded(data, filename))

    def _uploaded(self, data: bytes, filename: str) -> _Read:
        if not is_configuration(filename):
            return as_read(read_study_bytes(data, filename))
        if self.source is None:
            raise UserError(f"{filename} says how to model data: load the data first.")
        return as_read(self.source, config_from_bytes(data, filename))

    def upload(self, data: bytes, filename: str, done: Callable[[bool], None]) -> None:
        """`load_bytes` off the event loop; `done` is told on it whether the file was taken."""
        self.data_message.say(f"Reading {filename} …")

        def read() -> _Read | UserError:
            try:
                return self._uploaded(data, filename)
            except UserError as error:
                return error

        def take(answer: _Read | UserError) -> None:
            if isinstance(answer, UserError):
                self._refuse(answer)
            else:
                self._accept(answer)
            done(not isinstance(answer, UserError))

        self._reading.submit(read, take)

    def _load(self, read: Callable[[], _Read]) -> bool:
        try:
            answer = read()
        except UserError as error:
            self._refuse(error)
            return False
        self._accept(answer)
        return True

    def _refuse(self, error: Exception) -> None:
        kept = f"\nStill loaded: {self.source.name}." if self.source else ""
        self.data_message.say(f"{words_of(error)}{kept}", "error")

    def _accept(self, read: _Read) -> None:
        self.halt()
        config, settings = read.config, self.settings
        if config.file or self.config.file:  # another's settings do not outlive its data
            asked = config.settings()
            settings = replace(
                settings, noise=asked.noise, horizon=asked.horizon, vary=asked.vary,
                vary_terms=asked.vary_terms, covariates=asked.covariates,
            )  # fmt: skip
        for message in (
            self.data_message,
            self.term_message,
            self.fit_message,
            self.knowledge_message,
        ):
            message.clear()
        self._forget_result()
        self.param.update(
            source=read.source, config=config, study=read.study,
            states=list(read.study.variables), subjects=list(read.source.subjects),
            choice=read.choice, offered=read.offered, library=read.offered, report=None,
            knowledge=config.knowledge, settings=settings, status="ready", stage="Press Fit.",
            fraction=0.0,
        )  # fmt: skip
        if config.file:
            self.data_message.say(f"Modelled as {config.file} says.")

    def choose_data(self, states: list[str], subjects: list[str]) -> bool:
        """Model only these variables and subjects; an empty choice is refused with words."""
        if self.source is None:
            return False
        if not states or not subjects:
            what = "variable" if not states else "subject"
            self.data_message.say(f"Choose at least one {what}.", "error")
            return False
        return self._model(states, subjects, self.config)

    def choose_dosing(self, target: str) -> bool:
        """Say which state the doses go into, or one of `AS_GIVEN` and `LEFT_OUT`."""
        rules = self.config.dosing or ()
        dosing: tuple[Dosing, ...] | None = None
        if target != LEFT_OUT:
            to = "" if target == AS_GIVEN else target
            dosing = tuple(replace(rule, target=to) for rule in rules)
            if to and not rules:
                dosing = (Dosing(target=to),)
        return self._model(self.states, self.subjects, replace(self.config, dosing=dosing))

    def _model(self, states: list[str], subjects: list[str], config: StudyConfig) -> bool:
        """Model this part of the source so; on a UserError say so and change nothing."""
        choice = self.choice.of(states)
        try:
            study = _modelled(self.source, config, states, subjects, choice.latent)
            if not study.trajectories:
                raise UserError("These subjects have no values of these variables.")
            offered = choice.offered(study)
            library = choice.allowed(offered)
        except UserError as error:
            self.data_message.say(str(error), "error")
            return False
        self.data_message.clear()
        self.halt()
        self._forget_result()
        self.param.update(
            study=study, config=config, states=list(states), subjects=list(subjects),
            choice=choice, offered=offered, library=library, report=None,
            knowledge=_fitting(self.knowledge, library), status="ready", stage="Press Fit.",
        )  # fmt: skip
        return True

    # ---- terms and knowledge ------------------------------------------------------------------

    def choose_terms(self, **changes: object) -> bool:
        """Change the library choice; on a UserError say so and leave the library as it was."""
        if self.study is None:
            return False
        choice = self.choice.changed(changes)
        if choice == self.choice:
            return True
        study = self.study
        try:
            if choice.latent != self.choice.latent:
                study = _modelled(
                    self.source, self.config, self.states, self.subjects, choice.latent
                )
            offered = choice.offered(study)
            library = choice.allowed(offered)
        except UserError as error:
            self.term_message.say(str(error), "error")
            return False
        self.term_message.clear()
        self.param.update(
            study=study, choice=choice, offered=offered, library=library, report=None,
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


def is_configuration(filename: str) -> bool:
    """Whether a file says how to model data, by its name."""
    return filename.lower().endswith((".yaml", ".yml"))


def as_read(source: Study, config: StudyConfig | None = None) -> _Read:
    """A study with the choice it begins with and what that offers; each may refuse the data."""
    if config is None:
        choice = LibraryChoice.suited(source)
        return _Read(source, StudyConfig(), source, choice, choice.offered(source))
    study = config.study(source)
    offered = config.make_library(study)
    config.knowledge.column_prior(config.knowledge.completed(offered))
    return _Read(source, config, study, LibraryChoice.configured(config), offered)


def _modelled(
    source: Study,
    config: StudyConfig,
    chosen: Sequence[str],
    subjects: Sequence[str],
    latent: tuple[str, ...],
) -> Study:
    """The chosen part of what was read, as the configuration models it."""
    observed = {name: text for name, text in config.observed.items() if name in chosen}
    inputs = tuple(name for name in config.inputs if name in chosen)
    states = tuple(name for name in chosen if name not in inputs and name not in observed)
    known = {n: v for n, v in config.initial.items() if n in states or n in latent}
    part = replace(
        config, states=states, inputs=inputs, observed=observed, latent=latent, initial=known
    )
    return part.study(source.select(subjects=subjects))


def _fitting(knowledge: Knowledge, library: Library) -> Knowledge:
    """What of the knowledge is about states and terms that are still there."""
    kept, left = knowledge.restricted_to(library)
    return kept if left else knowledge

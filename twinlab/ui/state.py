"""The state of one workbench session: what is loaded and allowed, on top of its fit.

No Panel here: sections set parameters and call methods, views watch parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import param

from twinlab.errors import UserError
from twinlab.knowledge import Knowledge
from twinlab.library import Library, LibraryReport, diagnose
from twinlab.study import Study, read_study, read_study_bytes

from .choice import LibraryChoice
from .jobs import Latest, Schedule
from .knowledge_state import KnowledgeState
from .messages import Message, words_of

_Read = tuple[Study, LibraryChoice, Library]


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
    choice = param.ClassSelector(default=LibraryChoice(), class_=LibraryChoice)
    offered = param.ClassSelector(default=None, class_=Library)
    report = param.ClassSelector(default=None, class_=LibraryReport)

    def __init__(self, schedule: Schedule | None = None, **params: object) -> None:
        super().__init__(schedule, **params)
        self.data_message, self.term_message = Message(), Message()
        self._reading = Latest(self.later, self._refuse)

    # ---- data ---------------------------------------------------------------------------------

    def load_path(self, path: Path, name: str | None = None) -> bool:
        """Read a file; on a UserError say so and leave what was loaded as it was."""
        return self._load(lambda: read_study(path, name=name))

    def load_bytes(self, data: bytes, filename: str) -> bool:
        """Read an uploaded file; on a UserError say so and leave what was loaded as it was."""
        return self._load(lambda: read_study_bytes(data, filename))

    def upload(self, data: bytes, filename: str, done: Callable[[bool], None]) -> None:
        """`load_bytes` off the event loop; `done` is told on it whether the file was taken."""
        self.data_message.say(f"Reading {filename} …")

        def read() -> _Read | UserError:
            try:
                return _with_library(read_study_bytes(data, filename))
            except UserError as error:
                return error

        def take(answer: _Read | UserError) -> None:
            if isinstance(answer, UserError):
                self._refuse(answer)
            else:
                self._accept(*answer)
            done(not isinstance(answer, UserError))

        self._reading.submit(read, take)

    def _load(self, read: Callable[[], Study]) -> bool:
        try:
            read_and_offered = _with_library(read())
        except UserError as error:
            self._refuse(error)
            return False
        self._accept(*read_and_offered)
        return True

    def _refuse(self, error: Exception) -> None:
        kept = f"\nStill loaded: {self.source.name}." if self.source else ""
        self.data_message.say(f"{words_of(error)}{kept}", "error")

    def _accept(self, study: Study, choice: LibraryChoice, offered: Library) -> None:
        self.halt()
        for message in (
            self.data_message,
            self.term_message,
            self.fit_message,
            self.knowledge_message,
        ):
            message.clear()
        self._forget_result()
        self.param.update(
            source=study, study=study, states=list(study.variables),
            subjects=list(study.subjects), choice=choice, offered=offered,
            library=offered, report=None, knowledge=Knowledge(), status="ready",
            stage="Press Fit.", fraction=0.0,
        )  # fmt: skip

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


def _with_library(study: Study) -> _Read:
    """A study, the choice it begins with and what that offers; each may refuse the data."""
    choice = LibraryChoice.suited(study)
    return study, choice, choice.offered(study)


def _fitting(knowledge: Knowledge, library: Library) -> Knowledge:
    """What of the knowledge is about states and terms that are still there."""
    kept, left = knowledge.restricted_to(library)
    return kept if left else knowledge

"""``validate``: leave something out, discover again, predict it, and say how well that went."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from twinlab.discovery import CancelToken, Discovery, Progress, Settings, discover
from twinlab.discovery.problem import Problem, make_problem
from twinlab.discovery.progress import ProgressCallback
from twinlab.discovery.threads import one_blas_thread
from twinlab.errors import Cancelled, UserError
from twinlab.knowledge import Belief, Knowledge
from twinlab.library import Library
from twinlab.study import Study

from .folds import Fold, fold_name, make_folds
from .held_out import HeldOut, predict
from .informed import uninformed, without
from .scores import flatten, grouped, score
from .validation_result import FoldResult, Missing, Validation


def validate(
    study: Study,
    library: Library | None = None,
    knowledge: Knowledge | None = None,
    *,
    leave: str = "subject",
    folds: int | None = None,
    given: int = 1,
    share: float = 0.3,
    only: Sequence[str] = (),
    fixed_structure: bool = False,
    settings: Settings | None = None,
    seed: int = 0,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    executor: Executor | None = None,
) -> Validation:
    """Predict parts of a study from the rest.

    In every fold the model is discovered again, from the training part alone.  Of a trajectory
    that is left out the forecaster knows doses, inputs, covariates and the first `given` times,
    which are not scored.

    Parameters
    ----------
    study : Study
    library, knowledge, settings
        As `discover` takes them.
    leave : str
        'subject', 'condition' or 'end' (forecast of the last `share` of every record).
    folds : int, optional
        Groups that are left out together; by default each subject or condition alone.
    given : int
        0: the initial state is that of the other subjects.
    share : float
    only : sequence of str
        Leave out these subjects or conditions alone.
    fixed_structure : bool
        Find the structure once on all data and fit only its coefficients in the folds: faster,
        and blind to errors of the search.
    seed : int
        The same seed gives the same answer, whatever the executor.
    progress, cancel
        As for `discover`.
    executor : Executor, optional
        A thread pool for the folds; not the one this call itself runs in.

    Returns
    -------
    Validation

    Raises
    ------
    UserError
        The data cannot be split like this, or cannot be modelled at all.
    Cancelled
        The token was cancelled.
    """
    began = time.perf_counter()
    if given < 0:
        raise UserError(f"The number of given times is {given}.", mend="Give 0 or more.")
    library = library if library is not None else Library.polynomial(study, degree=2)
    knowledge = knowledge if knowledge is not None else Knowledge()
    library = knowledge.completed(library)
    settings = settings or Settings()
    problem = make_problem(study, library, knowledge)
    splits = make_folds(problem.study, leave, folds, share, seed, only)
    told = _Told(progress, cancel, len(splits) + fixed_structure)
    with one_blas_thread():
        if fixed_structure:
            whole = _discovered(problem.study, library, knowledge, settings, seed, told, 0)
            library, knowledge = _only_best(whole)
        run = _Run(problem.study, library, knowledge, settings, given, seed, told)
        answers = _all_folds(run, splits, executor)
    predictions = [p for _, held, _ in answers for p in held]
    result = Validation(
        study=study,
        variables=library.states,
        leave=leave,
        given=given,
        fixed_structure=fixed_structure,
        seed=seed,
        folds=tuple(fold for fold, _, _ in answers),
        predictions=tuple(predictions),
        missing=(
            *_too_short(study, problem.study),
            *(missing for _, _, lost in answers for missing in lost),
        ),
        scale=problem.scale,
        overall=score(flatten(predictions), problem.scale),
    )
    return replace(_with_groups(result), seconds=time.perf_counter() - began)


def _with_groups(result: Validation) -> Validation:
    flat = flatten(result.predictions)
    held = [result.predictions[i] for i in flat.held]
    return replace(
        result,
        by_variable=grouped(flat, [result.variables[v] for v in flat.variable], result.scale),
        by_condition=grouped(flat, [p.condition for p in held], result.scale),
        by_subject=grouped(flat, [p.subject for p in held], result.scale),
    )


def _too_short(given: Study, usable: Study) -> list[Missing]:
    kept = {(t.subject, t.condition) for t in usable.trajectories}
    why = "fewer than two measured times, or no values of an input"
    return [
        Missing(t.subject, t.condition, why)
        for t in given.trajectories
        if (t.subject, t.condition) not in kept
    ]


_Answer = tuple[FoldResult, list[HeldOut], list[Missing]]


class _Told:
    """Progress of all folds as one bar."""

    def __init__(
        self, progress: ProgressCallback | None, cancel: CancelToken | None, parts: int
    ) -> None:
        self.progress, self.cancel = progress, cancel
        self.done = [0.0] * parts
        self.lock = threading.Lock()

    def part(self, place: int, name: str) -> ProgressCallback | None:
        """Progress callback of one part."""
        if self.progress is None:
            return None
        tell = self.progress

        def told(event: Progress) -> None:
            with self.lock:
                self.done[place] = max(self.done[place], event.fraction)
                fraction = sum(self.done) / len(self.done)
            tell(Progress("validate", f"{name}: {event.text}", fraction, None))

        return told

    def check(self) -> None:
        """Raise `Cancelled` if a stop was asked for."""
        if self.cancel is not None and self.cancel.cancelled:
            raise Cancelled("stopped")


@dataclass(frozen=True)
class _Run:
    """What every fold needs."""

    study: Study
    library: Library
    knowledge: Knowledge
    settings: Settings
    given: int
    seed: int
    told: _Told

    def fold(self, fold: Fold, number: int, pool: Executor | None) -> _Answer:
        """Discover from the training part and predict the rest; a failure is said in words."""
        self.told.check()
        part = len(self.told.done) - 1 - number
        what = (fold.leave, fold.left, fold.share)
        name = fold_name(*what)
        try:
            absent = uninformed(self.study, self.library, fold)
            library, knowledge, doubt = without(self.library, self.knowledge, absent)
            discovery = _discovered(
                fold.training, library, knowledge, self.settings, self.seed, self.told,
                part, name[0].upper() + name[1:], pool,
            )  # fmt: skip
            whole = make_problem(self.study, discovery.library, knowledge)
        except (UserError, np.linalg.LinAlgError) as error:
            words = f"No model could be fitted: {error}"
            lost = [self._missing(i, f"no model could be fitted ({error})") for i in fold.held]
            return FoldResult(*what, "none", notes=(words,)), [], lost
        held, lost = self._predicted(whole, discovery, fold, number)
        notes = [doubt] if doubt else []
        if discovery.status == "failed":
            notes.append("The fit did not converge: its predictions are not to be relied on.")
        status = discovery.status if held else "none"
        names = [discovery.library.column_label(int(c)) for c in discovery.best.columns]
        return FoldResult(*what, status, tuple(names), tuple(notes)), held, lost

    def _predicted(
        self, whole: Problem, discovery: Discovery, fold: Fold, number: int
    ) -> tuple[list[HeldOut], list[Missing]]:
        held: list[HeldOut] = []
        lost: list[Missing] = []
        for place, trajectory in enumerate(fold.held):
            self.told.check()
            try:
                prediction = predict(whole, discovery, fold, number, place, self.given, self.seed)
            except UserError as error:
                lost.append(self._missing(trajectory, error.problem))
                continue
            if prediction is None:
                lost.append(self._missing(trajectory, "no measured time is left to predict"))
            else:
                held.append(prediction)
        return held, lost

    def _missing(self, trajectory: int, why: str) -> Missing:
        own = self.study.trajectories[trajectory]
        return Missing(own.subject, own.condition, why)


def _all_folds(run: _Run, folds: Sequence[Fold], executor: Executor | None) -> list[_Answer]:
    """Run the folds, one a thread; a single fold has the threads for itself."""
    if len(folds) == 1:
        return [run.fold(folds[0], 0, executor)]
    own = ThreadPoolExecutor(os.cpu_count() or 1) if executor is None else None
    pool = executor if executor is not None else own
    assert pool is not None
    futures = []
    try:
        futures = [pool.submit(run.fold, fold, i, None) for i, fold in enumerate(folds)]
        return [future.result() for future in futures]
    finally:
        for future in futures:  # after an error the folds not begun yet are dropped
            future.cancel()
        if own is not None:
            own.shutdown()


def _discovered(
    study: Study,
    library: Library,
    knowledge: Knowledge,
    settings: Settings,
    seed: int,
    told: _Told,
    part: int,
    name: str = "All data",
    pool: Executor | None = None,
) -> Discovery:
    """Discover; without a pool in one thread of its own, for others run beside it."""
    own = ThreadPoolExecutor(1) if pool is None else None
    try:
        return discover(
            study, library, knowledge, settings=settings, seed=seed,
            progress=told.part(part, name), cancel=told.cancel, executor=pool or own,
        )  # fmt: skip
    finally:
        if own is not None:
            own.shutdown()


def _only_best(discovery: Discovery) -> tuple[Library, Knowledge]:
    """The best model's terms as the whole library, every one of them required."""
    library = discovery.library.restrict(discovery.best.columns)
    knowledge, _ = discovery.knowledge.restricted_to(library)
    for column in library.columns:
        text = library.terms[column.term].text
        reaction = column.is_reaction
        state = "" if reaction else library.states[column.stoichiometry[0][0]]
        term = column.source if reaction else text
        known = knowledge.belief(state, term) or Belief(state, term)
        knowledge = knowledge.with_belief(replace(known, required=True))
    return library, knowledge

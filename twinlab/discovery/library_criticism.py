"""Is the truth in the library at all?  The tests, the terms proposed, and what is withheld."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from .lack_of_fit import LackOfFit, lack_of_fit
from .proposals import propose
from .result import Discovery, FitWarning, Proposal, Settings
from .search import Weighed
from .steps import Frame

#: Inclusion probabilities are withheld above this misfit.
LARGEST_CHI2 = 1.5
#: The tests of lack of fit raise the alarm below this p-value, their number accounted for.
ALARM_P = 0.01
#: A term from beyond the library raises it from this gain of log evidence (150 to 1; "very
#: strong" of Kass and Raftery 1995, J. Am. Stat. Assoc. 90, 773).
ALARM_GAIN = 5.0
#: From this gain (20,000 to 1) probabilities among the library's own models are withheld: below
#: it the warning stands beside them, since measured data never follow a small model exactly.
DECISIVE_GAIN = 10.0
NOT_IN_LIBRARY = "truth_not_in_library"
#: Proposals told in the warning.
TOLD = 3


@dataclass(frozen=True)
class LibraryVerdict:
    """What was found about the library.

    Attributes
    ----------
    lack : LackOfFit
    proposals : tuple of Proposal
        By descending gain; empty where no alarm is raised.
    alarm : bool
    """

    lack: LackOfFit
    proposals: tuple[Proposal, ...]
    alarm: bool


def judge_library(
    frame: Frame,
    best: Weighed,
    settings: Settings,
    check: Callable[[], None],
    executor: Executor,
) -> LibraryVerdict:
    """Test the best model and look for terms beyond the library.

    Parameters
    ----------
    frame : Frame
    best : Weighed
        The model of highest evidence, at its optimum.
    settings : Settings
    check : callable
        Called before every fit; may raise ``Cancelled``.
    executor : Executor
        Threads.
    """
    lack = lack_of_fit(frame, best.fit, best.noise)
    check()
    proposals = propose(frame, best, settings, check, executor)
    gain = proposals[0].gain if proposals else 0.0
    alarm = lack.smallest < ALARM_P or gain > ALARM_GAIN
    return LibraryVerdict(lack, proposals if alarm else (), alarm)


def library_warnings(states: tuple[str, ...], verdict: LibraryVerdict) -> list[FitWarning]:
    """The alarm in words, with the first proposals; nothing without an alarm."""
    if not verdict.alarm:
        return []
    words = []
    lack = verdict.lack
    if lack.smallest < ALARM_P:
        count = lack.tests
        named = [n for n, p in zip(states, lack.discrepancy, strict=True) if p * count < ALARM_P]
        what = f"a change of {', '.join(named)}" if named else "more than the scatter of replicates"
        words.append(
            f"The best model leaves {what} unexplained (p {lack.smallest:.2g}, {count} "
            f"test{'s' if count > 1 else ''} accounted for)."
        )
    if verdict.proposals and verdict.proposals[0].gain > ALARM_GAIN:
        words.append("A term that the library lacks describes the data much better.")
    words.append("The truth may not be in the library, or the search has missed it.")
    words += [proposal.text for proposal in verdict.proposals[:TOLD]]
    return [FitWarning(NOT_IN_LIBRARY, " ".join(words))]


def withheld(discovery: Discovery) -> str | None:
    """Why probabilities of terms and models are not shown; None where they may be.

    They are shares of belief among the models of the library, and mean nothing where none of
    these is right.
    """
    start = "Inclusion probabilities are withheld"
    if discovery.status == "failed":
        return f"{start} because the fit did not converge."
    chi2 = discovery.chi2_per_point
    if not chi2 <= LARGEST_CHI2:
        size = f"{chi2:.2f}" if np.isfinite(chi2) else "not finite"
        return (
            f"{start}: the best model misfits the data (chi-square per point {size}, more than "
            f"{LARGEST_CHI2}), so probabilities that assume one of the candidate models is right "
            "would mislead."
        )
    gain = max((proposal.gain for proposal in discovery.proposals), default=0.0)
    if gain >= DECISIVE_GAIN:
        return (
            f"{start}: a term the library lacks would raise the log evidence by {gain:.0f} (see "
            "the warning), so no model of this library is right, and probabilities that assume one "
            "of them is would mislead."
        )
    return None

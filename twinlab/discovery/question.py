"""What is asked of variation: by subject or condition, which terms, which covariates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError
from twinlab.expressions import parse_term

from .covariates import known_covariates
from .problem import Problem
from .result import Settings

#: Subjects of one condition from which on they may differ without being asked for.
FEWEST_SUBJECTS = 3


@dataclass(frozen=True)
class Question:
    """What may vary.

    Attributes
    ----------
    by_subject : bool
        Whether deviations of every trajectory are considered.
    by_condition : bool
        Whether conditions have values of their own.
    covariates : tuple of str
        That may explain variation.
    terms : (n_column,) bool array
        Columns that may vary.
    """

    by_subject: bool
    by_condition: bool
    covariates: tuple[str, ...]
    terms: NDArray[np.bool_]


def question_of(problem: Problem, settings: Settings) -> Question | None:
    """What the settings ask to vary; None: nothing.

    By default subjects may differ where three or more share a condition, otherwise conditions
    that are named and several.

    Raises
    ------
    UserError
        A covariate or a term that is not known, or fewer than two to be compared.
    """
    study, by = problem.study, settings.vary
    conditions = [t.condition for t in study.trajectories]
    named = len({c for c in conditions if c}) > 1
    several = max(conditions.count(c) for c in set(conditions)) >= FEWEST_SUBJECTS
    if by == "subject" and len(study.subjects) < 2:
        raise UserError(
            "Coefficients cannot vary by subject: there is one subject.",
            mend="Leave 'varies' out, or choose 'nothing'.",
        )
    if by == "condition" and not named:
        raise UserError(
            "Coefficients cannot vary by condition: the data name fewer than two.",
            mend="Give the data a column 'condition', or choose 'subject'.",
        )
    covariates = known_covariates(study, settings.covariates)
    terms = _terms(problem, settings.vary_terms)
    if by == "nothing" or (by == "auto" and not several and not named):
        return None
    by_subject = by == "subject" or (by == "auto" and several)
    return Question(by_subject, named, covariates if by_subject else (), terms)


def _terms(problem: Problem, named: tuple[str, ...]) -> NDArray[np.bool_]:
    """Columns whose term is named; all if none is."""
    library = problem.library
    if not named:
        return np.ones(problem.n_column, bool)
    out = np.zeros(problem.n_column, bool)
    for text in named:
        term = parse_term(text, library.names)
        own = [library.terms[c.term] == term for c in library.columns]
        if not any(own):
            raise UserError(
                f"varies: the library has no term '{text}'.",
                mend="Name terms as the report writes them, or leave 'terms' out.",
            )
        out |= own
    return out

"""What a validation found: predictions, scores, and how every fold went."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from twinlab.study import Study

from .folds import fold_name
from .held_out import HeldOut
from .scores import Score

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FoldResult:
    """How one fold went.

    Attributes
    ----------
    leave, left, share
        What was left out, as `Fold` has it.
    status : str
        'converged', 'failed' (no trustworthy model, predicted all the same) or 'none' (nothing
        could be predicted).
    terms : tuple of str
        The best model's terms, one a column: how far the structure depends on the fold.
    notes : tuple of str
        What went wrong or could not be known, in words.
    """

    leave: str
    left: tuple[str, ...]
    share: float
    status: str
    terms: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What was left out, in words."""
        return fold_name(self.leave, self.left, self.share)


@dataclass(frozen=True)
class Missing:
    """A trajectory that could not be predicted, and why."""

    subject: str
    condition: str
    why: str

    @property
    def text(self) -> str:
        """In words."""
        where = f"{self.subject} ({self.condition})" if self.condition else self.subject
        return f"{where}: {self.why}"


@dataclass(frozen=True)
class Validation:
    """Predictions of what was left out, and their scores.

    Attributes
    ----------
    study : Study
        All of it, what could not be used too.
    variables : tuple of str
    leave : str
        'subject', 'condition' or 'end'.
    given : int
        First times known of a trajectory that was left out whole.
    fixed_structure : bool
        The structure was found on all data and only its coefficients were fitted anew: the scores
        do not count the search.
    seed : int
    folds : tuple of FoldResult
    predictions : tuple of HeldOut
    missing : tuple of Missing
        Trajectories that could not be predicted.
    scale : (n_variable,) array
        Standard deviation of each variable in the study.
    overall : Score
    by_variable, by_condition, by_subject : mapping of str to Score
    seconds : float
    """

    study: Study
    variables: tuple[str, ...]
    leave: str
    given: int
    fixed_structure: bool
    seed: int
    folds: tuple[FoldResult, ...]
    predictions: tuple[HeldOut, ...]
    missing: tuple[Missing, ...]
    scale: Array
    overall: Score
    by_variable: dict[str, Score] = field(default_factory=dict)
    by_condition: dict[str, Score] = field(default_factory=dict)
    by_subject: dict[str, Score] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether every fold gave a model that converged, and its predictions."""
        return all(fold.status == "converged" for fold in self.folds)

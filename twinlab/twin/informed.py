"""Terms that a training part cannot speak of, because they are zero throughout it."""

from __future__ import annotations

import numpy as np

from twinlab.discovery.measured import term_size
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study

from .folds import Fold

#: A term below this share of its size in the part left out counts as absent from the training.
ABSENT = 1e-9
SHOWN = 4


def uninformed(study: Study, library: Library, fold: Fold) -> tuple[int, ...]:
    """Columns whose terms are zero at all training data and not in what is left out.

    Nothing measured in the training part says whether they matter, and what a fit makes of them
    there is chance.

    Parameters
    ----------
    study : Study
        All of it.
    library : Library
    fold : Fold
    """
    if fold.cut:
        return ()
    held = [study.trajectories[i] for i in fold.held]
    absent = set()
    for place, term in enumerate(library.terms):
        here = term_size(term, study, fold.training.trajectories)
        if np.isfinite(here) and here <= ABSENT * term_size(term, study, held):
            absent.add(place)
    return tuple(c for c, column in enumerate(library.columns) if column.term in absent)


def without(
    library: Library, knowledge: Knowledge, columns: tuple[int, ...]
) -> tuple[Library, Knowledge, str]:
    """Leave columns out of a library, unless they are required, and say so."""
    if not columns:
        return library, knowledge, ""
    required = knowledge.column_prior(library).required
    gone = [c for c in columns if not required[c]]
    texts = list(dict.fromkeys(library.term_of(c).text for c in columns))
    kept = library.restrict(c for c in range(len(library.columns)) if c not in set(gone))
    shown = ", ".join(texts[:SHOWN]) + (", ..." if len(texts) > SHOWN else "")
    one = len(texts) == 1
    words = (
        f"{shown} {'is' if one else 'are'} zero throughout the training part: its data cannot say "
        f"whether {'this term matters' if one else 'these terms matter'} for what was left out. "
        f"The prediction is made without {'it' if one else 'them'}, and its intervals do not "
        "count that doubt."
    )
    return kept, knowledge.restricted_to(kept)[0], words

"""Terms that a training part cannot speak of, because they never move in it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from twinlab.discovery import Discovery
from twinlab.discovery.problem import Problem

from .folds import Fold

#: A term below this share of its size in the part left out counts as absent from the training.
ABSENT = 1e-3
SHOWN = 4


def uninformed(whole: Problem, discovery: Discovery, fold: Fold) -> Iterator[str]:
    """Sentences about candidate terms that are zero in the training data and not in the rest.

    Parameters
    ----------
    whole : Problem
        All trajectories.
    discovery : Discovery
        Of the training part.
    fold : Fold
    """
    library = discovery.library

    def sizes(values: list[np.ndarray]) -> np.ndarray:
        table = np.concatenate(values)
        table = table[np.isfinite(table).all(axis=1)]
        if len(table) == 0:
            return np.zeros(len(library.terms))
        named = dict(zip(library.names, table.T, strict=True))
        with np.errstate(all="ignore"):
            each = [np.nanmax(np.abs(np.nan_to_num(t.evaluate(named)))) for t in library.terms]
        return np.array(each, float)

    if fold.cut:
        return
    learned = sizes([t.value[:, : len(library.names)] for t in fold.training.trajectories])
    needed = sizes([whole.study.trajectories[i].value for i in fold.held])
    absent = np.nonzero((needed > 0) & (learned <= ABSENT * needed))[0]
    used = {c.term for c in library.columns}
    texts = [library.terms[i].text for i in absent if int(i) in used]
    if texts:
        shown = ", ".join(texts[:SHOWN]) + (", ..." if len(texts) > SHOWN else "")
        one = len(texts) == 1
        yield (
            f"{shown} {'is' if one else 'are'} zero throughout the training part: its data cannot "
            f"say whether {'this term' if one else 'these terms'} matter{'s' if one else ''} for "
            f"what was left out, and the intervals do not count that doubt."
        )

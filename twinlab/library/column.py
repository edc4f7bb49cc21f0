"""One column of a library, and the arrays the kernels read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

REACTION = "reaction"  #: family of columns that come from a reaction


@dataclass(frozen=True)
class Column:
    """A term with the states it drives: one coefficient of the model belongs to each column.

    Attributes
    ----------
    stoichiometry : tuple of (int, float)
        State index and what one unit of the rate adds to it; a plain term has one entry of 1.
    term : int
        Index into the library's terms.
    family : str
        Columns that stand for one mechanism: "polynomial", "mass action", "hill:x", ...
    source : str
        What the user wrote, or the name of the family's maker.
    """

    stoichiometry: tuple[tuple[int, float], ...]
    term: int
    family: str
    source: str = ""

    @property
    def is_reaction(self) -> bool:
        """Whether the column comes from a reaction."""
        return self.family == REACTION


class Entries(NamedTuple):
    """One row per non-zero stoichiometric number, sorted by state, then column.

    Attributes
    ----------
    state, term, column : (n_entry,) int64
    value : (n_entry,) float64
    """

    state: NDArray[np.int64]
    term: NDArray[np.int64]
    column: NDArray[np.int64]
    value: NDArray[np.float64]

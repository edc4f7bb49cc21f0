"""Conserved totals whose number is known: a value of a sum of states that nobody had to measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinlab.knowledge import Conserved
from twinlab.knowledge.conservation import weight_matrix

from .schedule import Schedule

Array = NDArray[np.float64]

#: Standard deviation of a known total, as a share of it.
TOTAL_SD = 1e-3


@dataclass(frozen=True)
class Totals:
    """Known totals.

    Attributes
    ----------
    names : tuple of str
    weights : (n_total, n_state) array
    number : (n_total,) array
        The same in every trajectory.
    """

    names: tuple[str, ...]
    weights: Array
    number: Array

    @property
    def sd(self) -> Array:
        """Standard deviations (n_total,)."""
        return TOTAL_SD * np.abs(self.number)


def known_totals(
    conserved: Sequence[Conserved], observables: Sequence[str], schedule: Schedule
) -> Totals:
    """Totals whose number is known and holds in every trajectory, since no dose changes it.

    One of the name of an observable is measured, and needs no number.

    Parameters
    ----------
    conserved : sequence of Conserved
    observables : sequence of str
        The states first.
    schedule : Schedule
    """
    n_state = schedule.given.shape[1]
    dosed = np.any(np.concatenate([schedule.given, schedule.rate]), axis=0)
    weights = weight_matrix(conserved, observables[:n_state])
    known = [
        i
        for i, total in enumerate(conserved)
        if total.total and total.name not in observables and not weights[i, dosed].any()
    ]
    number = np.array([conserved[i].total for i in known], float)
    return Totals(tuple(conserved[i].name for i in known), weights[known], number)

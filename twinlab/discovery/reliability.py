"""How far the data bear out an edge table: the posterior of its reliability."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinlab.knowledge import LEVELS, ColumnPrior

from .problem import Problem

Array = NDArray[np.float64]
Columns = NDArray[np.int64]


@dataclass(frozen=True)
class Reliability:
    """Share of what an edge table says that can be relied upon.

    Attributes
    ----------
    levels : (n_level,) array
        Reliabilities that were weighed, alike beforehand.
    posterior : (n_level,) array
        Their probabilities given the data.
    """

    levels: Array
    posterior: Array

    @property
    def mean(self) -> float:
        """Posterior mean."""
        return float(self.levels @ self.posterior)

    @property
    def text(self) -> str:
        """One or two sentences for people."""
        parts = [
            f"{level:.0%}: {p:.2f}" for level, p in zip(self.levels, self.posterior, strict=True)
        ]
        said = f"The data support about {round(self.mean, 1):.0%} of what the edges say"
        return (
            f"{said} ({'; '.join(parts)}; before the data {1 / self.levels.size:.2f} each). "
            "The edges count for that much in the probabilities of the terms."
        )


def reliability_of(
    problem: Problem, prior: ColumnPrior, models: Iterable[tuple[Columns, Array, float]]
) -> Reliability | None:
    """Posterior of the reliability over weighed models; None where nothing is told or weighed.

    ``p(rho | data) = sum_m p(m | data) p(rho | m)``, and ``p(rho | m)`` is in proportion to the
    prior of the model's edges and signs at that reliability.

    Parameters
    ----------
    problem : Problem
    prior : ColumnPrior
    models : iterable of (columns, coefficients, log evidence)
    """
    table, weighed = prior.table, list(models)
    if table is None or not weighed:
        return None
    levels = np.array(
        [table.log_levels(c, np.sign(w), problem.sign_log_odds[c]) for c, w, _ in weighed]
    )
    joint = np.array([e for *_, e in weighed])[:, None] + levels
    joint -= np.logaddexp.reduce(levels, axis=1)[:, None]
    joint = np.exp(joint - joint.max())
    return Reliability(LEVELS, joint.sum(axis=0) / joint.sum())

"""New models from parts of models already weighed: each equation keeps its best idea.

The equations of one model hardly compete with each other, so an equation that one model got right
is worth trying in every other.  Candidates are ranked on the regression around the best model,
which costs microseconds, before any of them is simulated.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from twinlab.library import Library

from .model_prior import log_support_prior
from .result import Gram
from .steps import SCALE_FREEDOM, Columns, Frame, log_determinant, solve_scaled

#: Different supports of one equation that are tried.
MOST_PARTS = 12
SWEEPS = 2


def column_group(library: Library) -> NDArray[np.int64]:
    """Equation of each column; reactions, which touch several, are one group of their own."""
    state = np.array([library.column_state(c) for c in range(len(library.columns))], np.int64)
    return np.where(state < 0, len(library.states), state)


def log_posterior(frame: Frame, gram: Gram, columns: Columns) -> float:
    """Log posterior of one support on a regression, up to a constant.

    The same number as `twinlab.kernels.spike_slab_search` gives, signs aside.
    """
    precision = frame.precision[columns]
    matrix = gram.matrix[np.ix_(columns, columns)] + np.diag(precision)
    vector = gram.vector[columns]
    _, log_det = log_determinant(matrix)
    explained = vector @ solve_scaled(matrix, vector[:, None])[:, 0] if columns.size else 0.0
    rest = max(SCALE_FREEDOM + gram.yy - explained, 1e-12 * (SCALE_FREEDOM + gram.yy))
    fit = -0.5 * (gram.n + SCALE_FREEDOM) * np.log(rest / (SCALE_FREEDOM + gram.n))
    occam = -0.5 * (float(log_det) - np.log(precision).sum())
    return float(fit + occam + log_support_prior(frame.prior, columns))


def crossovers(
    frame: Frame, gram: Gram, centre: Columns, supports: Sequence[Columns], n_most: int
) -> list[Columns]:
    """Supports made of the centre's equations and those of other models, the most likely first.

    Parameters
    ----------
    frame : Frame
    gram : Gram
        Linearisation around the centre.
    centre : int array
    supports : sequence of int arrays
        Supports to take equations from, the best first.
    n_most : int
        How many are returned.
    """
    group = column_group(frame.problem.library)
    parts = {int(g): _parts(supports, group, g) for g in np.unique(group)}
    scores: dict[bytes, tuple[float, Columns]] = {}

    def score(columns: Columns) -> float:
        key = columns.tobytes()
        if key not in scores:
            scores[key] = log_posterior(frame, gram, columns), columns
        return scores[key][0]

    current = centre
    for _ in range(SWEEPS):
        before = current
        for g, own in parts.items():
            rest = current[group[current] != g]
            tried = [np.sort(np.concatenate([rest, part])) for part in own]
            current = max([current, *tried], key=score)
        if np.array_equal(before, current):
            break
    ordered = sorted(scores.values(), key=lambda pair: -pair[0])
    return [columns for _, columns in ordered[:n_most]]


def _parts(supports: Sequence[Columns], group: NDArray[np.int64], g: int) -> list[Columns]:
    """Different supports of one equation, in the order in which they are met."""
    own = {c.tobytes(): c for c in (s[group[s] == g] for s in supports)}
    return list(own.values())[:MOST_PARTS]

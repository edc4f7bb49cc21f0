"""A study and a library in the form that regressions on terms take.

Such peers take no missing values: gaps are interpolated linearly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinlab.library import Library
from twinlab.study import Study

Array = NDArray[np.float64]


class PeerError(Exception):
    """The data or the library cannot be given to the peer."""


class NotApplicable(PeerError):
    """The method is not made for such data: it is not judged on them."""


@dataclass(frozen=True)
class PeerData:
    """What PySINDy is given: one grid, one (n_time, n_variable) array a trajectory, and terms.

    Inputs are given as further variables whose own equations are thrown away.
    """

    time: Array
    values: tuple[Array, ...]
    library: Library
    allowed: NDArray[np.bool_]

    @property
    def n_state(self) -> int:
        """Variables with an equation; they come first."""
        return len(self.library.states)

    @property
    def names(self) -> tuple[str, ...]:
        """States, then inputs."""
        return (*self.library.states, *self.library.inputs)


def common_grid(study: Study) -> Study:
    """Interpolate linearly onto one regular grid where the trajectories' times differ.

    The weak form takes one grid for all; this is what its user would do.
    """
    times = [trajectory.time for trajectory in study.trajectories]
    if all(t.shape == times[0].shape and np.allclose(t, times[0]) for t in times):
        return study
    grid = np.linspace(
        max(t[0] for t in times), min(t[-1] for t in times), int(np.median([len(t) for t in times]))
    )
    values = [
        np.stack([_at(grid, t.time, column) for column in t.value.T], axis=1)
        for t in study.trajectories
    ]
    return Study.from_arrays(study.name, study.variables, [grid] * len(values), values)


def _at(grid: Array, time: Array, values: Array) -> Array:
    """Linear interpolation; a variable never measured stays so."""
    known = np.isfinite(values)
    if not known.any():
        return np.full(grid.size, np.nan)
    return np.interp(grid, time[known], values[known])


def peer_data(study: Study, library: Library) -> PeerData:
    """Put a study and a library into the form PySINDy takes.

    Raises
    ------
    PeerError
        Different time grids, a state that is never measured in a trajectory, reactions, or
        equations with different candidate terms.
    """
    allowed = candidates(library)
    grid = study.trajectories[0].time
    index = [study.variables.index(name) for name in (*library.states, *library.inputs)]
    values = []
    for trajectory in study.trajectories:
        if trajectory.time.shape != grid.shape or not np.allclose(trajectory.time, grid):
            raise PeerError("the peer's weak form needs one time grid for all trajectories")
        values.append(filled(grid, trajectory.value[:, index]))
    return PeerData(grid, tuple(values), library, allowed)


def candidates(library: Library) -> NDArray[np.bool_]:
    """Which terms each equation may hold, shape (n_state, n_term).

    Raises
    ------
    PeerError
        Reactions among the columns.
    """
    allowed = np.zeros((len(library.states), len(library.terms)), bool)
    for number, column in enumerate(library.columns):
        state = library.column_state(number)
        if state < 0:
            raise PeerError("only plain terms can be given to the peer")
        allowed[state, column.term] = True
    return allowed


def by_equation(
    allowed: NDArray[np.bool_], x: Array, y: Array, fit: Callable[[Array, Array], Array]
) -> Array:
    """Coefficients (..., n_state, n_term) of ``fit(x, y)``, each equation with its own candidates.

    Parameters
    ----------
    allowed : (n_state, n_term) bool array
    x : (n_row, n_term) array
    y : (n_row, n_state) array
    fit : callable
        Returns (..., n_target, n_feature) coefficients; called once where all equations have the
        same candidates.
    """
    if allowed.all():
        return fit(x, y)
    parts = []
    for i, row in enumerate(allowed):
        found = fit(np.ascontiguousarray(x[:, row]), y[:, i : i + 1])
        full = np.zeros((*found.shape[:-2], allowed.shape[1]))
        full[..., row] = found[..., 0, :]
        parts.append(full)
    return np.stack(parts, axis=-2)


def filled(grid: Array, values: Array) -> Array:
    """Gaps interpolated linearly.

    Raises
    ------
    PeerError
        A column without any value.
    """
    complete = values.copy()
    for column in complete.T:
        known = np.isfinite(column)
        if not known.any():
            raise PeerError("a variable is never measured in one of the trajectories")
        column[~known] = np.interp(grid[~known], grid[known], column[known])
    return complete


def coefficient_table(library: Library, fit: Array) -> dict[str, dict[str, float]]:
    """Equations of the non-zero coefficients of a (n_state, n_term) matrix."""
    return {
        state: {library.terms[k].text: float(fit[i, k]) for k in np.flatnonzero(fit[i])}
        for i, state in enumerate(library.states)
    }

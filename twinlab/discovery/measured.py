"""What of a study a problem is made of: its columns in order, enough times, values that vary."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError
from twinlab.expressions import Term
from twinlab.library import Library
from twinlab.study import Study, Trajectory

from .observation import Observation

Array = NDArray[np.float64]


def check_values(
    names: tuple[str, ...], value: Array, censored: NDArray[np.bool_], seen: NDArray[np.bool_]
) -> None:
    """Refuse what was measured but says nothing of change."""
    for e in np.nonzero(seen)[0]:
        column = value[:, e]
        if not np.nanstd(column) > 1e-12 * np.nanmax(np.abs(column)):
            raise UserError(
                f"{names[e]} is constant in these data: nothing can be learned about its equation.",
                mend=f"Leave {names[e]} out of the states, or use it as an input.",
            )
        if not (np.isfinite(column) & ~censored[:, e]).any():
            raise UserError(
                f"All values of {names[e]} lie below their limits: its size cannot be learned.",
                mend=f"Leave {names[e]} out of the states.",
            )


def usable(study: Study, library: Library, observation: Observation) -> Study:
    """The study with states, derived observables and inputs in this order; enough times in each.

    States never measured become columns without values.
    """
    order = (*library.states, *observation.names, *library.inputs)
    study = study.select(variables=[n for n in order if n in study.variables])
    unseen = [name for name in order if name not in study.variables]
    if unseen:
        study = study.with_unmeasured(unseen).select(variables=order)
    n_observable = len(order) - len(library.inputs)
    kept = tuple(
        t
        for t in study.trajectories
        if np.isfinite(t.value[:, :n_observable]).any(axis=1).sum() >= 2
        and np.isfinite(t.value[:, n_observable:]).any(axis=0).all()
    )
    if not kept:
        raise UserError(
            "No subject has measurements at two times or more (and its inputs).",
            mend="A model of change needs each subject at several times.",
        )
    variables_seen = np.any([np.isfinite(t.value).any(axis=0) for t in kept], axis=0)
    for name, seen in zip(study.variables, variables_seen, strict=True):
        if not seen and name not in observation.unmeasured:
            raise UserError(f"{name} has no values in the subjects that can be used.")
    return replace(study, trajectories=kept)


def rows_of(trajectory: Trajectory, n_observable: int) -> tuple[NDArray[Any], ...]:
    """Time, value, sd, count, spread, censored of one trajectory, its inputs left out."""
    return (
        trajectory.time,
        trajectory.value[:, :n_observable],
        trajectory.sd[:, :n_observable],
        trajectory.count[:, :n_observable],
        trajectory.spread[:, :n_observable],
        trajectory.censored[:, :n_observable],
    )


def term_size(term: Term, study: Study, trajectories: Iterable[Trajectory]) -> float:
    """Largest size of a term at the measured values; infinite where it cannot be told."""
    size = _sizes(term, study, np.concatenate([t.value for t in trajectories]))
    known = size[~np.isnan(size)]
    return float(known.max()) if known.size else np.inf


def _sizes(term: Term, study: Study, table: Array) -> Array:
    """Size of a term in rows of values; NaN where one of its variables was not measured."""
    if any(factor.variable not in study.variables for factor in term.factors):
        return np.full(len(table), np.nan)
    index = [study.variables.index(f.variable) for f in term.factors]
    with np.errstate(all="ignore"):
        values = np.abs(term.evaluate(dict(zip(study.variables, table.T, strict=True))))
    values = np.nan_to_num(values, nan=np.inf)
    return np.where(np.isfinite(table[:, index]).all(axis=1), values, np.nan)


def uninformed(study: Study, library: Library, told: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Columns whose term is zero wherever it was measured: nothing says whether they matter.

    Parameters
    ----------
    study : Study
    library : Library
    told : (n_column,) bool array
        Columns that knowledge speaks of; they are left alone.
    """
    zero = [term_size(term, study, study.trajectories) == 0.0 for term in library.terms]
    absent = [zero[column.term] for column in library.columns]
    return np.nonzero(np.array(absent, bool) & ~told)[0]


def told_apart(study: Study, library: Library, value: Array) -> NDArray[np.bool_]:
    """Columns whose coefficient in some trajectories can be told from that in all others.

    Where a term is zero throughout either part, as of a species that was left out, nothing says
    what its coefficient is there.

    Parameters
    ----------
    study : Study
    library : Library
    value : (n_group, n_trajectory) array
        Not zero in the trajectories of a group.

    Returns
    -------
    (n_group, n_column) bool array
    """
    table = np.concatenate([t.value for t in study.trajectories])
    first = np.cumsum([0] + [len(t.value) for t in study.trajectories[:-1]])
    size = np.array([_sizes(term, study, table) for term in library.terms])
    # What cannot be told of a trajectory is not held against it.
    unseen = np.logical_and.reduceat(np.isnan(size), first, axis=1)
    there = unseen | np.logical_or.reduceat(size > 0.0, first, axis=1)
    there = there.T[:, [column.term for column in library.columns]]
    inside = (value != 0.0).astype(float)
    outside = 1.0 - inside
    spoken = (inside @ there > 0.0) & (outside @ there > 0.0)
    # With nobody in it or outside it there is nothing to compare.
    return np.asarray(spoken | ~(inside.any(axis=1) & outside.any(axis=1))[:, None])

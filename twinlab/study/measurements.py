"""Measured values one by one, however the file was laid out, and their way into a Study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError

from .names import identifiers
from .problems import MAX_KEPT, Problems, listing, plural
from .source import Source
from .study import Array, Note, Provenance, Study, Trajectory

Codes = NDArray[np.int64]
MAX_CELLS = 5_000_000  #: times x variables over all trajectories


@dataclass
class Measurements:
    """Values of a file, one entry a value (missing ones included, as NaN).

    Attributes
    ----------
    keys : list of (subject, condition)
        Trajectories in order of first appearance.
    names, units : lists of str
        Variables as the file writes them, in order of first appearance.
    trajectory, variable : (n,) int arrays
        Indices into `keys` and `names`.
    time, value, sd : (n,) arrays
    censored : (n,) bool array
        True where `value` is a limit of quantification.
    covariates : mapping of name to (n_trajectory,) array
    """

    file: str
    layout: str
    keys: list[tuple[str, str]]
    names: list[str]
    units: list[str]
    trajectory: Codes
    variable: Codes
    time: Array
    value: Array
    sd: Array
    censored: NDArray[np.bool_]
    time_unit: str = ""
    covariates: Mapping[str, Array] = field(default_factory=dict)
    covariate_units: Mapping[str, str] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)


def encode(cells: Sequence[str]) -> tuple[list[str], Codes]:
    """Distinct texts in order of first appearance, and the index of each cell among them."""
    names = list(dict.fromkeys(cells))
    index = {name: i for i, name in enumerate(names)}
    return names, np.array([index[cell] for cell in cells], np.int64)


def check_order(
    problems: Problems,
    groups: Sequence[Codes],
    time: Array,
    lines: NDArray[np.int64],
    column: str,
    describe: Sequence[Sequence[str]],
    mend: str,
) -> None:
    """Add a problem wherever time goes backwards inside a group of rows (in the file's order).

    Parameters
    ----------
    groups : sequence of (n,) int arrays
        Rows that agree in all of these belong together.
    describe : sequence of sequences of str
        Names of the codes in `groups`, for the message.
    """
    rows = np.flatnonzero(np.isfinite(time))
    order = rows[np.lexsort([group[rows] for group in reversed(groups)])]
    same = np.ones(max(order.size - 1, 0), bool)
    for group in groups:
        same &= group[order[1:]] == group[order[:-1]]
    back = np.flatnonzero(same & (np.diff(time[order]) < 0))
    problems.count_more(max(0, back.size - MAX_KEPT))
    for index in back[:MAX_KEPT]:
        row, before = order[index + 1], order[index]
        words = [names[g[row]] for g, names in zip(groups, describe, strict=True) if len(names) > 1]
        where = f" in {', '.join(w for w in words if w)}" if any(words) else ""
        problems.add(
            f"time goes backwards{where}: {time[row]:g} after {time[before]:g}"
            f" (line {lines[before]}).",
            row=int(lines[row]),
            column=column,
            mend=mend,
        )


def constant_by_group(values: Array, group: Codes, n_group: int) -> Array | None:
    """Value of each group if every group holds one value only (NaN ignored), else None."""
    low, high = np.full(n_group, np.inf), np.full(n_group, -np.inf)
    seen = np.isfinite(values)
    np.minimum.at(low, group[seen], values[seen])
    np.maximum.at(high, group[seen], values[seen])
    if np.any(high > low):
        return None
    return np.where(np.isfinite(low), low, np.nan)


def to_study(m: Measurements, source: Source, name: str) -> Study:
    """Average replicates, build the trajectories and name the variables.

    Raises
    ------
    UserError
        All values missing, one time point only, nothing but constant variables, too large.
    """
    measured = np.isfinite(m.value)
    if not measured.any():
        raise UserError(
            "all values are missing.", file=m.file, mend="Check that the values were exported."
        )
    _check_times(m, measured)
    _note_missing(m, measured)
    kept = _kept_variables(m, measured)
    given = [m.names[i] for i in kept]
    names = identifiers([*given, *m.covariates])
    covariates = dict(zip(names[len(kept) :], m.covariates.values(), strict=True))
    units_of_covariates = dict(
        zip(covariates, (m.covariate_units.get(k, "") for k in m.covariates), strict=True)
    )
    names = names[: len(kept)]
    _note_names(m, kept, names)
    position = np.full(len(m.names), -1)
    position[kept] = np.arange(len(kept))
    table = _average(m, np.flatnonzero(measured))
    trajectories = _trajectories(m, table, position, len(kept), covariates)
    _note_single_times(m, trajectories)
    units = {new: m.units[i] for new, i in zip(names, kept, strict=True)}
    provenance = Provenance(source.file, source.sha256, source.size, m.layout)
    return Study(
        name,
        names,
        trajectories,
        m.time_unit,
        units,
        provenance,
        tuple(m.notes),
        units_of_covariates,
    )


def _note_missing(m: Measurements, measured: NDArray[np.bool_]) -> None:
    missing = int((~measured).sum())
    if missing:
        m.notes.append(Note("note", f"{plural(missing, 'missing value')} of {measured.size:,}"))


def _kept_variables(m: Measurements, measured: NDArray[np.bool_]) -> list[int]:
    """Variables with values; notes on empty and constant ones."""
    counts = np.bincount(m.variable[measured], minlength=len(m.names))
    empty = [m.names[i] for i in np.flatnonzero(counts == 0)]
    if empty:
        m.notes.append(Note("warning", f"no values at all of {listing(empty)}: left out"))
    kept = [int(i) for i in np.flatnonzero(counts)]
    low, high = np.full(len(m.names), np.inf), np.full(len(m.names), -np.inf)
    np.minimum.at(low, m.variable[measured], m.value[measured])
    np.maximum.at(high, m.variable[measured], m.value[measured])
    constant = [i for i in kept if low[i] == high[i]]
    if len(constant) == len(kept):
        raise UserError(
            f"nothing varies: {listing(m.names[i] for i in constant)}"
            f" {'is' if len(constant) == 1 else 'are'} constant.",
            file=m.file,
            column=m.names[constant[0]],
            mend="Dynamics need at least one variable that changes in time.",
        )
    for i in constant:
        text = f"{m.names[i]} is constant ({low[i]:g}): it carries no dynamics"
        m.notes.append(Note("warning", text, column=m.names[i]))
    return kept


def _note_names(m: Measurements, kept: list[int], names: Sequence[str]) -> None:
    for i, new in zip(kept, names, strict=True):
        if new != m.names[i]:
            m.notes.append(Note("note", f"'{m.names[i]}' is called {new}", column=m.names[i]))
    folded: dict[str, list[str]] = {}
    for i in kept:
        folded.setdefault(m.names[i].casefold(), []).append(m.names[i])
    for same in folded.values():
        if len(same) > 1:
            m.notes.append(
                Note("warning", f"{listing(same)} differ in case only and are kept apart")
            )


@dataclass(frozen=True)
class _Averages:
    """One entry for each trajectory, time and variable, sorted by trajectory, then time."""

    trajectory: Codes
    variable: Codes
    time: Array
    value: Array
    count: Codes
    spread: Array
    sd: Array
    censored: NDArray[np.bool_]


def _average(m: Measurements, rows: Codes) -> _Averages:
    """Average the values at the same trajectory, time and variable."""
    order = rows[np.lexsort((m.variable[rows], m.time[rows], m.trajectory[rows]))]
    trajectory, time, variable = m.trajectory[order], m.time[order], m.variable[order]
    new = np.zeros(order.size, bool)
    new[0] = True
    for column in (trajectory, time, variable):
        new[1:] |= column[1:] != column[:-1]
    group = np.cumsum(new) - 1
    start = np.flatnonzero(new)
    below = m.censored[order]
    all_below = np.logical_and.reduceat(below, start)
    # A limit is no measurement: beside measured replicates it does not enter their mean.
    use = ~below | all_below[group]
    if not use.all():
        m.notes.append(
            Note(
                "warning",
                f"{plural(int((~use).sum()), 'replicate')} below the limit beside measured ones"
                " left out of their mean",
            )
        )
    if (~new).any():
        n_time = np.unique(group[~new]).size
        m.notes.append(
            Note("note", f"replicates: {n_time:,} values are means over repeated measurements")
        )
    value, sd = m.value[order], m.sd[order]
    count = np.add.reduceat(use.astype(np.int64), start)
    # The first value is taken off before summing: equal replicates average to themselves.
    first = value[start]
    mean = first + np.add.reduceat(np.where(use, value - first[group], 0.0), start) / count
    spread = np.add.reduceat(np.where(use, (value - mean[group]) ** 2, 0.0), start)
    known = use & np.isfinite(sd)
    n_known = np.add.reduceat(known.astype(float), start)
    total = np.add.reduceat(np.where(known, sd, 0.0) ** 2, start)
    pooled = np.sqrt(
        np.divide(total, n_known, out=np.full(n_known.size, np.nan), where=n_known > 0)
    )
    keys = (trajectory[start], variable[start], time[start])
    return _Averages(*keys, mean, count, spread, pooled, all_below)


def _trajectories(
    m: Measurements,
    table: _Averages,
    position: Codes,
    n_variable: int,
    covariates: Mapping[str, Array],
) -> tuple[Trajectory, ...]:
    """Fill one dense table a trajectory."""
    new = np.ones(table.time.size, bool)
    new[1:] = (table.time[1:] != table.time[:-1]) | (table.trajectory[1:] != table.trajectory[:-1])
    if int(new.sum()) * n_variable > MAX_CELLS:
        raise UserError(
            f"{int(new.sum()):,} times of {n_variable:,} variables are too many.",
            file=m.file,
            mend="Keep the variables that matter, or split the file by subject.",
        )
    bounds = np.searchsorted(table.trajectory, np.arange(len(m.keys) + 1))
    result = []
    for index, (subject, condition) in enumerate(m.keys):
        part = slice(bounds[index], bounds[index + 1])
        if part.start == part.stop:
            m.notes.append(Note("warning", f"subject '{subject}' has no values and is left out"))
            continue
        fresh = new[part]
        row = np.cumsum(fresh) - 1
        where = (row, position[table.variable[part]])
        shape = (int(row[-1]) + 1, n_variable)
        dense: dict[str, Any] = {}
        for key, empty in (("value", np.nan), ("sd", np.nan), ("spread", 0.0)):
            dense[key] = np.full(shape, empty)
        dense["count"] = np.zeros(shape, np.int64)
        dense["censored"] = np.zeros(shape, bool)
        for key, filled in dense.items():
            filled[where] = getattr(table, key)[part]
        known = {k: float(v[index]) for k, v in covariates.items() if np.isfinite(v[index])}
        result.append(
            Trajectory(subject, condition, table.time[part][fresh], covariates=known, **dense)
        )
    return tuple(result)


def _check_times(m: Measurements, measured: NDArray[np.bool_]) -> None:
    group = m.trajectory[measured]
    if constant_by_group(m.time[measured], group, len(m.keys)) is None:
        return
    every = "every subject has" if np.unique(group).size > 1 else "there is"
    raise UserError(
        f"{every} one time point only.",
        file=m.file,
        mend="Dynamics need at least two times of one subject; where each animal was measured"
        " once, give those of one group the same subject.",
    )


def _note_single_times(m: Measurements, trajectories: Sequence[Trajectory]) -> None:
    unique = len({t.subject for t in trajectories}) == len(trajectories)
    single = [t.subject if unique else t.label for t in trajectories if t.time.size == 1]
    if single:
        text = f"{plural(len(single), 'trajectory')} with one time point: {listing(single)}"
        m.notes.append(Note("warning", text))

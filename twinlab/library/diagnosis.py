"""What the data say about a library: terms that cannot be told apart, or not be computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinlab.expressions import Term, format_number
from twinlab.study import Study

from .domain import Undefined, undefined_places
from .library import Library

Array = NDArray[np.float64]

CORRELATION_LIMIT = 0.99  #: pairs of terms above this cannot well be told apart
SAME = 1e-10  #: relative difference below which two terms are the same on the data
ENOUGH_ROWS = 10  #: fewer complete rows than this are filled up by interpolation
MAX_ROWS = 2000  #: more rows than this are thinned
MAX_RANKED_COLUMNS = 600  #: the rank of more columns is not looked for
VIF_LIMIT = 100.0  #: variance inflation worth a remark


@dataclass(frozen=True)
class CollinearGroup:
    """Terms linked by correlations beyond the limit on the data.

    Attributes
    ----------
    terms : tuple of int
        Indices into the library's terms, ascending.
    names : tuple of str
        Their texts.
    correlation : float
        The strongest correlation (Pearson) between two of them.
    """

    terms: tuple[int, ...]
    names: tuple[str, ...]
    correlation: float


@dataclass(frozen=True)
class LibraryReport:
    """What was found on the data.

    Attributes
    ----------
    duplicates : tuple of tuple of int
        Groups of columns that are the same on the data up to a number.
    duplicate_names : tuple of tuple of str
        Their labels, or their terms where the group is the same in every equation.
    collinear : tuple of CollinearGroup
    constant : tuple of int
        Terms (other than numbers) that do not vary on the data.
    constant_names : tuple of str
    undefined : tuple of Undefined
        Terms that are not defined on all values.
    rows : int
        Rows of data the terms were compared on.
    interpolated : bool
        Whether missing values in them were interpolated.
    n_terms, rank : int
        Terms that were compared, and how many of them are linearly independent on the rows.
    n_columns, column_rank : int
        The same for columns, where there are reactions (which may be sums of other columns);
        both 0 where there are none, or more than 600 columns.
    condition : float
        Condition number of the terms, each scaled to unit length (Belsley, Kuh and Welsch
        1980); infinite where they are dependent.
    inflated : tuple of (str, float)
        Terms of the largest variance inflation factors, beyond 100.
    merged : tuple of (str, str)
        Duplicates that were left out when the library was made.
    """

    duplicates: tuple[tuple[int, ...], ...]
    duplicate_names: tuple[tuple[str, ...], ...]
    collinear: tuple[CollinearGroup, ...]
    constant: tuple[int, ...]
    constant_names: tuple[str, ...]
    undefined: tuple[Undefined, ...]
    rows: int
    interpolated: bool
    n_terms: int
    rank: int
    n_columns: int
    column_rank: int
    condition: float
    inflated: tuple[tuple[str, float], ...]
    merged: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """The report in lines for people."""
        lines = [place.problem for place in self.undefined]
        for names in self.duplicate_names:
            lines.append(f"The same on these data up to a number: {', '.join(names)}.")
        for name in self.constant_names:
            lines.append(f"Does not vary on these data: {name}.")
        for group in self.collinear:
            value = f"{abs(group.correlation):.4f}"
            lines.append(f"Hard to tell apart (|correlation| up to {value}): {_some(group.names)}.")
        if self.rank < self.n_terms:
            lines.append(
                f"The {self.n_terms} terms have only {self.rank} independent directions on "
                f"{self.rows} rows of data; prior knowledge decides between the rest."
            )
        if self.column_rank < self.n_columns:
            lines.append(
                f"Reactions overlap with other columns: the {self.n_columns} columns have only "
                f"{self.column_rank} independent directions."
            )
        if self.inflated:
            worst = ", ".join(f"{name} ({format_number(v)})" for name, v in self.inflated)
            lines.append(
                f"Condition number {format_number(self.condition)}; variance inflation beyond "
                f"{VIF_LIMIT:g}: {worst}."
            )
        if self.merged:
            kept = dict.fromkeys(f"{label} ({source})" for label, source in self.merged)
            lines.append(f"Given twice, kept once: {_some(tuple(kept))}.")
        if not lines:
            return "No duplicate, collinear, constant or undefined terms."
        how = "rows with interpolated values" if self.interpolated else "complete rows"
        return "\n".join([*lines, f"Compared on {self.rows} {how}."])


def _some(names: tuple[str, ...], limit: int = 12) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def diagnose(library: Library, study: Study) -> LibraryReport:
    """Evaluate the terms on the data and report what cannot be told apart or computed.

    Rows are those in which every variable of the library was measured; where they are fewer
    than ten, missing values are interpolated linearly in time within a variable's own range.
    Terms that are not defined are left out of the comparison, and so are variables that the
    study does not measure.
    """
    undefined = tuple(undefined_places(library, study))
    known = tuple(name for name in library.names if name in study.variables)
    rows, interpolated = _rows(study, known)
    bad = {place.term for place in undefined}
    used = sorted({column.term for column in library.columns})
    numbers = [k for k in used if k not in bad and set(library.terms[k].variables) <= set(known)]
    matrix = _evaluate([library.terms[k] for k in numbers], known, rows)
    finite: NDArray[np.bool_] = np.all(np.isfinite(matrix), axis=0).reshape(-1)
    numbers = [k for k, good in zip(numbers, finite, strict=True) if good]
    matrix = matrix[:, finite]
    constant = tuple(
        k
        for k, v in zip(numbers, matrix.T, strict=True)
        if library.terms[k].factors and v.size and np.ptp(v) <= SAME * np.abs(v).max()
    )
    same = _same_direction(matrix)
    duplicates = _duplicate_columns(library, dict(zip(numbers, same, strict=True)))
    first = [i for i, group in enumerate(same) if group == i]
    distinct, index = matrix[:, first], [numbers[i] for i in first]
    rank, condition = _conditioning(distinct)
    return LibraryReport(
        duplicates,
        _duplicate_names(library, duplicates),
        _collinear(library, distinct, index),
        constant,
        tuple(library.terms[k].text for k in constant),
        undefined,
        len(rows),
        interpolated,
        len(first),
        rank,
        *_column_rank(library, matrix, numbers),
        condition,
        _inflated(library, distinct, index),
        library.merged,
    )


def _rows(study: Study, names: tuple[str, ...]) -> tuple[Array, bool]:
    """Measured values of `names`, one row a time; and whether some were interpolated."""
    index = [study.variables.index(name) for name in names]
    tables = [trajectory.value[:, index] for trajectory in study.trajectories]
    empty = np.empty((0, len(names)))
    everything = np.concatenate([empty, *tables])
    complete = everything[np.isfinite(everything).all(axis=1)]
    interpolated = len(complete) < ENOUGH_ROWS
    if interpolated:
        filled = [_filled(t.time, v) for t, v in zip(study.trajectories, tables, strict=True)]
        everything = np.concatenate([empty, *filled])
        more = everything[np.isfinite(everything).all(axis=1)]
        interpolated = len(more) > len(complete)
        complete = more
    step = -(-len(complete) // MAX_ROWS) or 1
    return complete[::step], interpolated


def _filled(time: Array, value: Array) -> Array:
    columns = []
    for column in value.T:
        known = np.isfinite(column)
        if known.any():
            column = np.interp(time, time[known], column[known], left=np.nan, right=np.nan)
        columns.append(column)
    return np.column_stack(columns) if columns else value


def _evaluate(terms: list[Term], names: tuple[str, ...], rows: Array) -> Array:
    values = {name: rows[:, i] for i, name in enumerate(names)}
    columns = [np.broadcast_to(term.evaluate(values), (len(rows),)) for term in terms]
    return np.column_stack(columns) if columns else np.empty((len(rows), 0))


def _same_direction(matrix: Array) -> list[int]:
    """For each column the first column that is a multiple of it (or itself)."""
    n = matrix.shape[1]
    length = np.linalg.norm(matrix, axis=0)
    unit = np.divide(matrix, length, out=np.zeros_like(matrix), where=length > 0)
    cosine = np.abs(unit.T @ unit)
    first = list(range(n))
    # A single row makes everything parallel to everything: nothing can be said then.
    if len(matrix) < 2:
        return first
    for i, j in zip(*np.nonzero(np.triu(cosine > 1 - 1e-9, 1)), strict=True):
        sign = np.sign(unit[:, i] @ unit[:, j])
        if np.abs(unit[:, i] - sign * unit[:, j]).max() <= SAME and first[j] == j:
            first[j] = first[i]
    return first


def _duplicate_columns(library: Library, same: dict[int, int]) -> tuple[tuple[int, ...], ...]:
    """Columns of parallel terms whose stoichiometry is parallel too."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for number, column in enumerate(library.columns):
        if column.term in same:
            scale = column.stoichiometry[0][1]
            direction = tuple((state, value / scale) for state, value in column.stoichiometry)
            groups.setdefault((direction, same[column.term]), []).append(number)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def _duplicate_names(
    library: Library, groups: tuple[tuple[int, ...], ...]
) -> tuple[tuple[str, ...], ...]:
    """Labels of each group; terms once for groups that are the same in every equation."""
    terms = [tuple(library.term_of(c).text for c in group) for group in groups]
    plain = [not any(library.columns[c].is_reaction for c in group) for group in groups]
    shared = [
        p and terms.count(t) == len(library.states) for p, t in zip(plain, terms, strict=True)
    ]
    names = [
        t if everywhere else tuple(library.column_label(c) for c in group)
        for t, everywhere, group in zip(terms, shared, groups, strict=True)
    ]
    return tuple(dict.fromkeys(names))


def _correlation(matrix: Array) -> tuple[Array, NDArray[np.int64]]:
    """Correlation matrix of the columns that vary, and which they are."""
    centred = matrix - matrix.mean(axis=0) if len(matrix) else matrix
    size = np.linalg.norm(centred, axis=0)
    varying = np.flatnonzero(size > SAME * np.maximum(np.linalg.norm(matrix, axis=0), 1e-300))
    unit = centred[:, varying] / size[varying]
    return unit.T @ unit, varying


def _collinear(library: Library, matrix: Array, index: list[int]) -> tuple[CollinearGroup, ...]:
    if len(matrix) < 3:
        return ()
    correlation, varying = _correlation(matrix)
    linked = np.triu(np.abs(correlation) > CORRELATION_LIMIT, 1)
    parent = list(range(len(varying)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, j in zip(*np.nonzero(linked), strict=True):
        parent[root(int(j))] = root(int(i))
    groups: dict[int, list[int]] = {}
    for i in range(len(varying)):
        groups.setdefault(root(i), []).append(i)
    found = []
    for members in groups.values():
        if len(members) > 1:
            block = np.triu(correlation[np.ix_(members, members)], 1)
            strongest = float(block.flat[np.argmax(np.abs(block))])
            terms = tuple(sorted(index[varying[i]] for i in members))
            names = tuple(library.terms[k].text for k in terms)
            found.append(CollinearGroup(terms, names, max(-1.0, min(1.0, strongest))))
    return tuple(sorted(found, key=lambda group: group.terms))


def _conditioning(matrix: Array) -> tuple[int, float]:
    """Rank and condition number of the columns scaled to unit length."""
    if not matrix.size:
        return matrix.shape[1], 1.0
    length = np.linalg.norm(matrix, axis=0)
    singular = np.linalg.svd(matrix / np.where(length > 0, length, 1.0), compute_uv=False)
    rank = int((singular > singular[0] * 1e-10).sum())
    full = rank == matrix.shape[1]
    return rank, float(singular[0] / singular[-1]) if full else float("inf")


def _column_rank(library: Library, matrix: Array, numbers: list[int]) -> tuple[int, int]:
    """Columns whose terms were compared, and how many of them are independent."""
    place = {k: i for i, k in enumerate(numbers)}
    columns = [column for column in library.columns if column.term in place]
    reactions = any(column.is_reaction for column in columns)
    if not reactions or len(columns) > MAX_RANKED_COLUMNS or not len(matrix):
        return 0, 0
    length = np.linalg.norm(matrix, axis=0)
    # The triangular factor has the inner products of the terms in far fewer rows.
    scaled = matrix / np.where(length > 0, length, 1.0)
    triangle: Array = np.asarray(np.linalg.qr(scaled, mode="r"))
    stacked = np.zeros((len(library.states), len(triangle), len(columns)))
    for c, column in enumerate(columns):
        for state, value in column.stoichiometry:
            stacked[state, :, c] = value * triangle[:, place[column.term]]
    singular = np.linalg.svd(stacked.reshape(-1, len(columns)), compute_uv=False)
    return len(columns), int((singular > singular[0] * 1e-10).sum())


def _inflated(
    library: Library, matrix: Array, index: list[int], count: int = 5
) -> tuple[tuple[str, float], ...]:
    """Largest variance inflation factors: the diagonal of the inverse correlation matrix."""
    if len(matrix) <= matrix.shape[1] + 1:
        return ()
    correlation, varying = _correlation(matrix)
    if not len(varying) or np.linalg.cond(correlation) > 1e14:
        return ()
    factor = np.diag(np.linalg.inv(correlation))
    order = [i for i in np.argsort(-factor, kind="stable")[:count] if factor[i] > VIF_LIMIT]
    return tuple((library.terms[index[varying[i]]].text, float(factor[i])) for i in order)

"""The wide layout: one time a row, one column a variable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError

from .cells import BAD, BELOW, MISSING, Numbers, is_missing, numbers, report_bad
from .columns import Columns
from .doses import DoseRow, dose_rows, repeat_roles
from .measurements import Measurements, check_order, constant_by_group, encode
from .names import TIME_UNITS, Heading, assign_roles, normal, role_of
from .problems import listing
from .study import Array, Note
from .table import Table

ROLES = ("subject", "condition", "time", "time_unit", "replicate", "amount")
DOSING_ROLES = ("amount_unit", "dose_unit", "target", "duration")
_DEVIATION = re.compile(r"(?:(?P<before>.+)_)?(?:sd|std|stdev)(?:_(?P<after>.+))?")
_STANDARD_ERROR = re.compile(r"(?:(.+)_)?(?:sem|se|stderr)(?:_(.+))?")


def read_wide(columns: Columns) -> tuple[Measurements, list[DoseRow]]:
    """Read the measurements and the doses of a wide table.

    Raises
    ------
    UserError
        No column of numbers beside the time.
    DataErrors
        Every cell that cannot be read, by line.
    """
    columns = _take_units_row(columns)
    if "amount" in columns:
        more = assign_roles(
            columns.headings, DOSING_ROLES, columns.table.file, columns.table.header_line
        )
        columns.roles.update(more | repeat_roles(columns))
    candidates = _candidates(columns)
    columns.find_decimal(columns.table.columns[i] for i in candidates)
    read = {i: numbers(columns.table.columns[i], columns.decimal) for i in candidates}
    places = _numeric(columns, read)
    deviations, places = _deviations(columns, places)
    if not places:
        raise UserError(
            "there is no column of numbers beside the time.",
            file=columns.table.file,
            mend="A wide table has one column of numbers for each variable.",
        )
    time = columns.times()
    for index in (*places, *deviations.values()):
        _report(columns, index, read[index], allow_below=index in places)
    found = [read[i] for i in places]
    amount = columns.number("amount")
    nothing = np.all([f.kind == MISSING for f in found], axis=0)
    measuring = amount.missing | ~nothing
    columns.identity("subject")
    columns.identity("condition", measuring)
    rows = np.flatnonzero(measuring)
    keys, trajectory = _keys(columns, rows)
    _check_order(columns, keys, trajectory, time.value, rows)
    sd = {v: _positive(columns, index, read[index].value) for v, index in deviations.items()}
    time_unit = columns.time_unit() or _unit(columns, columns.roles["time"], TIME_UNITS)
    events = dose_rows(columns, time, amount, time_unit)
    columns.problems.raise_any()
    unknown = np.full(columns.lines.size, np.nan)
    block = _Block(
        places,
        time.value[rows],
        np.column_stack([f.value[rows] for f in found]),
        np.column_stack([f.kind[rows] == BELOW for f in found]),
        np.column_stack([sd.get(i, unknown)[rows] for i in places]),
    )
    return _measurements(columns, keys, trajectory, time_unit, block), events


@dataclass(frozen=True)
class _Block:
    """Numbers of a wide table, (n_row, n_place) each; `places` are the table's columns."""

    places: list[int]
    time: Array
    value: Array
    below: NDArray[np.bool_]
    sd: Array


def _check_order(
    columns: Columns,
    keys: list[tuple[str, str]],
    trajectory: NDArray[np.int64],
    time: Array,
    rows: NDArray[np.int64],
) -> None:
    marks = columns.cells("replicate")
    replicates, replicate = encode([marks[i] for i in rows])
    labels = [f"{s} ({c})" if c else s for s, c in keys]
    known = np.where(columns.unnamed, np.nan, time)[rows]
    check_order(
        columns.problems, (trajectory, replicate), known, columns.lines[rows],
        columns.title("time"), (labels, replicates), columns.order_mend,
    )  # fmt: skip


def _measurements(
    columns: Columns,
    keys: list[tuple[str, str]],
    trajectory: NDArray[np.int64],
    time_unit: str,
    block: _Block,
) -> Measurements:
    """Set covariates apart and put the other columns below each other, row by row."""
    fixed, varying = _covariates(columns, block, trajectory, len(keys))
    n_row, n_variable = block.time.size, len(varying)
    names = {j: columns.headings[place].name for j, place in enumerate(block.places)}
    units = {j: _unit(columns, place) for j, place in enumerate(block.places)}
    return Measurements(
        columns.table.file,
        f"wide, separated by {columns.table.separator}",
        keys,
        [names[j] for j in varying],
        [units[j] for j in varying],
        np.repeat(trajectory, n_variable),
        np.tile(np.arange(n_variable), n_row),
        np.repeat(block.time, n_variable),
        block.value[:, varying].ravel(),
        block.sd[:, varying].ravel(),
        block.below[:, varying].ravel(),
        time_unit,
        {names[j]: level for j, level in fixed.items()},
        {names[j]: units[j] for j in fixed},
        columns.notes,
    )


def _take_units_row(columns: Columns) -> Columns:
    """Take a first row that holds units, not numbers, off the table."""
    first = [column[0] for column in columns.table.columns]
    time = columns.roles["time"]
    kinds = numbers([c.replace(",", ".") for c in first]).kind
    cell = first[time].strip("[]() ")
    is_unit = cell.lower() in TIME_UNITS or (is_missing(cell) and any(first))
    others = [k for i, k in enumerate(kinds) if i not in columns.roles.values()]
    if not is_unit or any(k not in (BAD, MISSING) for k in others) or BAD not in kinds:
        return columns
    table = columns.table
    columns.notes.append(
        Note("note", "this line holds units, no measurements", int(table.lines[0]))
    )
    rest = Table(
        table.file, table.header, table.header_line, tuple(c[1:] for c in table.columns),
        table.lines[1:], table.delimiter, table.notes, table.problems,
    )  # fmt: skip
    if not rest.lines.size:
        raise UserError("there are no rows below the units.", file=table.file)
    units = ["" if is_missing(u) else u.strip("[]() ") for u in first]
    return replace(columns, table=rest, units_row=units, unnamed=columns.unnamed[1:])


def _unit(columns: Columns, index: int, known: dict[str, str] | None = None) -> str:
    """Unit of a column: from its heading, else from the row of units."""
    unit = columns.headings[index].unit
    if not unit and columns.units_row:
        unit = columns.units_row[index]
    return known.get(unit.lower(), unit) if known else unit


def _candidates(columns: Columns) -> list[int]:
    """Columns without a role; those that look like a second id or time are left out and noted."""
    found, doubtful = [], []
    for index, heading in enumerate(columns.headings):
        if index in columns.roles.values():
            continue
        role = role_of(heading, ROLES)
        # One letter, such as T beside a column 'time', is a variable.
        if role is not None and len(heading.key) > 1:
            doubtful.append(heading.text)
        else:
            found.append(index)
    if doubtful:
        text = f"left out, as another column has their role: {listing(doubtful)}"
        columns.notes.append(Note("warning", text))
    return found


def _numeric(columns: Columns, read: Mapping[int, Numbers]) -> list[int]:
    """Columns with numbers in them; columns of plain words are noted and left out."""
    kept, words, empty = [], [], []
    for index, found in read.items():
        cells = columns.table.columns[index]
        kinds = set(np.unique(found.kind).tolist())
        if kinds == {MISSING}:
            empty.append(columns.headings[index].text)
        elif kinds <= {MISSING, BAD} and not any(re.match(r"[<>+-]?\s*[\d.,]", c) for c in cells):
            words.append(columns.headings[index].text)
        else:
            kept.append(index)
    if words:
        text = f"left out, as they hold no numbers: {listing(words)}"
        columns.notes.append(Note("warning", text))
    if empty:
        text = f"left out, as they hold no values at all: {listing(empty)}"
        columns.notes.append(Note("warning", text))
    if empty and not kept and not words:
        raise UserError(
            "all values are missing.",
            file=columns.table.file,
            mend="Check that the values were exported.",
        )
    return kept


def _deviations(columns: Columns, places: list[int]) -> tuple[dict[int, int], list[int]]:
    """Pair ``x_sd`` with ``x``; leave standard errors out."""
    keys: dict[str, int] = {columns.headings[i].key: i for i in places}
    pairs: dict[int, int] = {}
    errors: list[Heading] = []
    for index in places:
        key = normal(columns.headings[index].text.replace("(", "_").replace(")", ""))
        match = _DEVIATION.fullmatch(key)
        variable = keys.get((match["before"] or match["after"] or "") if match else "")
        if variable is not None and variable != index:
            pairs[variable] = index
            continue
        match = _STANDARD_ERROR.fullmatch(key)
        if match and keys.get(match[1] or match[2] or "", index) != index:
            errors.append(columns.headings[index])
    for variable, index in pairs.items():
        text = f"is the sd of one measurement of '{columns.headings[variable].name}'"
        columns.notes.append(
            Note(
                "note",
                f"'{columns.headings[index].text}' {text}",
                column=columns.headings[index].text,
            )
        )
    if errors:
        text = f"standard errors are left out: {listing(h.text for h in errors)}; give the sd"
        columns.notes.append(Note("warning", text))
    drop = {*pairs.values(), *(columns.headings.index(h) for h in errors)}
    return pairs, [i for i in places if i not in drop]


def _report(columns: Columns, index: int, found: Numbers, *, allow_below: bool) -> None:
    report_bad(
        found, columns.table.columns[index], columns.lines, columns.headings[index].text,
        columns.problems, decimal=columns.decimal, allow_below=allow_below,
    )  # fmt: skip


def _positive(columns: Columns, index: int, value: Array) -> Array:
    """Standard deviations: negative ones are problems, zero means unknown."""
    title = columns.headings[index].text
    for row in np.flatnonzero(value < 0):
        columns.problems.add(
            f"sd is negative ({value[row]:g}).",
            row=int(columns.lines[row]),
            column=title,
            mend="Correct it, or leave the cell empty.",
        )
    if (value == 0).any():
        columns.notes.append(Note("warning", "an sd of zero is taken as unknown", column=title))
    return np.where(value > 0, value, np.nan)


def _keys(
    columns: Columns, rows: NDArray[np.int64]
) -> tuple[list[tuple[str, str]], NDArray[np.int64]]:
    subject, condition = columns.cells("subject"), columns.cells("condition")
    return columns.trajectories([subject[i] for i in rows], [condition[i] for i in rows])


def _covariates(
    columns: Columns, block: _Block, trajectory: NDArray[np.int64], n_trajectory: int
) -> tuple[dict[int, Array], list[int]]:
    """Set columns apart that hold one value a subject, such as an age or a weight."""
    fixed: dict[int, Array] = {}
    several_times = constant_by_group(block.time, trajectory, n_trajectory) is None
    if n_trajectory > 1 and several_times:
        for j, values in enumerate(block.value.T):
            level = constant_by_group(values, trajectory, n_trajectory)
            # The same value everywhere is a constant variable; it is noted as such later.
            if level is not None and np.unique(level[np.isfinite(level)]).size > 1:
                fixed[j] = level
                seen = np.bincount(trajectory[np.isfinite(values)])
                name = columns.headings[block.places[j]].name
                once = "measured once" if seen.max() == 1 else "constant"
                text = f"'{name}' is {once} in each subject, so taken as a covariate"
                level_of_note = "warning" if seen.max() == 1 else "note"
                columns.notes.append(Note(level_of_note, text, column=name))
    varying = [j for j in range(len(block.places)) if j not in fixed]
    if not varying:
        raise UserError(
            "nothing varies in time: every column is constant within each subject.",
            file=columns.table.file,
            mend="Dynamics need at least one variable that changes in time.",
        )
    return fixed, varying

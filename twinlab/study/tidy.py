"""The tidy layout: one measurement a row."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from .cells import BELOW, BELOW_LIMIT, MISSING, NUMBER, Numbers, is_missing, numbers
from .columns import Columns
from .doses import DoseRow, dose_rows, repeat_roles
from .measurements import Measurements, check_order, constant_by_group, encode
from .problems import listing, plural
from .study import Array, Note

ROLES = (
    "subject", "condition", "time", "time_unit", "variable", "value", "unit", "sd", "replicate",
    "flag", "dose", "dose_unit", "amount", "amount_unit", "target", "duration",
)  # fmt: skip
# A column with one of these names says by yes or no whether the value is below the limit.
_YES_NO_HEADINGS = frozenset(("censored", "cens", "blq", "bloq"))
_YES_NO = dict.fromkeys(("1", "yes", "y", "true"), "blq") | dict.fromkeys(
    ("0", "no", "n", "false"), ""
)
_LIMIT_FLAG = re.compile(r"<\s*(\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?)")


def read_tidy(columns: Columns) -> tuple[Measurements, list[DoseRow]]:
    """Read the measurements and the doses of a tidy table.

    Raises
    ------
    DataErrors
        Every cell that cannot be read, by line.
    """
    columns.roles.update(repeat_roles(columns))
    columns.find_decimal()
    time = columns.times()
    value = columns.number("value", allow_below=True)
    amount = columns.number("amount")
    dosing = ~amount.missing
    measuring = ~(dosing & value.missing)
    if (dosing & measuring).any():
        count = plural(int((dosing & measuring).sum()), "row")
        columns.notes.append(
            Note("warning", f"{count} with both a value and an amount: read as both")
        )
    subject = columns.identity("subject")
    condition = columns.identity("condition", measuring)
    keys, trajectory = _keys(columns, subject, condition, measuring)
    variable_cells = _variable_cells(columns, measuring)
    names, variable = encode([c for c, m in zip(variable_cells, measuring, strict=True) if m])
    everywhere = np.zeros(time.value.size, np.int64)
    everywhere[measuring] = variable
    replicates, replicate = encode(columns.cells("replicate"))
    rows_time = np.where(measuring & ~columns.unnamed, time.value, np.nan)
    check_order(
        columns.problems,
        (trajectory, everywhere, replicate),
        rows_time,
        columns.lines,
        columns.title("time"),
        ([_label(key) for key in keys], names, replicates),
        columns.order_mend,
    )
    units = _units(columns, variable_cells, names, measuring)
    values, censored = _censored(columns, value, measuring)
    sd = _deviations(columns)
    time_unit = columns.time_unit()
    levels, level_units = _dose_level(columns, trajectory, measuring, len(keys))
    own = _covariates(columns, trajectory, measuring, len(keys))
    levels |= {columns.headings[place].name: level for place, level in own.items()}
    level_units |= {columns.headings[place].name: columns.headings[place].unit for place in own}
    events = dose_rows(columns, time, amount, time_unit)
    columns.note_unused(own)
    columns.problems.raise_any()
    measurements = Measurements(
        columns.table.file,
        f"tidy, separated by {columns.table.separator}",
        keys,
        names,
        units,
        trajectory[measuring],
        variable,
        time.value[measuring],
        values[measuring],
        sd[measuring],
        censored[measuring],
        time_unit,
        levels,
        level_units,
        columns.notes,
    )
    return measurements, events


def _label(key: tuple[str, str]) -> str:
    return f"{key[0]} ({key[1]})" if key[1] else key[0]


def _keys(
    columns: Columns, subject: list[str], condition: list[str], measuring: NDArray[np.bool_]
) -> tuple[list[tuple[str, str]], NDArray[np.int64]]:
    """Trajectories of the measuring rows; dosing rows get index 0 and are matched by name."""
    rows = np.flatnonzero(measuring)
    keys, part = columns.trajectories([subject[i] for i in rows], [condition[i] for i in rows])
    trajectory = np.zeros(len(subject), np.int64)
    trajectory[rows] = part
    return keys, trajectory


def _variable_cells(columns: Columns, measuring: NDArray[np.bool_]) -> list[str]:
    cells = columns.cells("variable")
    for index in np.flatnonzero(measuring):
        if not cells[index]:
            columns.problems.add(
                "there is no variable in this row.",
                row=int(columns.lines[index]),
                column=columns.title("variable"),
                mend="Name what was measured, or remove the row.",
            )
    return cells


def _units(
    columns: Columns, variables: list[str], names: list[str], measuring: NDArray[np.bool_]
) -> list[str]:
    """Unit of each variable; a problem where one has two."""
    found: dict[str, str] = {}
    if "unit" in columns:
        cells = columns.cells("unit")
        # dict.fromkeys keeps each pair once, in the file's order.
        for name, unit, used in dict.fromkeys(zip(variables, cells, measuring, strict=True)):
            if not used or is_missing(unit) or found.get(name) == unit:
                continue
            if name in found:
                row = next(
                    i for i, pair in enumerate(zip(variables, cells, strict=True))
                    if pair == (name, unit)
                )  # fmt: skip
                columns.problems.add(
                    f"'{name}' is in '{found[name]}' elsewhere and in '{unit}' here.",
                    row=int(columns.lines[row]),
                    column=columns.title("unit"),
                    mend="Convert the values of each variable to one unit.",
                )
                continue
            found[name] = unit
    stated = columns.headings[columns.roles["value"]].unit
    return [found.get(name, stated) for name in names]


def _censored(
    columns: Columns, value: Numbers, measuring: NDArray[np.bool_]
) -> tuple[Array, NDArray[np.bool_]]:
    """Values with their censoring, from cells such as ``<100`` and from the flag column."""
    values, censored = value.value.copy(), value.kind == BELOW
    if "flag" not in columns:
        return values, censored
    cells = columns.cells("flag")
    if columns.headings[columns.roles["flag"]].key in _YES_NO_HEADINGS:
        cells = [_YES_NO.get(cell.lower(), cell) for cell in cells]
    unknown: Counter[str] = Counter()
    no_limit = 0
    for index, flag in enumerate(cells):
        if is_missing(flag) or not measuring[index]:
            continue
        if not (flag.startswith("<") or BELOW_LIMIT.fullmatch(flag)):
            unknown[flag] += 1
            continue
        if value.kind[index] == NUMBER:
            censored[index] = True
        elif value.missing[index]:
            limit = _LIMIT_FLAG.fullmatch(flag)
            if limit:
                values[index], censored[index] = float(limit[1].replace(",", ".")), True
            else:
                no_limit += 1
    if unknown:
        count = plural(sum(unknown.values()), "row")
        text = f"flags {listing(unknown)} ({count}) are not understood and not used"
        columns.notes.append(Note("warning", text, column=columns.title("flag")))
    if no_limit:
        text = f"{plural(no_limit, 'value')} below a limit that is not given: taken as missing"
        columns.notes.append(Note("warning", text, column=columns.title("flag")))
    return values, censored


def _deviations(columns: Columns) -> Array:
    found = columns.number("sd")
    columns.at_least("sd", found, 0.0)
    zero = int((found.value == 0).sum())
    if zero:
        text = f"{plural(zero, 'sd')} of zero taken as unknown"
        columns.notes.append(Note("warning", text, column=columns.title("sd")))
    return np.where(found.value > 0, found.value, np.nan)


def _dose_level(
    columns: Columns,
    trajectory: NDArray[np.int64],
    measuring: NDArray[np.bool_],
    n_trajectory: int,
) -> tuple[dict[str, Array], dict[str, str]]:
    """Read the 'dose' column as a covariate: a level, no event."""
    if "dose" not in columns:
        return {}, {}
    title = columns.title("dose")
    given = np.where(measuring, columns.number("dose").value, np.nan)
    level = constant_by_group(given, trajectory, n_trajectory)
    if level is None:
        text = f"'{title}' changes within a subject and is left out; give doses as 'amount' rows"
        columns.notes.append(Note("warning", text, column=title))
        return {}, {}
    columns.notes.append(
        Note(
            "note", f"'{title}' is kept as a covariate (a level, not a dosing event)", column=title
        )
    )
    units = [u for u in dict.fromkeys(columns.cells("dose_unit")) if not is_missing(u)]
    return {"dose": level}, {"dose": " or ".join(units)}


def _covariates(
    columns: Columns,
    trajectory: NDArray[np.int64],
    measuring: NDArray[np.bool_],
    n_trajectory: int,
) -> dict[int, Array]:
    """Columns of numbers without a role that hold one value a subject, such as a weight."""
    found: dict[int, Array] = {}
    for place in columns.without_role() if n_trajectory > 1 else ():
        cells = numbers(columns.table.columns[place], columns.decimal)
        if not np.isin(cells.kind, (NUMBER, MISSING)).all():
            continue
        given = np.where(measuring, cells.value, np.nan)
        level = constant_by_group(given, trajectory, n_trajectory)
        # The same value everywhere tells no subject from another.
        if level is None or np.unique(level[np.isfinite(level)]).size < 2:
            continue
        found[place] = level
        name = columns.headings[place].text
        text = f"'{name}' is constant in each subject, so taken as a covariate"
        columns.notes.append(Note("note", text, column=name))
    return found

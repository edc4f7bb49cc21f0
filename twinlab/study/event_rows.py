"""Columns of NONMEM that say what a row is: a measurement, a dose, or neither."""

from __future__ import annotations

from dataclasses import replace

from .cells import is_missing
from .names import Heading
from .problems import Problems, listing
from .study import Note
from .table import Table

#: EVID: what a row is (NONMEM Users Guide, Part VIII, EVID); MDV: whether its value counts.
EVENT, MISSING_VALUE = "evid", "mdv"
_MEASUREMENT, _DOSE, _OTHER = "0", "1", "2"
_RESET = ("3", "4")
_EMPTY = ""


def take_event_columns(
    table: Table, headings: tuple[Heading, ...], amount: int | None, values: list[int]
) -> tuple[Table, tuple[Heading, ...]]:
    """Apply the columns EVID and MDV and take them off the table.

    Rows of doses and of other events lose their values, rows of measurements their amounts; so
    does a value with MDV 1.  What contradicts itself becomes a problem of its line.

    Parameters
    ----------
    table : Table
    headings : tuple of Heading
    amount : int or None
        Column of the amounts.
    values : list of int
        Columns that may hold measured values.
    """
    places = {h.key: i for i, h in enumerate(headings) if h.key in (EVENT, MISSING_VALUE)}
    if not places or amount is None:
        return table, headings
    columns = [list(column) for column in table.columns]
    taken = set(places.values())
    values = [i for i in values if i not in taken and i != amount]
    for row in range(table.lines.size):
        event = _code(columns, places.get(EVENT), row)
        given = columns[amount][row]
        dosed = not is_missing(given) and given not in ("0", "0.0")
        _check(table.problems, event, dosed, int(table.lines[row]), headings[amount].text)
        if event == _MEASUREMENT or not dosed:
            columns[amount][row] = _EMPTY
        if event in (_DOSE, _OTHER) or _code(columns, places.get(MISSING_VALUE), row) == "1":
            for i in values:
                columns[i][row] = _EMPTY
    keep = [i for i in range(len(headings)) if i not in taken]
    names = listing([headings[i].text for i in sorted(taken)])
    note = Note("note", f"{names}: rows are measurements or doses as these columns say")
    rest = replace(
        table,
        header=tuple(table.header[i] for i in keep),
        columns=tuple(columns[i] for i in keep),
        notes=(*table.notes, note),
    )
    return rest, tuple(headings[i] for i in keep)


def _code(columns: list[list[str]], place: int | None, row: int) -> str:
    """A whole number as text; empty where there is none."""
    cell = "" if place is None else columns[place][row].strip()
    return "" if is_missing(cell) else cell.removesuffix(".0")


def _check(problems: Problems, event: str, dosed: bool, line: int, amount: str) -> None:
    if event in _RESET:
        problems.add(
            f"EVID {event} resets the system, which is not read.",
            row=line,
            column=EVENT.upper(),
            mend="Give what follows a reset as another subject or condition.",
        )
    elif event not in ("", _MEASUREMENT, _DOSE, _OTHER):
        problems.add(
            f"'{event}' is no kind of event.",
            row=line,
            column=EVENT.upper(),
            mend="Give 0 for a measurement, 1 for a dose, 2 for anything else.",
        )
    elif event == _DOSE and not dosed:
        problems.add(
            "this is a dose (EVID 1) without an amount.",
            row=line,
            column=amount,
            mend="Give the amount, or EVID 0.",
        )
    elif event == _MEASUREMENT and dosed:
        problems.add(
            "this is a measurement (EVID 0) with an amount.",
            row=line,
            column=amount,
            mend="Give EVID 1 for a dose, or leave the amount empty.",
        )

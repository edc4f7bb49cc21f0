"""Read a study from a file or from an upload's bytes."""

from __future__ import annotations

from pathlib import Path

from twinlab.errors import UserError

from . import tidy, wide
from .columns import Columns
from .doses import REPEAT_ROLES, add_dose_file, attach, beside, is_dose_file
from .event_rows import take_event_columns
from .measurements import to_study
from .names import Heading, heading, role_of
from .problems import listing
from .source import Source, check_bytes, read_source
from .study import Study
from .table import Table, late_header, read_table

_NONMEM = frozenset(("amt", "evid", "mdv", "cmt", "rate", "ii", "addl", "cens"))
_PETAB = frozenset(("observableid", "simulationconditionid"))
_DOSING_ROLES = (
    "subject", "condition", "time", "time_unit", "amount", "amount_unit", "unit", "target",
    "duration",
)  # fmt: skip
_DATES = frozenset(("date", "datetime", "date_time", "timestamp", "datum", "clock_time"))
_TIDY_MEND = "Use the tidy layout: columns subject, time, variable, value."


def read_study(path: str | Path, *, name: str | None = None) -> Study:
    """Read a tidy or wide CSV or TSV file.

    Doses are taken from the file itself (rows with an ``amount``), from ``NAME_doses.csv``
    beside it, or from a ``doses.csv`` in the same folder whose subjects match.  Whatever was
    decided on the way is in the study's notes.

    Parameters
    ----------
    path : str or Path
    name : str, optional
        Name of the study; the file's name without its ending by default.

    Raises
    ------
    UserError
        The file cannot be read as a study; `DataErrors` holds every problem by line.
    """
    source = read_source(path)
    study = _read(source, name)
    found = beside(Path(path))
    if found is not None:
        study = add_dose_file(study, read_source(found[0]), own=found[1])
    return study


def read_study_bytes(
    data: bytes, filename: str, *, doses: tuple[bytes, str] | None = None
) -> Study:
    """Read a study from the bytes of an uploaded file.

    Parameters
    ----------
    data : bytes
    filename : str
        Its ending and base name are used; a path in front of it is dropped.
    doses : (bytes, str), optional
        Bytes and name of a dosing file that belongs to it.

    Raises
    ------
    UserError
        As `read_study`.
    """
    study = _read(check_bytes(data, filename), None)
    if doses is not None:
        study = add_dose_file(study, check_bytes(*doses), own=True)
    return study


def _read(source: Source, name: str | None) -> Study:
    table = read_table(source)
    headings = tuple(heading(text) for text in table.header)
    _refuse_later_formats(headings, source.file)
    is_tidy = _is_tidy(table, headings)
    table, headings = _without_events(table, headings, is_tidy)
    columns = Columns.of(table, headings, tidy.ROLES if is_tidy else wide.ROLES)
    _need_time(table, columns)
    measurements, doses = (tidy.read_tidy if is_tidy else wide.read_wide)(columns)
    study = to_study(measurements, source, name or Path(source.file).stem)
    return attach(study, doses, source.file)


def _without_events(
    table: Table, headings: tuple[Heading, ...], is_tidy: bool
) -> tuple[Table, tuple[Heading, ...]]:
    """The table after its columns EVID and MDV, if it has any, have been applied."""
    roles = {
        role_of(h, ("value", *_DOSING_ROLES, *REPEAT_ROLES)): i for i, h in enumerate(headings)
    }
    known = {i for role, i in roles.items() if role not in (None, "value")}
    free = [i for i in range(len(headings)) if i not in known]
    values = [roles["value"]] if is_tidy else free
    return take_event_columns(table, headings, roles.get("amount"), values)


def _is_tidy(table: Table, headings: tuple[Heading, ...]) -> bool:
    """Whether the columns are those of the tidy layout: a variable and its value."""
    roles = {role_of(h, ("variable", "value")): i for i, h in enumerate(headings)}
    if "variable" in roles and "value" not in roles:
        cells = table.columns[roles["variable"]]
        if headings[roles["variable"]].key == "variable" or any(c.isalpha() for c in cells):
            raise UserError(
                f"there is a column '{headings[roles['variable']].text}', but no column 'value'.",
                file=table.file,
                row=table.header_line,
                mend="Name the column of measured values 'value'.",
            )
    return "variable" in roles and "value" in roles


def _need_time(table: Table, columns: Columns) -> None:
    if "time" in columns:
        return
    rows = ([column[row] for column in table.columns] for row in range(min(30, table.lines.size)))
    mend = late_header(rows, table.lines)
    if mend is None and any(h.key in _DATES for h in columns.headings):
        mend = (
            "Dates are not read: add a column 'time' with the time passed since a common start,"
            " in one unit (hours, days ...)."
        )
    if mend is None:
        mend = f"Name it 'time'; the columns found are {listing(table.header, 8)}."
    raise UserError("there is no time column.", file=table.file, row=table.header_line, mend=mend)


def _refuse_later_formats(headings: tuple[Heading, ...], file: str) -> None:
    keys = {h.key for h in headings}
    if "dv" in keys and keys & _NONMEM and "variable" not in keys:
        kind = "a NONMEM table"
    elif {k.replace("_", "") for k in keys} & _PETAB:
        kind = "a PEtab table"
    elif any(role_of(h, ("amount",)) for h in headings) and (
        is_dose_file(file) or all(role_of(h, _DOSING_ROLES) for h in headings)
    ):
        raise UserError(
            "holds doses, no measurements.", file=file, mend="Open the data file beside it."
        )
    else:
        return
    raise UserError(
        f"looks like {kind}, which this version does not read.", file=file, mend=_TIDY_MEND
    )

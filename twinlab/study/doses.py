"""Dosing events: in the data file itself, or in a file beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError
from twinlab.expressions.messages import known_names

from .cells import Numbers, is_missing
from .columns import Columns
from .dosing import overlap
from .names import TIME_UNITS, Heading, assign_roles, heading
from .problems import listing, plural
from .source import Source
from .study import Array, Dose, Note, Study
from .table import read_table

MOST_ADDITIONAL = 10_000  #: doses that one row can stand for
_ROLES = (
    "subject", "condition", "time", "time_unit", "amount", "unit", "amount_unit", "dose_unit",
    "target", "duration",
)  # fmt: skip


#: Columns of infusions by their rate and of doses repeated at an interval.
REPEAT_ROLES = ("rate", "interval", "additional")


@dataclass(frozen=True)
class DoseRow:
    """A dose, whom it is for (None for everybody), and its line in the file."""

    subject: str | None
    condition: str | None
    dose: Dose
    line: int


def repeat_roles(columns: Columns) -> dict[str, int]:
    """Columns that say how an amount is given and how often, where there are amounts."""
    if "amount" not in columns:
        return {}
    table = columns.table
    return assign_roles(columns.headings, REPEAT_ROLES, table.file, table.header_line)


def dose_rows(columns: Columns, time: Numbers, amount: Numbers, time_unit: str) -> list[DoseRow]:
    """Doses of the rows with an amount; what is wrong with them is added to the problems."""
    if "amount" not in columns:
        return []
    columns.at_least("amount", amount, 0.0)
    duration = _durations(columns, amount, time_unit)
    interval, additional = _repeats(columns, amount)
    zero = int((amount.value == 0).sum())
    if zero:
        columns.notes.append(Note("note", f"{plural(zero, 'dose')} of zero skipped"))
    stated = _stated_unit(columns.headings[columns.roles["amount"]])
    unit_role = next((r for r in ("amount_unit", "dose_unit", "unit") if r in columns), "unit")
    texts = {
        role: ["" if is_missing(cell) else cell for cell in columns.cells(role)]
        for role in ("target", unit_role)
    }
    subject, condition = columns.cells("subject"), columns.cells("condition")
    rows = [
        DoseRow(
            subject[i] or None,
            condition[i] or None,
            Dose(
                float(time.value[i] + n * interval[i]),
                float(amount.value[i]),
                texts["target"][i],
                float(duration[i]),
                texts[unit_role][i] or stated,
            ),
            int(columns.lines[i]),
        )
        for i in np.flatnonzero((amount.value > 0) & np.isfinite(time.value))
        for n in range(int(additional[i]) + 1)
    ]
    _check_overlap(columns, rows)
    return rows


def _durations(columns: Columns, amount: Numbers, time_unit: str) -> Array:
    """Duration of each row's infusion, given as such or by its rate; 0 for a bolus."""
    duration, rate = columns.number("duration"), columns.number("rate")
    columns.at_least("duration", duration, 0.0)
    columns.at_least("rate", rate, 0.0)
    _check_duration_unit(columns, time_unit, bool(np.isfinite(duration.value).any()))
    given, by_rate = np.nan_to_num(duration.value), rate.value > 0
    implied = np.where(by_rate, amount.value / np.where(by_rate, rate.value, 1.0), 0.0)
    unlike = by_rate & (given > 0) & (np.abs(implied - given) > 1e-3 * given)
    for i in np.flatnonzero(unlike):
        columns.problems.add(
            f"amount and rate mean a duration of {implied[i]:g}, not of {given[i]:g}.",
            row=int(columns.lines[i]),
            column=columns.title("rate"),
            mend="Give the rate or the duration, not both.",
        )
    return np.where(given > 0, given, np.nan_to_num(implied))


def _repeats(columns: Columns, amount: Numbers) -> tuple[Array, NDArray[np.int64]]:
    """Interval of each row's doses, and how many follow the first."""
    interval, additional = columns.number("interval"), columns.number("additional")
    columns.at_least("additional", additional, 0.0)
    more = np.where(amount.value > 0, np.nan_to_num(additional.value), 0.0)
    for i in np.flatnonzero((more > 0) & ~(interval.value > 0)):
        columns.problems.add(
            "there are additional doses, but no interval between them.",
            row=int(columns.lines[i]),
            column=columns.title("additional"),
            mend="Give the interval in a column 'interval' (or 'ii').",
        )
    for i in np.flatnonzero((more != np.round(more)) | (more > MOST_ADDITIONAL)):
        columns.problems.add(
            f"{more[i]:g} is no number of additional doses.",
            row=int(columns.lines[i]),
            column=columns.title("additional"),
            mend=f"Give a whole number up to {MOST_ADDITIONAL}.",
        )
        more[i] = 0.0
    return np.nan_to_num(interval.value), np.maximum(more, 0.0).astype(np.int64)


def _check_overlap(columns: Columns, rows: Sequence[DoseRow]) -> None:
    """Add a problem for every infusion that begins while another one into its target lasts."""
    last: dict[tuple[str | None, str | None, str], DoseRow] = {}
    for row in sorted(rows, key=lambda row: row.dose.time):
        if row.dose.duration == 0:
            continue
        key = (row.subject, row.condition, row.dose.target)
        before = last.get(key)
        if before and overlap(before.dose, row.dose):
            columns.problems.add(
                f"this infusion (from {row.dose.time:g}) begins before the one in line "
                f"{before.line} ends ({before.dose.time + before.dose.duration:g}).",
                row=row.line,
                column=columns.title("time"),
                mend="Correct a time, rate or duration, or give one infusion of their sum.",
            )
        last[key] = row


def _stated_unit(column: Heading) -> str:
    match = re.fullmatch(r"(?:amount|amt|dose)_(\w+)", column.key)
    return column.unit or (match[1] if match and match[1] != "amount" else "")


def _check_duration_unit(columns: Columns, time_unit: str, used: bool) -> None:
    if "duration" not in columns or not used or not time_unit:
        return
    column = columns.headings[columns.roles["duration"]]
    match = re.fullmatch(r"duration_(\w+)", column.key)
    stated = (column.unit or (match[1] if match else "")).lower()
    if stated and TIME_UNITS.get(stated, stated) != time_unit:
        columns.problems.add(
            f"the duration is in '{stated}' and the time in '{time_unit}'.",
            column=column.text,
            mend="Give both in one unit.",
        )


def is_dose_file(name: str) -> bool:
    """Whether a file's name is that of a dosing file: ``doses.csv`` or ``NAME_doses.csv``."""
    return re.search(r"(^|_)doses\.\w+$", name, re.IGNORECASE) is not None


def beside(path: Path) -> tuple[Path, bool] | None:
    """Dosing file beside a data file, and whether it carries the data file's name."""
    if is_dose_file(path.name):
        return None
    for suffix in dict.fromkeys((path.suffix, ".csv", ".tsv")):
        own = path.with_name(f"{path.stem}_doses{suffix}")
        if own.is_file():
            return own, True
    shared = path.with_name("doses.csv")
    return (shared, False) if shared.is_file() else None


def add_dose_file(study: Study, source: Source, *, own: bool) -> Study:
    """Add the doses of a dosing file to a study.

    Parameters
    ----------
    own : bool
        The file carries the data file's name: then it must fit.  A plain ``doses.csv`` whose
        subjects are others is left alone, and a note says so.

    Raises
    ------
    UserError
        The file is no dosing table, or its time is in another unit.
    """
    table = read_table(source)
    headings = tuple(heading(text) for text in table.header)
    if not any(h.key in ("amount", "amt") or h.key.startswith("amount_") for h in headings):
        # Beside the data, a column 'dose' is the amount.
        headings = tuple(
            replace(h, key="amount" + h.key.removeprefix("dose"))
            if re.fullmatch(r"dose(_mg|_g|_ug)?", h.key)
            else h
            for h in headings
        )
    columns = Columns.of(table, headings, _ROLES)
    columns.notes = [n for n in columns.notes if n.level != "note"]
    if not own and not _fits(columns, study):
        text = f"{source.file} is for other subjects and is not used"
        return replace(study, notes=(*study.notes, Note("note", text)))
    columns.roles.update(repeat_roles(columns))
    for role in ("time", "amount"):
        if role not in columns:
            raise UserError(
                f"there is no column '{role}'.",
                file=source.file,
                row=table.header_line,
                mend="A dosing file has the columns subject, time, amount, and if needed target"
                " and duration.",
            )
    columns.find_decimal()
    unit = columns.time_unit()
    if unit and study.time_unit and unit != study.time_unit:
        raise UserError(
            f"times are in '{unit}', those of the data in '{study.time_unit}'.",
            file=source.file,
            column=columns.title("time"),
            mend="Convert the doses' times.",
        )
    amount = columns.number("amount")
    missing = amount.missing
    doses = dose_rows(columns, _times_of(columns, missing), amount, study.time_unit)
    columns.problems.raise_any()
    notes = [
        Note("note", f"{plural(len(doses), 'dose')} from {source.file} ({source.sha256[:12]})")
    ]
    if missing.any():
        text = f"{plural(int(missing.sum()), 'row')} of {source.file} without an amount skipped"
        notes.append(Note("warning", text))
    columns.note_unused()
    notes += [replace(n, text=f"{source.file}: {n.text}", row=None) for n in columns.notes]
    return attach(replace(study, notes=(*study.notes, *notes)), doses, source.file, strict=own)


def _times_of(columns: Columns, skipped: NDArray[np.bool_]) -> Numbers:
    """Times of the rows with an amount; the others may lack one."""
    time = columns.number("time")
    for index in np.flatnonzero(time.missing & ~skipped):
        columns.problems.add(
            "there is no time in this row.",
            row=int(columns.lines[index]),
            column=columns.title("time"),
            mend="Give the time of the dose.",
        )
    return time


def _fits(columns: Columns, study: Study) -> bool:
    if "subject" in columns:
        return bool(set(columns.cells("subject")) & set(study.subjects))
    if "condition" in columns:
        return bool(set(columns.cells("condition")) & set(study.conditions))
    return len(study.trajectories) == 1


def attach(study: Study, rows: Sequence[DoseRow], file: str, *, strict: bool = False) -> Study:
    """Give each trajectory the doses that are for it, by time; say which are for nobody.

    Raises
    ------
    UserError
        `strict`, and a dose is for a subject that is nowhere in the data.
    """
    for row in rows:
        if strict and row.subject is not None and row.subject not in study.subjects:
            known = known_names(row.subject, study.subjects)
            raise UserError(
                f"this dose is for '{row.subject}', a subject that is nowhere in the data.",
                file=file,
                row=row.line,
                column="subject",
                mend=f"Correct the name or remove the row. {known}",
            )
    unused: list[DoseRow] = []
    found: list[list[Dose]] = [[] for _ in study.trajectories]
    index: dict[str | None, list[int]] = {None: list(range(len(study.trajectories)))}
    for number, trajectory in enumerate(study.trajectories):
        index.setdefault(trajectory.subject, []).append(number)
    for row in rows:
        fits = [
            i
            for i in index.get(row.subject, [])
            if row.condition in (None, study.trajectories[i].condition)
        ]
        for i in fits:
            found[i].append(row.dose)
        if not fits:
            unused.append(row)
    notes = list(study.notes)
    if unused:
        notes.append(Note("warning", f"{file}: {_nobody(unused)}"))
    late = sum(
        dose.time >= t.time[-1]
        for t, doses in zip(study.trajectories, found, strict=True)
        for dose in doses
    )
    if late:
        text = f"{plural(late, 'dose')} after the last measurement: no effect on the fit"
        notes.append(Note("note", f"{file}: {text}"))
    trajectories = tuple(
        replace(t, doses=(*t.doses, *sorted(doses, key=lambda d: d.time)))
        for t, doses in zip(study.trajectories, found, strict=True)
    )
    return replace(study, trajectories=trajectories, notes=tuple(notes))


def _nobody(rows: Iterable[DoseRow]) -> str:
    rows = list(rows)
    names = dict.fromkeys(" ".join(filter(None, (r.subject, r.condition))) for r in rows)
    return f"{plural(len(rows), 'dose')} for {listing(names)}, who have no measurements, not used"

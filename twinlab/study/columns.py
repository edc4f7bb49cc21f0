"""A table with its columns' roles: what both layouts and dosing files read alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .cells import Numbers, decimal_mark, is_missing, numbers, report_bad
from .measurements import encode
from .names import TIME_UNITS, Heading, assign_roles, time_heading
from .problems import Problems, listing, plural
from .study import Note
from .table import Table

NUMERIC_ROLES = (
    "time", "value", "sd", "dose", "amount", "duration", "rate", "interval", "additional",
)  # fmt: skip


@dataclass
class Columns:
    """Columns of a table by role, with the problems and notes found so far.

    Attributes
    ----------
    roles : dict of role to column index
    decimal : str
        '.' or ','.
    unnamed : (n_row,) bool array
        Rows whose subject or condition is missing where others have one.
    """

    table: Table
    headings: tuple[Heading, ...]
    roles: dict[str, int]
    problems: Problems
    notes: list[Note]
    decimal: str = "."
    units_row: list[str] = field(default_factory=list)
    unnamed: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))

    @staticmethod
    def of(table: Table, headings: tuple[Heading, ...], roles: Iterable[str]) -> Columns:
        """Assign roles to the columns and say what was taken for what.

        Raises
        ------
        UserError
            Two columns compete for one role.
        """
        line = table.header_line
        chosen = assign_roles(headings, roles, table.file, line)
        found = Columns(table, headings, chosen, table.problems, list(table.notes))
        found.unnamed = np.zeros(table.lines.size, bool)
        for role, index in chosen.items():
            name = headings[index]
            if name.key != role:
                text = f"column '{name.text}' is taken as the {role}"
                found.notes.append(Note("note", text, line, name.text))
        return found

    def __contains__(self, role: str) -> bool:
        return role in self.roles

    @property
    def lines(self) -> NDArray[np.int64]:
        """Line of each row."""
        return self.table.lines

    def title(self, role: str) -> str:
        """Heading of a role's column as the file writes it."""
        return self.headings[self.roles[role]].text

    def cells(self, role: str) -> list[str]:
        """Cells of a role's column; empty texts where there is no such column."""
        if role in self.roles:
            return self.table.columns[self.roles[role]]
        return [""] * self.lines.size

    def find_decimal(self, more: Iterable[Sequence[str]] = ()) -> None:
        """Find the decimal mark from the number columns (and `more` columns)."""
        columns = [self.cells(role) for role in NUMERIC_ROLES if role in self.roles]
        self.decimal = decimal_mark([*columns, *more], self.table.delimiter, self.table.file)
        if self.decimal == ",":
            self.notes.append(Note("note", "decimal commas are read as decimal points"))

    def number(self, role: str, *, allow_below: bool = False) -> Numbers:
        """Read a role's column as numbers; cells that are none become problems."""
        cells = self.cells(role)
        found = numbers(cells, self.decimal)
        if role in self.roles:
            title = self.title(role)
            report_bad(
                found, cells, self.lines, title, self.problems,
                decimal=self.decimal, what=role, allow_below=allow_below,
            )  # fmt: skip
        return found

    def at_least(self, role: str, found: Numbers, limit: float) -> None:
        """Add a problem for every number of the role below the limit."""
        for index in np.flatnonzero(found.value < limit):
            self.problems.add(
                f"{role} is negative ({found.value[index]:g}).",
                row=int(self.lines[index]),
                column=self.title(role),
                mend="Correct it, or leave the cell empty.",
            )

    def times(self) -> Numbers:
        """Read the time column; a row without a time is a problem."""
        time = self.number("time")
        for index in np.flatnonzero(time.missing):
            self.problems.add(
                "there is no time in this row.",
                row=int(self.lines[index]),
                column=self.title("time"),
                mend="Give the time, or remove the row.",
            )
        return time

    @property
    def order_mend(self) -> str:
        """What to do where time goes backwards."""
        if "subject" in self:
            return "Sort the rows by time, or mark repeated courses in a 'replicate' column."
        return "Sort the rows by time; if there are several subjects, name their column 'subject'."

    def identity(self, role: str, used: NDArray[np.bool_] | None = None) -> list[str]:
        """Cells of a text column that is either wholly empty or filled in every used row."""
        cells = self.cells(role)
        if role in self.roles and any(cells):
            for index, cell in enumerate(cells):
                if not cell and (used is None or used[index]):
                    self.unnamed[index] = True
                    self.problems.add(
                        f"there is no {role} in this row.",
                        row=int(self.lines[index]),
                        column=self.title(role),
                        mend=f"Repeat the {role} in every row.",
                    )
        return cells

    def time_unit(self) -> str:
        """Unit of time from the heading or the column of units."""
        stated = time_heading(self.headings[self.roles["time"]]) or ""
        cells = self.cells("time_unit")
        found = ""
        for cell in dict.fromkeys(cells):
            unit = TIME_UNITS.get(cell.lower(), cell)
            if is_missing(cell) or unit == found:
                continue
            if found or (stated and stated != unit):
                self.problems.add(
                    f"the time is in '{found or stated}' elsewhere and in '{cell}' here.",
                    row=int(self.lines[cells.index(cell)]),
                    column=self.title("time_unit"),
                    mend="Convert all times to one unit.",
                )
                break
            found = unit
        return found or stated

    def trajectories(
        self, subject: Sequence[str], condition: Sequence[str]
    ) -> tuple[list[tuple[str, str]], NDArray[np.int64]]:
        """Distinct (subject, condition) pairs and the index of each row among them."""
        subjects, first = encode(subject)
        conditions, second = encode(condition)
        pair, inverse = np.unique(first * len(conditions) + second, return_inverse=True)
        # Number the pairs by first appearance, not by code.
        start = np.full(pair.size, self.lines.size)
        np.minimum.at(start, inverse, np.arange(inverse.size))
        order = np.argsort(start)
        rank = np.empty(pair.size, np.int64)
        rank[order] = np.arange(pair.size)
        keys = [
            (subjects[code // len(conditions)] or "1", conditions[code % len(conditions)])
            for code in pair[order]
        ]
        return keys, rank[inverse]

    def without_role(self) -> list[int]:
        """Places of the columns that no role has."""
        used = set(self.roles.values())
        return [i for i in range(len(self.headings)) if i not in used]

    def note_unused(self, more: Iterable[int] = ()) -> None:
        """Note the columns that neither have a role nor are among the places `more`."""
        used = {*self.roles.values(), *more}
        names = [h.text for i, h in enumerate(self.headings) if i not in used]
        if names:
            text = f"{plural(len(names), 'column')} not used: {listing(names, 12)}"
            self.notes.append(Note("note", text))

"""Text to a rectangular table of cells, with the line of the file each row came from."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError

from .names import find_time
from .problems import Problems, listing, plural
from .source import Source
from .study import Note

MAX_ROWS = 1_000_000  #: lines of a file
MAX_COLUMNS = 1_000  #: columns of a file
MAX_CELLS = 10_000_000  #: lines times columns
_DELIMITERS = "\t;,"
_DELIMITER_NAMES = {"\t": "tabs", ";": "semicolons", ",": "commas"}
_SHEET_ERRORS = ("#N/A", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!")
_NO_TABLE = "A table has one header line and columns separated by commas, semicolons or tabs."


@dataclass(frozen=True)
class Table:
    """Cells of a file, stripped of blanks around them.

    Attributes
    ----------
    header : tuple of str
    header_line : int
        Line of the file the header is in.
    columns : tuple of lists of str
        One list a column, all as long as `lines`.
    lines : (n_row,) int array
        Line of the file of each row; the first line is 1.
    notes : tuple of Note
    problems : Problems
        Rows with a wrong number of fields; they are not in the columns.
    """

    file: str
    header: tuple[str, ...]
    header_line: int
    columns: tuple[list[str], ...]
    lines: NDArray[np.int64]
    delimiter: str
    notes: tuple[Note, ...]
    problems: Problems

    @property
    def separator(self) -> str:
        """The delimiter in words."""
        return _DELIMITER_NAMES[self.delimiter]


class _Lines:
    """Lines of a text without comments; `number` is the line last handed out."""

    def __init__(self, text: str) -> None:
        self._lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self.number = 0
        self.comments = 0

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self._lines, 1):
            self.number = number
            if line.startswith("#") and not line.startswith(_SHEET_ERRORS):
                self.comments += 1
            else:
                yield line

    def head(self, count: int) -> list[str]:
        """First lines that are neither blank nor comments."""
        found: list[str] = []
        for line in self:
            if line.strip(" \t,;"):
                found.append(line)
                if len(found) == count:
                    break
        self.number = self.comments = 0
        return found


def read_table(source: Source) -> Table:
    """Split a source into header and columns.

    Raises
    ------
    UserError
        Not a table, too many rows or columns, a quote that never ends.
    DataErrors
        Ragged rows, columns without a name, names that occur twice.
    """
    lines = _Lines(source.text)
    if len(lines) > MAX_ROWS + 1:
        raise UserError(
            f"the file has {len(lines):,} lines; the limit is {MAX_ROWS:,}.",
            file=source.file,
            mend="Keep the variables and times that matter, or split it by subject.",
        )
    notes: list[Note] = []
    delimiter = _declared_delimiter(lines, notes) or _sniff(lines, source.file)
    header, header_line, rows, numbers = _split(lines, delimiter, source.file)
    problems = Problems(source.file)
    rows, numbers = _rectangular(header, header_line, rows, numbers, problems)
    if not rows:
        problems.raise_any()
        raise UserError(
            "there is a header, but no rows below it.",
            file=source.file,
            row=header_line,
            mend="Export the data again; every measurement is one row.",
        )
    if len(rows) * len(header) > MAX_CELLS:
        raise UserError(
            f"{len(rows):,} rows of {len(header):,} columns are too many.",
            file=source.file,
            mend="Keep the variables and times that matter, or split it by subject.",
        )
    columns = [[cell.strip() for cell in column] for column in zip(*rows, strict=True)]
    names = Problems(source.file)
    late = late_header(rows[:30], numbers)
    header, columns = _named(header, columns, header_line, late, names, notes)
    names.raise_any()
    if lines.comments:
        notes.append(Note("note", f"{plural(lines.comments, 'line')} starting with # skipped"))
    return Table(
        source.file,
        tuple(header),
        header_line,
        tuple(columns),
        np.array(numbers, np.int64),
        delimiter,
        tuple(notes),
        problems,
    )


def _declared_delimiter(lines: _Lines, notes: list[Note]) -> str | None:
    # Excel writes and reads a first line such as "sep=;".
    match = re.fullmatch(r"\"?sep=([,;\t])\"?", lines._lines[0].strip(" "), re.IGNORECASE)
    if not match:
        return None
    lines._lines[0] = ""
    notes.append(Note("note", f"separator as the first line says ('sep={match[1]}')", 1))
    return match[1]


def _sniff(lines: _Lines, file: str) -> str:
    """Choose the delimiter whose number of fields is the most constant over the first lines."""
    sample = lines.head(60)
    best, best_share = "", 0.0
    for delimiter in _DELIMITERS:
        # Line by line: a quote that never ends spoils its own line only.
        widths = Counter(
            len(row) for line in sample for row in _reader([line], delimiter, strict=False)
        )
        width, count = widths.most_common(1)[0] if widths else (1, 0)
        share = round(count / max(len(sample), 1), 1)
        if width >= 2 and share >= 0.6 and share > best_share:
            best, best_share = delimiter, share
    # Two lines (header and one row) that disagree still are a table with a ragged row.
    if not best and sample:
        best = next((d for d in _DELIMITERS if sample[0].count(d) and len(sample) <= 3), "")
    if not best:
        raise UserError("is not a table.", file=file, mend=_NO_TABLE)
    return best


def _reader(lines: Iterable[str], delimiter: str, *, strict: bool = True) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=strict)


def _split(
    lines: _Lines, delimiter: str, file: str
) -> tuple[list[str], int, list[list[str]], list[int]]:
    rows: list[list[str]] = []
    numbers: list[int] = []
    previous = 0
    try:
        for row in _reader(lines, delimiter):
            # A quoted field may span lines: the row is said to be where it starts.
            if row and any(row) and "".join(row).strip():
                rows.append(row)
                numbers.append(lines.number if lines.number == previous + 1 else previous + 1)
                if len(row) > MAX_COLUMNS:
                    raise UserError(
                        f"there are {len(row):,} columns; the limit is {MAX_COLUMNS:,}.",
                        file=file,
                        row=numbers[-1],
                        mend="Keep the variables that matter, or use the tidy layout.",
                    )
            previous = lines.number
    except csv.Error as error:
        raise UserError(
            f"the quotes are wrong ({error}).",
            file=file,
            row=previous + 1,
            mend='Close every quoted field with ", and write a quote inside one as "".',
        ) from None
    if not rows:
        raise UserError(
            "there is nothing but comments and empty lines.", file=file, mend="Export it again."
        )
    return [cell.strip() for cell in rows[0]], numbers[0], rows[1:], numbers[1:]


def _rectangular(
    header: list[str],
    header_line: int,
    rows: list[list[str]],
    numbers: list[int],
    problems: Problems,
) -> tuple[list[list[str]], list[int]]:
    """Keep the rows with the header's number of fields; empty fields too many are cut off.

    Raises
    ------
    UserError
        Most rows have another number of fields than the header.
    """
    width = len(header)
    rows = [
        row[:width] if len(row) > width and not any(map(str.strip, row[width:])) else row
        for row in rows
    ]
    usual, count = Counter(map(len, rows)).most_common(1)[0] if rows else (width, 0)
    if usual != width and 2 * count > len(rows):
        raise UserError(
            f"the header has {plural(width, 'field')}, most rows have {usual}.",
            file=problems.file,
            row=header_line,
            mend=late_header(rows[:30], numbers) or "Give every column a name.",
        )
    for number, row in zip(numbers, rows, strict=True):
        if len(row) != width:
            problems.add(
                f"the row has {plural(len(row), 'field')}, the header {width}.",
                row=number,
                mend="Quote fields that hold the separator, or remove what is too much."
                if len(row) > width
                else "Leave a field empty between two separators where nothing was measured.",
            )
    kept = [i for i, row in enumerate(rows) if len(row) == width]
    return [rows[i] for i in kept], [numbers[i] for i in kept]


def late_header(rows: Iterable[Sequence[str]], numbers: Iterable[int]) -> str | None:
    """Say which line looks like the header where the first one is none."""
    for row, number in zip(rows, numbers, strict=False):
        if find_time(row) is not None:
            return (
                f"Line {number} looks like the header: delete the lines above it,"
                " or start them with #."
            )
    return None


def _named(
    header: list[str],
    columns: list[list[str]],
    header_line: int,
    late: str | None,
    problems: Problems,
    notes: list[Note],
) -> tuple[list[str], list[list[str]]]:
    """Drop empty and row-number columns without a name; refuse other nameless and double ones."""
    keep: list[int] = []
    empty = 0
    for index, (name, cells) in enumerate(zip(header, columns, strict=True)):
        if name:
            keep.append(index)
        elif not any(cells):
            empty += 1
        elif index == 0 and _row_numbers(cells):
            notes.append(
                Note("note", "the first column holds row numbers and is left out", header_line)
            )
        else:
            problems.add(
                f"column {index + 1} has values but no name.",
                row=header_line,
                mend=late or "Name it, or remove it.",
            )
    if empty:
        notes.append(Note("note", f"{plural(empty, 'empty column')} without a name left out"))
    places: dict[str, list[int]] = {}
    for index in keep:
        places.setdefault(header[index], []).append(index)
    for found in places.values():
        if len(found) > 1:
            where = listing(str(i + 1) for i in found).replace("'", "")
            problems.add(
                f"columns {where} have the same name.",
                row=header_line,
                column=header[found[0]],
                mend="Give each column a name of its own.",
            )
    return [header[i] for i in keep], [columns[i] for i in keep]


def _row_numbers(cells: list[str]) -> bool:
    return any(
        all(cell == str(number) for number, cell in enumerate(cells, start)) for start in (0, 1)
    )

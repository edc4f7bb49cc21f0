"""Text cells to numbers: missing values, decimal commas, limits of quantification."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError

from .problems import MAX_KEPT, Problems

MISSING_TEXTS = frozenset(
    ("", ".", "-", "--", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", "missing", "?")
)
NUMBER, MISSING, BELOW, INFINITE, BAD = range(5)

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_INFINITE = re.compile(r"[+-]?inf(?:inity)?|[+-]?∞", re.IGNORECASE)
_COMMA = re.compile(r"<?\s*[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_POINT = re.compile(r"<?\s*[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")
#: How 'below the limit of quantification' is written without the limit.
BELOW_LIMIT = re.compile(
    r"<\s*l?lo[qd]|below.*|blq|bql|bl?lo[qd]|l?lo[qd]|(?:left[ _-]?)?censored", re.IGNORECASE
)
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d.*)?|\d{1,2}:\d{2}(:\d{2})?")


@dataclass(frozen=True)
class Numbers:
    """A column of cells as numbers.

    Attributes
    ----------
    value : (n_row,) array
        NaN unless the kind is NUMBER or BELOW (then the limit).
    kind : (n_row,) int array
        NUMBER, MISSING, BELOW ("<100"), INFINITE or BAD.
    """

    value: NDArray[np.float64]
    kind: NDArray[np.int64]

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Cells with nothing in them."""
        return self.kind == MISSING


def is_missing(cell: str) -> bool:
    """Whether a cell means 'not measured'."""
    return cell.lower() in MISSING_TEXTS


def numbers(cells: Sequence[str], decimal: str = ".") -> Numbers:
    """Read cells as numbers; nothing is guessed, what is not plainly a number is BAD."""
    plain = _all_plain(cells) if decimal == "." else None
    if plain is not None:
        return Numbers(plain, np.full(plain.size, NUMBER, np.int64))
    lookup = {cell: _number(cell, decimal) for cell in set(cells)}
    pairs = [lookup[cell] for cell in cells]
    value = np.array([pair[0] for pair in pairs], float)
    kind = np.array([pair[1] for pair in pairs], np.int64)
    return Numbers(value, kind)


def _all_plain(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """Numbers of a column in which every cell is one, the common and fast case; else None."""
    try:
        value = np.fromiter(map(float, cells), float, len(cells))
    except ValueError:
        return None
    # float() also reads 'nan', 'inf' and '1_000', which are not for it to decide.
    return value if np.isfinite(value).all() and "_" not in "".join(cells) else None


def _number(cell: str, decimal: str) -> tuple[float, int]:
    text = cell.replace("\u2212", "-")
    if text.lower() in MISSING_TEXTS:
        return np.nan, MISSING
    kind = NUMBER
    if text.startswith("<"):
        kind, text = BELOW, text[1:].lstrip("= ")
    if decimal == ",":
        if "." in text:
            return np.nan, BAD
        text = text.replace(",", ".")
    if _NUMBER.fullmatch(text):
        value = float(text)
        return (value, kind) if np.isfinite(value) else (np.nan, INFINITE)
    return np.nan, INFINITE if _INFINITE.fullmatch(text) else BAD


def decimal_mark(columns: Iterable[Sequence[str]], delimiter: str, file: str) -> str:
    """Choose between decimal point and decimal comma from the cells of the number columns.

    Raises
    ------
    UserError
        Tab-separated cells such as ``1,234`` that fit both a decimal and a thousands comma.
    """
    if delimiter == ",":
        return "."
    commas: set[str] = set()
    points = 0
    for cells in columns:
        unique = set(cells)
        commas.update(cell for cell in unique if _COMMA.fullmatch(cell))
        points += sum(1 for cell in unique if _POINT.fullmatch(cell))
    if not commas or points > len(commas):
        return "."
    if delimiter == "\t" and points == 0 and all(_THOUSANDS.fullmatch(c) for c in commas):
        example = min(commas)
        raise UserError(
            f"'{example}' can be read as {example.replace(',', '.')} or as"
            f" {example.replace(',', '')}.",
            file=file,
            mend="Write decimals with a point and thousands without a separator.",
        )
    return ","


def report_bad(
    found: Numbers,
    cells: Sequence[str],
    lines: NDArray[np.int64],
    column: str,
    problems: Problems,
    *,
    decimal: str = ".",
    what: str = "value",
    allow_below: bool = False,
) -> None:
    """Add a problem for every cell that is not a finite number (or a limit, where allowed)."""
    wrong = np.isin(found.kind, (INFINITE, BAD) if allow_below else (INFINITE, BAD, BELOW))
    rows = np.flatnonzero(wrong)
    problems.count_more(max(0, rows.size - MAX_KEPT))
    for index in rows[:MAX_KEPT]:
        problem, mend = explain(cells[index], decimal, what)
        problems.add(problem, row=int(lines[index]), column=column, mend=mend)


def explain(cell: str, decimal: str = ".", what: str = "value") -> tuple[str, str]:
    """Say what is wrong with a cell and how to mend it."""
    shown = cell if len(cell) <= 40 else cell[:37] + "..."
    problem = f"'{shown}' is not a number."
    if _number(cell, decimal)[1] == INFINITE:
        return f"'{shown}' is infinite.", "Leave the cell empty if the value is not known."
    if cell.startswith("#"):
        return f"'{shown}' is a spreadsheet error.", "Mend the formula, or empty the cell."
    if cell.startswith(">"):
        return (
            f"'{shown}' is above a limit, which is not supported.",
            "Leave the cell empty, or give the limit and say so in your report.",
        )
    if what == "time" and _DATE.fullmatch(cell):
        return (
            f"'{shown}' is a date or a time of day, not a number.",
            "Give the time passed since a common start, in one unit (hours, days ...).",
        )
    if BELOW_LIMIT.fullmatch(cell) or cell.lower() in ("nd", "n.d.", "n.d"):
        return problem, "Write the limit, as in <100; leave the cell empty if not measured."
    if decimal == "," and _POINT.fullmatch(cell):
        return problem, "The file has decimal commas elsewhere: use one decimal mark throughout."
    if re.fullmatch(r"[+-]?\d{1,3}([.,' \u00a0\u202f]\d{3})+([.,]\d+)?", cell):
        return problem, "Leave out the thousands separator."
    if decimal == "." and _COMMA.fullmatch(cell):
        return problem, "Write the decimals with a point."
    if re.match(r"[+-]?[\d.,]+\s*[^\d\s.,]", cell):
        return problem, "Keep the number alone in the cell; units go into the header or 'unit'."
    return problem, "Correct it, or leave the cell empty if nothing was measured."

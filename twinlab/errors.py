"""The errors a user can cause, with words that say where and how to mend it."""

from __future__ import annotations


class UserError(Exception):
    """The user's input is wrong: the message says what, where and the mend.

    Every front end shows ``str(error)`` as it is; the command line exits with 2.

    Parameters
    ----------
    problem : str
        What is wrong, one sentence.
    file : str, optional
        Name of the file it is in (never a whole path of the user's machine).
    row : int, optional
        Line of the file, counted as an editor counts: the header is line 1.
    column : str, optional
        Name of the column (or YAML key).
    mend : str, optional
        What to do about it, one sentence.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str | None = None,
        row: int | None = None,
        column: str | None = None,
        mend: str | None = None,
    ) -> None:
        self.problem, self.file, self.row, self.column, self.mend = problem, file, row, column, mend
        super().__init__(self.message)

    @property
    def where(self) -> str:
        """Place of the problem, such as ``data.csv, line 3, column 'value'``."""
        parts = [self.file] if self.file else []
        if self.row is not None:
            parts.append(f"line {self.row}")
        if self.column is not None:
            parts.append(f"column '{self.column}'")
        return ", ".join(parts)

    @property
    def message(self) -> str:
        """The whole message: place, problem, mend."""
        text = f"{self.where}: {self.problem}" if self.where else self.problem
        return f"{text} {self.mend}" if self.mend else text

    def __str__(self) -> str:
        return self.message


class ExpressionError(UserError):
    """A term is not in the term language; shows a caret under the offending character.

    Parameters
    ----------
    problem : str
        What is wrong, one sentence.
    text : str
        The expression as the user wrote it.
    position : int
        Index of the offending character in `text` (may equal ``len(text)``: at the end).
    mend : str, optional
        What to do about it.
    """

    def __init__(self, problem: str, text: str, position: int, *, mend: str | None = None) -> None:
        self.text, self.position = text, position
        super().__init__(problem, mend=mend)

    def __str__(self) -> str:
        return f"{self.message}\n  {self.text}\n  {' ' * self.position}^"


class Cancelled(Exception):
    """The user stopped the work; nothing is wrong and nothing was lost."""

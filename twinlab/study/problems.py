"""Several problems of one file in one error."""

from __future__ import annotations

from collections.abc import Iterable

from twinlab.errors import UserError

MAX_SHOWN = 20  #: problems shown in one message
MAX_KEPT = 1000  #: problems kept before sorting by line; the rest are only counted


class DataErrors(UserError):
    """Everything found wrong with a data file; the first problem is the first line of the message.

    Attributes
    ----------
    problems : tuple of UserError
        By line, at most ``MAX_SHOWN``.
    total : int
        How many there are altogether.
    """

    def __init__(self, problems: Iterable[UserError], total: int | None = None) -> None:
        self.problems = tuple(problems)
        self.total = total if total is not None else len(self.problems)
        first = self.problems[0]
        super().__init__(
            first.problem, file=first.file, row=first.row, column=first.column, mend=first.mend
        )

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems]
        if self.total > len(lines):
            lines.append(f"... and {self.total - len(lines)} more problems.")
        return "\n".join(lines)


class Problems:
    """Collects the problems of one file, to raise them together."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._kept: list[UserError] = []
        self._total = 0

    def __bool__(self) -> bool:
        return self._total > 0

    def add(
        self,
        problem: str,
        *,
        row: int | None = None,
        column: str | None = None,
        mend: str | None = None,
    ) -> None:
        """Add one problem; see `UserError` for the words."""
        self._total += 1
        if len(self._kept) < MAX_KEPT:
            self._kept.append(UserError(problem, file=self.file, row=row, column=column, mend=mend))

    def count_more(self, number: int) -> None:
        """Count problems that are not worth keeping one by one."""
        self._total += number

    def raise_any(self) -> None:
        """Raise the problems collected so far, if any.

        Raises
        ------
        DataErrors
            With the first ``MAX_SHOWN`` by line.
        """
        if self._total:
            self._kept.sort(key=lambda e: e.row if e.row is not None else 0)
            raise DataErrors(self._kept[:MAX_SHOWN], self._total)


def listing(names: Iterable[str], most: int = 5) -> str:
    """Write names for a sentence: ``'a', 'b' and 3 more``."""
    items = [f"'{name}'" for name in names]
    if len(items) > most:
        return ", ".join(items[:most]) + f" and {len(items) - most} more"
    return ", ".join(items[:-1]) + " and " + items[-1] if len(items) > 1 else "".join(items)


def plural(count: int, word: str) -> str:
    """Write ``1 row`` or ``2 rows``, ``1 trajectory`` or ``2 trajectories``."""
    if count == 1:
        return f"1 {word}"
    return f"{count:,} {word[:-1]}ies" if word.endswith("ory") else f"{count:,} {word}s"

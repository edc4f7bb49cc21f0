"""Results as JSON lines that only grow: what is written stays, what is torn is done again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from twinlab.errors import UserError

from .measure import settings, versions

Row = dict[str, Any]


def identity(key: str, method: str, budget: float) -> str:
    """What makes a row the one that is looked for: cell, method, settings, versions."""
    return json.dumps([key, method, settings(budget), versions(method)], sort_keys=True)


def identity_of(row: Mapping[str, Any]) -> str:
    """Identity of a row that was read."""
    parts = [row["key"], row["method"], row["settings"], row["versions"]]
    return json.dumps(parts, sort_keys=True)


class Results:
    """Rows by identity, and the file they are kept in.

    Parameters
    ----------
    path : path-like, optional
        A JSON-lines file; what it holds is read, and every new row is added and flushed.  None
        keeps the rows in memory.

    Raises
    ------
    UserError
        The file cannot be read or written, or a line of it is no row.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = None if path is None else Path(path)
        self.rows: dict[str, Row] = {}
        if self.path is not None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._read()
                self.path.open("ab").close()
            except OSError as error:
                raise UserError(
                    f"the results cannot be kept here ({error.strerror}).",
                    file=self.path.name,
                    mend="Choose a file you may write to.",
                ) from None

    def _read(self) -> None:
        assert self.path is not None
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):  # the last line was torn by a kill: it is done again
            with self.path.open("r+b") as file:
                file.truncate(whole)
        for number, line in enumerate(content[:whole].splitlines(), 1):
            try:
                row = json.loads(line)
                self.rows[identity_of(row)] = row
            except (ValueError, KeyError, TypeError):
                raise UserError(
                    "this line is not a row of benchmark results.",
                    file=self.path.name,
                    row=number,
                    mend="Remove the line, or name another file.",
                ) from None

    def add(self, row: Row) -> None:
        """Keep a row; it is on the disk when this returns."""
        self.rows[identity_of(row)] = row
        if self.path is not None:
            with self.path.open("ab") as file:
                file.write((json.dumps(row) + "\n").encode())
                file.flush()
                os.fsync(file.fileno())

    def find(self, key: str, method: str, budget: float) -> Row | None:
        """Row of a cell and method under these versions and settings; None if not yet done.

        A fault of the bench itself is done again.
        """
        row = self.rows.get(identity(key, method, budget))
        return None if row is None or row["outcome"] == "fault" else row

    def wanted(self, pairs: Iterable[tuple[str, str]], budget: float) -> dict[tuple[str, str], Row]:
        """Rows of (cell key, method) pairs that are there."""
        found = {pair: self.find(*pair, budget) for pair in pairs}
        return {pair: row for pair, row in found.items() if row is not None}

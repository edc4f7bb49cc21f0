"""What is believed before seeing data, as a human-editable YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from twinlab.errors import UserError
from twinlab.library import Library

from . import document
from .belief import Belief
from .prior import ColumnPrior, column_index, column_prior, library_key


@dataclass(frozen=True)
class Knowledge:
    """Beliefs about candidate terms; an empty one says nothing.

    Attributes
    ----------
    beliefs : tuple of Belief
        At most one per equation and term.
    expected_terms : float or None
        How many terms a model is expected to have, all equations together; None says nothing.
        It moves the prior of the model's size and no column's log-odds.

    Raises
    ------
    UserError
        Two beliefs about the same term, or a size that is not positive.
    """

    beliefs: tuple[Belief, ...] = ()
    expected_terms: float | None = None

    def __post_init__(self) -> None:
        seen: set[tuple[str, str]] = set()
        for belief in self.beliefs:
            if belief.key in seen:
                raise UserError(
                    f"There are two beliefs about {belief.label}.", mend="Make one of them."
                )
            seen.add(belief.key)
        if self.expected_terms is not None and not 0 < self.expected_terms < 1e6:
            raise UserError(f"expected_terms must be positive, not {self.expected_terms:g}.")

    # ------------------------------------------------------------------------- reading

    @staticmethod
    def load(path: str | Path) -> Knowledge:
        """Read a YAML file.

        Raises
        ------
        UserError
            The file is missing, is not YAML, or says something that is not known; the message
            has the file's name and the line.
        """
        beliefs, expected = document.read(Path(path))
        return Knowledge(beliefs, expected)

    @staticmethod
    def from_mapping(mapping: Mapping[str, Any], file: str | None = None) -> Knowledge:
        """Make knowledge from the mapping a YAML file holds; `file` is for messages.

        Raises
        ------
        UserError
            An unknown key or a value of the wrong kind.
        """
        beliefs, expected = document.interpret(mapping, file)
        return Knowledge(beliefs, expected)

    # ------------------------------------------------------------------------- writing

    def to_mapping(self) -> dict[str, Any]:
        """Plain mapping that `from_mapping` reads back to an equal object."""
        return document.to_mapping(self.beliefs, self.expected_terms)

    def save(self, path: str | Path) -> None:
        """Write a YAML file that `load` reads back to an equal object."""
        document.write(self.to_mapping(), Path(path))

    # ------------------------------------------------------------------------ changing

    def with_belief(self, belief: Belief) -> Knowledge:
        """Add a belief, replacing the one about the same equation and term."""
        others = [other for other in self.beliefs if other.key != belief.key]
        place = next((i for i, b in enumerate(self.beliefs) if b.key == belief.key), len(others))
        return replace(self, beliefs=(*others[:place], belief, *others[place:]))

    def without_belief(self, state: str, term: str) -> Knowledge:
        """Remove the belief about a term in the equation of a state, if there is one."""
        key = Belief(state, term).key
        return replace(self, beliefs=tuple(b for b in self.beliefs if b.key != key))

    def belief(self, state: str, term: str) -> Belief | None:
        """Return the belief about a term in the equation of a state (empty for a reaction)."""
        key = Belief(state, term).key
        return next((b for b in self.beliefs if b.key == key), None)

    def restricted_to(self, library: Library) -> tuple[Knowledge, tuple[Belief, ...]]:
        """Split into the beliefs that apply to a library, and those that do not."""
        index = column_index(library)
        fits: list[Belief] = []
        left: list[Belief] = []
        for belief in self.beliefs:
            try:
                known = library_key(belief, library) in index
            except UserError:
                known = False
            (fits if known else left).append(belief)
        return replace(self, beliefs=tuple(fits)), tuple(left)

    # --------------------------------------------------------------------------- using

    def column_prior(self, library: Library, complexity: float = 1.0) -> ColumnPrior:
        """Prior of every column of a library.

        Parameters
        ----------
        library : Library
        complexity : float
            Nats for each factor of a term beyond the first, powers counted (``x^2*y`` is 3, a
            Hill function 2).

        Raises
        ------
        UserError
            A belief names a state or term the library does not have.
        """
        return column_prior(self.beliefs, library, complexity)

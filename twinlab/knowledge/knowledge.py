"""What is known and believed before seeing data, as a human-editable YAML file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from twinlab.errors import UserError
from twinlab.library import Library

from . import completion, document
from .belief import Belief
from .conservation import weight_matrix
from .consistency import check_consistency
from .edges import edge_columns
from .items import Conserved, CuratedReaction, Edge, KnownPart
from .prior import ColumnPrior, belief_columns, column_prior


@dataclass(frozen=True)
class Knowledge:
    """What is known and believed about a system; an empty one says nothing.

    Attributes
    ----------
    beliefs : tuple of Belief
        At most one per equation and term.
    expected_terms : float or None
        How many terms a model is expected to have, all equations together; None says nothing.
        It moves the prior of the model's size and no column's log-odds.
    edges : tuple of Edge
        At most one per regulator and target.
    complete : bool
        The edge table holds every edge: one that is missing counts mildly against its terms.
    known : tuple of KnownPart
        Parts of the dynamics with given coefficients.
    reactions : tuple of CuratedReaction
        Candidates beside those of the library.
    conserved : tuple of Conserved
        Totals that no candidate may change.

    Raises
    ------
    UserError
        Two items contradict each other or are about the same thing, or a size that is not
        positive.
    """

    beliefs: tuple[Belief, ...] = ()
    expected_terms: float | None = None
    edges: tuple[Edge, ...] = ()
    complete: bool = False
    known: tuple[KnownPart, ...] = ()
    reactions: tuple[CuratedReaction, ...] = ()
    conserved: tuple[Conserved, ...] = ()

    def __post_init__(self) -> None:
        check_consistency(self.beliefs, self.edges, self.known, self.reactions, self.conserved)
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
        return Knowledge(**document.read(Path(path)))

    @staticmethod
    def from_bytes(content: bytes, file: str) -> Knowledge:
        """Read the bytes of a YAML file; `file` is its name, for messages.

        Raises
        ------
        UserError
            As `load`.
        """
        return Knowledge(**document.read_bytes(content, file))

    @staticmethod
    def from_mapping(mapping: Mapping[str, Any], file: str | None = None) -> Knowledge:
        """Make knowledge from the mapping a YAML file holds; `file` is for messages.

        Raises
        ------
        UserError
            An unknown key or a value of the wrong kind.
        """
        return Knowledge(**document.interpret(mapping, file))

    # ------------------------------------------------------------------------- writing

    def to_mapping(self) -> dict[str, Any]:
        """Plain mapping that `from_mapping` reads back to an equal object."""
        return document.to_mapping(self)

    def to_text(self) -> str:
        """The YAML text that `save` writes."""
        return document.text_of(self.to_mapping())

    def save(self, path: str | Path) -> None:
        """Write a YAML file that `load` reads back to an equal object."""
        Path(path).write_text(self.to_text(), encoding="utf-8")

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

    def with_edge(self, edge: Edge) -> Knowledge:
        """Add an edge, replacing the one of the same regulator and target."""
        place = next((i for i, e in enumerate(self.edges) if e.key == edge.key), len(self.edges))
        others = [other for other in self.edges if other.key != edge.key]
        return replace(self, edges=(*others[:place], edge, *others[place:]))

    def without_edge(self, regulator: str, target: str) -> Knowledge:
        """Remove an edge, if there is one."""
        return replace(self, edges=tuple(e for e in self.edges if e.key != (regulator, target)))

    def restricted_to(self, library: Library) -> tuple[Knowledge, tuple[Any, ...]]:
        """Split into what applies to a library, and the items that do not."""
        left: list[Any] = []

        def fitting(items: tuple[Any, ...], check: Any) -> tuple[Any, ...]:
            kept = []
            for item in items:
                try:
                    check(item)
                    kept.append(item)
                except UserError:
                    left.append(item)
            return tuple(kept)

        empty = Knowledge()
        reactions = fitting(
            self.reactions, lambda item: replace(empty, reactions=(item,)).completed(library)
        )
        known = fitting(self.known, lambda item: completion.known_terms((item,), library))
        conserved = fitting(self.conserved, lambda item: weight_matrix((item,), library.states))
        kept = replace(self, beliefs=(), edges=(), known=known, reactions=reactions,
                       conserved=conserved)  # fmt: skip
        whole = kept.completed(library)
        beliefs = fitting(self.beliefs, lambda item: belief_columns(item, whole))
        edges = fitting(self.edges, lambda item: edge_columns(item, whole))
        return replace(kept, beliefs=beliefs, edges=edges), tuple(left)

    # --------------------------------------------------------------------------- using

    def completed(self, library: Library) -> Library:
        """The library with what knowledge needs, and without what it rules out.

        Curated reactions and known parts become columns; where totals are conserved, what would
        change them gives way to transfers.

        Raises
        ------
        UserError
            Something names what does not exist, or changes a conserved total.
        """
        return completion.complete(library, self)

    def known_terms(self, library: Library) -> list[completion.KnownTerm]:
        """Known parts term by term, parsed with the library's names."""
        return completion.known_terms(self.known, library)

    def column_prior(
        self,
        library: Library,
        complexity: float = 1.0,
        nonnegative: Collection[str] | None = None,
    ) -> ColumnPrior:
        """Prior of every column of a library that was `completed`.

        Parameters
        ----------
        library : Library
        complexity : float
            Nats for each factor of a term beyond the first, powers counted (``x^2*y`` is 3, a
            Hill function 2).
        nonnegative : names, optional
            Variables that are never negative, for the signs of edges; all, if absent.

        Raises
        ------
        UserError
            Something names a state or term the library does not have.
        """
        return column_prior(self, library, complexity, nonnegative)

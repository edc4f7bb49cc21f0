"""What knowledge claims about the terms of a model, claim by claim, to be held against the data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinlab.knowledge import Belief, Edge, EdgeTable, Knowledge, complexity_cost
from twinlab.knowledge.prior import as_belief, belief_columns, belief_shift
from twinlab.library import Library

Array = NDArray[np.float64]
Columns = NDArray[np.int64]


@dataclass(frozen=True)
class Claim:
    """One claim: that at least one of some columns is in the model, or that none is.

    Attributes
    ----------
    kind : str
        'edge', 'missing edge', 'odds', 'required', 'excluded' or 'sign' (bounds included).
    label, source : str
    sentences : tuple of str
    columns : int array
        Which columns it is about.
    moved : array
        By how much the claim moved the log-odds of each of them; zeros for edges and certainties.
    edge : Edge or None
    number : int
        Of the edge in the table.
    """

    kind: str
    label: str
    source: str
    columns: Columns
    moved: Array
    sentences: tuple[str, ...] = ()
    edge: Edge | None = None
    number: int = -1

    @property
    def hard(self) -> bool:
        """Whether the claim is a constraint that no data can move."""
        return self.kind in ("required", "excluded", "sign")


def claims_of(
    knowledge: Knowledge,
    table: EdgeTable | None,
    library: Library,
    n_base: int,
    complexity: float,
) -> list[Claim]:
    """All claims of some knowledge.

    Parameters
    ----------
    knowledge : Knowledge
    table : EdgeTable or None
        Of its edges over the library.
    library : Library
        Columns from `n_base` on are refined terms, which share the odds of their atoms.
    n_base : int
    complexity : float
        As in `Settings`.
    """
    base = library.restrict(range(n_base)) if n_base < len(library.columns) else library
    own = 0.0 - complexity_cost(base, complexity)
    found = [] if table is None else list(_edge_claims(table))
    beliefs = [*knowledge.beliefs, *map(as_belief, knowledge.reactions)]
    held = knowledge.column_prior(base, complexity).held
    for belief in beliefs:
        shares = belief_columns(belief, base)
        columns = np.array([c for c, _ in shares], np.int64)
        if not held[columns].all():
            found += _belief_claims(belief, columns, belief_shift(belief, shares, own))
    return found


def _edge_claims(table: EdgeTable) -> Iterator[Claim]:
    for number, edge in enumerate(table.edges):
        columns = np.flatnonzero(table.member[number])
        if columns.size:
            yield Claim(
                "edge" if number < table.n_told else "missing edge", edge.label, edge.source,
                columns, np.zeros(columns.size), edge.sentences, edge, number,
            )  # fmt: skip


def _belief_claims(belief: Belief, columns: Columns, shift: float) -> Iterator[Claim]:
    label, source = belief.label, belief.source
    nothing = np.zeros(columns.size)
    if belief.required or belief.excluded:
        yield Claim("required" if belief.required else "excluded", label, source, columns, nothing)
    elif shift:
        yield Claim("odds", label, source, columns, np.full(columns.size, shift))
    bounded = belief.sign or belief.lower is not None or belief.upper is not None
    if bounded and not belief.excluded:
        yield Claim("sign", label, source, columns, nothing)

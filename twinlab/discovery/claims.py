"""What knowledge claims about the terms of a model, claim by claim, to be held against the data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinlab.knowledge import Belief, Edge, Knowledge, complexity_cost
from twinlab.knowledge.belief import MACHINE_CAP
from twinlab.knowledge.edges import edge_columns, edge_shifts
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
        By how much the claim moved the log-odds of each of them; zeros for certain claims.
    edge : Edge or None
    """

    kind: str
    label: str
    source: str
    columns: Columns
    moved: Array
    sentences: tuple[str, ...] = ()
    edge: Edge | None = None

    @property
    def hard(self) -> bool:
        """Whether the claim is a constraint that no data can move."""
        return self.kind in ("required", "excluded", "sign")


def claims_of(
    knowledge: Knowledge, library: Library, n_base: int, complexity: float
) -> list[Claim]:
    """All claims of some knowledge.

    Parameters
    ----------
    knowledge : Knowledge
    library : Library
        Columns from `n_base` on are refined terms, which share the odds of their atoms.
    n_base : int
    complexity : float
        As in `Settings`.
    """
    base = library.restrict(range(n_base)) if n_base < len(library.columns) else library
    own = 0.0 - complexity_cost(base, complexity)
    found = list(_edge_claims(knowledge, library, base, own))
    beliefs = [*knowledge.beliefs, *map(as_belief, knowledge.reactions)]
    held = knowledge.column_prior(base, complexity).held
    for belief in beliefs:
        shares = belief_columns(belief, base)
        columns = np.array([c for c, _ in shares], np.int64)
        if not held[columns].all():
            found += _belief_claims(belief, columns, belief_shift(belief, shares, own))
    return found


def _edge_claims(
    knowledge: Knowledge, library: Library, base: Library, own: Array
) -> Iterator[Claim]:
    total = np.zeros(own.size)
    shifts = edge_shifts(knowledge.edges, knowledge.complete, base, own)
    for _, columns, shift in shifts:
        total[columns] += shift

    def capped(odds: Array) -> Array:
        return np.clip(odds, -MACHINE_CAP, MACHINE_CAP)

    told = {edge.key for edge in knowledge.edges}
    for edge, columns, shift in shifts:
        moved = np.zeros(len(library.columns))
        moved[columns] = capped(total[columns]) - capped(total[columns] - shift)
        everything = edge_columns(edge, library)
        fresh = everything[everything >= own.size]
        moved[fresh] = shift
        if everything.size:
            kind = "edge" if edge.key in told else "missing edge"
            yield Claim(
                kind, edge.label, edge.source, everything, moved[everything], edge.sentences, edge
            )


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

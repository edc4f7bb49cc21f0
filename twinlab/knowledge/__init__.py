"""What is known and believed before seeing data: terms, edges, reactions, totals."""

from .belief import MACHINE, MACHINE_CAP, Belief
from .conservation import circuits, conserving
from .items import Conserved, CuratedReaction, Edge, KnownPart
from .knowledge import Knowledge
from .prior import ColumnPrior, complexity_cost

__all__ = [
    "MACHINE",
    "MACHINE_CAP",
    "Belief",
    "ColumnPrior",
    "Conserved",
    "CuratedReaction",
    "Edge",
    "Knowledge",
    "KnownPart",
    "circuits",
    "complexity_cost",
    "conserving",
]

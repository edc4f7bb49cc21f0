"""What is known and believed before seeing data: terms, edges, reactions, totals."""

from .ask import Endpoint, Question, ask
from .belief import MACHINE, MACHINE_CAP, Belief
from .conservation import circuits, conserving
from .edge_table import LEVELS, EdgeTable
from .importers import import_bytes, import_edges
from .items import Conserved, CuratedReaction, Edge, KnownPart
from .knowledge import Knowledge
from .prior import ColumnPrior, complexity_cost

__all__ = [
    "LEVELS",
    "MACHINE",
    "MACHINE_CAP",
    "Belief",
    "ColumnPrior",
    "Conserved",
    "CuratedReaction",
    "Edge",
    "EdgeTable",
    "Endpoint",
    "Knowledge",
    "KnownPart",
    "Question",
    "ask",
    "circuits",
    "complexity_cost",
    "conserving",
    "import_bytes",
    "import_edges",
]

"""Study: what was measured, and how it is read and checked."""

from .study import Dose, Note, Provenance, Study, Trajectory

__all__ = ["Dose", "Note", "Provenance", "Study", "Trajectory"]

"""Study: what was measured, and how it is read and checked."""

from .observed import observe
from .problems import DataErrors
from .readers import read_study, read_study_bytes
from .source import MAX_BYTES
from .study import Dose, Dosing, Note, Provenance, Study, Trajectory
from .summary import check_text

__all__ = [
    "MAX_BYTES",
    "DataErrors",
    "Dose",
    "Dosing",
    "Note",
    "Provenance",
    "Study",
    "Trajectory",
    "check_text",
    "observe",
    "read_study",
    "read_study_bytes",
]

"""Twins: a discovered model fitted to its subjects; simulate, validate, save, load."""

from .asked import Asked, ask, repeated
from .files import write_atomically
from .predictive_check import Check, checks, checks_of, simulated_from_fit
from .simulation import Simulation
from .twin import Twin
from .validation import validate
from .validation_export import validation_mapping
from .validation_result import FoldResult, Missing, Validation
from .verdict import verdict

__all__ = [
    "Asked",
    "Check",
    "FoldResult",
    "Missing",
    "Simulation",
    "Twin",
    "ask",
    "Validation",
    "checks",
    "checks_of",
    "simulated_from_fit",
    "repeated",
    "validate",
    "validation_mapping",
    "verdict",
    "write_atomically",
]

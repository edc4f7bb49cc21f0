"""Twins: a discovered model fitted to its subjects; simulate, validate, save, load."""

from .files import write_atomically
from .predictive_check import Check, checks, checks_of, simulated_from_fit
from .simulation import Simulation
from .twin import Twin
from .validation import validate
from .validation_export import validation_mapping
from .validation_result import FoldResult, Missing, Validation
from .verdict import verdict

__all__ = [
    "Check",
    "FoldResult",
    "Missing",
    "Simulation",
    "Twin",
    "Validation",
    "checks",
    "checks_of",
    "simulated_from_fit",
    "validate",
    "validation_mapping",
    "verdict",
    "write_atomically",
]

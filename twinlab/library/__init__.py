"""Candidate terms and reactions: families, reactions, duplicates and collinearity."""

from .assembly import MAX_COLUMNS
from .column import REACTION, Column, Entries
from .config import library_from_config
from .diagnosis import CollinearGroup, LibraryReport, diagnose
from .domain import Undefined, check_domain, undefined_places
from .library import Library

__all__ = [
    "MAX_COLUMNS",
    "REACTION",
    "CollinearGroup",
    "Column",
    "Entries",
    "Library",
    "LibraryReport",
    "Undefined",
    "check_domain",
    "diagnose",
    "library_from_config",
    "undefined_places",
]

"""Candidate terms and reactions: families, reactions, duplicates and collinearity."""

from .assembly import MAX_COLUMNS
from .column import Column, Entries
from .library import Library

__all__ = ["MAX_COLUMNS", "Column", "Entries", "Library"]

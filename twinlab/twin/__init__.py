"""Twins: a discovered model fitted to its subjects; simulate, save, load."""

from .files import write_atomically
from .simulation import Simulation
from .twin import Twin

__all__ = ["Simulation", "Twin", "write_atomically"]

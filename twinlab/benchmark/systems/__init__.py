"""Benchmark systems: true equations, a candidate library that holds them, and a sampler of data.

Every module of this package that has a tuple ``SYSTEMS`` adds its systems: a new system is one
new file.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module

from .base import (
    BenchmarkSystem,
    Design,
    Equations,
    Parameter,
    Profile,
    SimulatedData,
)


def _collect() -> dict[str, BenchmarkSystem]:
    """Systems of all modules, by tier, then by name."""
    modules = [import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__)]
    found = [system for module in modules for system in getattr(module, "SYSTEMS", ())]
    ordered = sorted(found, key=lambda system: (system.tier, system.name))
    by_name = {system.name: system for system in ordered}
    if len(by_name) < len(found):
        raise ImportError("two benchmark systems have the same name")
    return by_name


#: Every system by name.
SYSTEMS: Mapping[str, BenchmarkSystem] = _collect()

__all__ = [
    "SYSTEMS",
    "BenchmarkSystem",
    "Design",
    "Equations",
    "Parameter",
    "Profile",
    "SimulatedData",
]

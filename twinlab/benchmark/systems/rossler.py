"""Chaos from one nonlinear term."""

from __future__ import annotations

from .base import BenchmarkSystem, Equations, Parameter, Parameters
from .libraries import polynomial


def _equations(p: Parameters) -> Equations:
    return {
        "x": {"y": -1.0, "z": -1.0},
        "y": {"x": 1.0, "y": p["a"]},
        "z": {"1": p["b"], "x*z": 1.0, "z": -p["c"]},
    }


SYSTEMS = (
    BenchmarkSystem(
        name="rossler",
        title="Roessler attractor",
        tier=2,
        reference="Roessler (1976), Phys. Lett. A 57, 397; a model of chemical chaos",
        parameters={"a": Parameter(0.2), "b": Parameter(0.2), "c": Parameter(5.7)},
        make_equations=_equations,
        initial={"x": (-6.0, 6.0), "y": (-6.0, 6.0), "z": (0.0, 2.0)},
        horizon=20.0,
        make_library=polynomial(2),
        hide=("z", "y"),
    ),
)

"""Two species that compete for the same food."""

from __future__ import annotations

from .base import BenchmarkSystem, Equations, Parameter, Parameters
from .libraries import polynomial


def _equations(p: Parameters) -> Equations:
    growth = p["growth"]
    return {
        "first": {
            "first": 1.0,
            "first^2": -1.0,
            "first*second": -p["pressure_on_first"],
        },
        "second": {
            "second": growth,
            "second^2": -growth,
            "first*second": -growth * p["pressure_on_second"],
        },
    }


SYSTEMS = (
    BenchmarkSystem(
        name="competition",
        title="Lotka-Volterra competition",
        tier=1,
        reference="Murray (2002), Mathematical Biology I, section 3.5, dimensionless;"
        " numbers for which both species persist",
        parameters={
            "growth": Parameter(0.7),
            "pressure_on_first": Parameter(0.6),
            "pressure_on_second": Parameter(0.8),
        },
        make_equations=_equations,
        initial={"first": (0.05, 1.2), "second": (0.05, 1.2)},
        horizon=15.0,
        make_library=polynomial(3),
        hide=("second",),
    ),
)

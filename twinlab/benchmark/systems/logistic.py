"""Growth to a carrying capacity."""

from __future__ import annotations

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import polynomial


def _equations(p: Parameters) -> Equations:
    return {"population": {"population": p["growth"], "population^2": -p["growth"] / p["capacity"]}}


SYSTEMS = (
    BenchmarkSystem(
        name="logistic",
        title="Logistic growth",
        tier=1,
        reference="Verhulst (1838), Corresp. Math. Phys. 10, 113",
        parameters={
            "growth": Parameter(0.8, "1/day"),
            "capacity": Parameter(10.0, "thousand"),
        },
        make_equations=_equations,
        initial={"population": (0.2, 3.0)},
        horizon=12.0,
        make_library=polynomial(4),
        design=Design(2, 30, 0.05),
        time_unit="day",
        units={"population": "thousand"},
    ),
)

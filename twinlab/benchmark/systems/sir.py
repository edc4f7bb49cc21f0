"""Epidemic with immunity."""

from __future__ import annotations

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import polynomial


def _equations(p: Parameters) -> Equations:
    contact = p["contact"]
    return {
        "susceptible": {"susceptible*infectious": -contact},
        "infectious": {"susceptible*infectious": contact, "infectious": -p["recovery"]},
    }


SYSTEMS = (
    BenchmarkSystem(
        name="sir",
        title="SIR epidemic",
        tier=1,
        reference="Kermack and McKendrick (1927), Proc. R. Soc. A 115, 700; fractions of the"
        " population, the recovered are not listed",
        parameters={"contact": Parameter(0.9, "1/day"), "recovery": Parameter(0.3, "1/day")},
        make_equations=_equations,
        initial={"susceptible": (0.6, 0.98), "infectious": (0.005, 0.05)},
        horizon=25.0,
        make_library=polynomial(3),
        design=Design(3, 30, 0.05),
        time_unit="day",
        hide=("susceptible",),
        knockouts=("recovery",),
    ),
)

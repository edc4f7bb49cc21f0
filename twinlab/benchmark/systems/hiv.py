"""HIV in its target cells."""

from __future__ import annotations

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import polynomial


def _equations(p: Parameters) -> Equations:
    infect = p["infection"]
    return {
        "target": {"1": p["supply"], "target": -p["target_loss"], "target*virus": -infect},
        "infected": {"target*virus": infect, "infected": -p["infected_loss"]},
        "virus": {"infected": p["budding"], "virus": -p["clearance"]},
    }


SYSTEMS = (
    BenchmarkSystem(
        name="hiv",
        title="HIV target-cell model",
        tier=2,
        reference="Perelson and Nelson (1999), SIAM Rev. 41, 3, eq. 3.1-3.3; virus in units of 10^5"
        " per mL, numbers chosen for an acute infection of 15 days",
        parameters={
            "supply": Parameter(0.2, "10^6 cells/(mL*day)"),
            "target_loss": Parameter(0.2, "1/day"),
            "infection": Parameter(1.0, "mL/(10^5*day)"),
            "infected_loss": Parameter(0.6, "1/day"),
            "budding": Parameter(2.0, "10^-1/(cell*day)"),
            "clearance": Parameter(1.5, "1/day"),
        },
        make_equations=_equations,
        initial={"target": (0.6, 1.2), "infected": (0.01, 0.1), "virus": (0.05, 0.4)},
        horizon=15.0,
        make_library=polynomial(2),
        design=Design(4, 40, 0.05),
        time_unit="day",
        units={"target": "10^6/mL", "infected": "10^6/mL", "virus": "10^5/mL"},
        hide=("infected",),
        knockouts=("supply", "budding"),
    ),
)

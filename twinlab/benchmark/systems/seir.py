"""Epidemic with a latent period."""

from __future__ import annotations

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import polynomial


def _equations(p: Parameters) -> Equations:
    contact, onset, recovery = p["contact"], p["onset"], p["recovery"]
    return {
        "susceptible": {"susceptible*infectious": -contact},
        "exposed": {"susceptible*infectious": contact, "exposed": -onset},
        "infectious": {"exposed": onset, "infectious": -recovery},
    }


SYSTEMS = (
    BenchmarkSystem(
        name="seir",
        title="SEIR epidemic",
        tier=2,
        reference="Anderson and May (1991), Infectious Diseases of Humans, ch. 6; fractions of the"
        " population, the recovered are not listed",
        parameters={
            "contact": Parameter(0.8, "1/day"),
            "onset": Parameter(0.4, "1/day"),
            "recovery": Parameter(0.2, "1/day"),
        },
        make_equations=_equations,
        initial={
            "susceptible": (0.7, 0.98),
            "exposed": (0.005, 0.03),
            "infectious": (0.005, 0.03),
        },
        horizon=40.0,
        make_library=polynomial(2),
        design=Design(5, 30, 0.05),
        time_unit="day",
        hide=("exposed", "susceptible"),
        knockouts=("recovery", "onset"),
    ),
)

"""An infection that mosquitoes carry."""

from __future__ import annotations

from .base import BenchmarkSystem, Equations, Parameter, Parameters
from .libraries import polynomial


def _equations(p: Parameters) -> Equations:
    to_human = p["mosquitoes"] * p["biting"] * p["to_human"]
    to_mosquito = p["biting"] * p["to_mosquito"]
    return {
        "human": {
            "mosquito": to_human,
            "human*mosquito": -to_human,
            "human": -p["recovery"],
        },
        "mosquito": {
            "human": to_mosquito,
            "human*mosquito": -to_mosquito,
            "mosquito": -p["death"],
        },
    }


SYSTEMS = (
    BenchmarkSystem(
        name="ross_macdonald",
        title="Malaria in humans and mosquitoes",
        tier=1,
        reference="Ross (1911) and Macdonald (1957) as in Anderson and May (1991), Infectious"
        " Diseases of Humans, ch. 14: the infected fractions of both",
        parameters={
            "mosquitoes": Parameter(3.0),
            "biting": Parameter(0.3, "1/day"),
            "to_human": Parameter(0.3),
            "to_mosquito": Parameter(0.5),
            "recovery": Parameter(0.05, "1/day"),
            "death": Parameter(0.12, "1/day"),
        },
        make_equations=_equations,
        initial={"human": (0.0, 0.4), "mosquito": (0.01, 0.3)},
        horizon=60.0,
        make_library=polynomial(3),
        time_unit="day",
        hide=("mosquito",),
    ),
)

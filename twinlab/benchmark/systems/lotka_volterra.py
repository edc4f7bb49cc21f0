"""Predator and prey."""

from __future__ import annotations

from dataclasses import replace

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import polynomial


def _equations(p: Parameters) -> Equations:
    return {
        "prey": {"prey": p["birth"], "prey*predator": -p["predation"]},
        "predator": {"predator": -p["death"], "prey*predator": p["conversion"]},
    }


_SMALL = BenchmarkSystem(
    name="predator_prey",
    title="Lotka-Volterra, quadratic library",
    tier=1,
    reference="Lotka (1925), Elements of Physical Biology; Volterra (1926), Nature 118, 558",
    parameters={
        "birth": Parameter(1.0, "1/year"),
        "predation": Parameter(0.5, "1/(thousand*year)"),
        "death": Parameter(1.0, "1/year"),
        "conversion": Parameter(0.5, "1/(thousand*year)"),
    },
    make_equations=_equations,
    initial={"prey": (0.5, 3.0), "predator": (0.5, 3.0)},
    horizon=10.0,
    make_library=polynomial(2),
    design=Design(2, 50, 0.10),
    time_unit="year",
    units={"prey": "thousand", "predator": "thousand"},
    hide=("predator",),
    knockouts=("death", "birth"),
)

SYSTEMS = (
    _SMALL,
    replace(
        _SMALL,
        name="lotka_volterra",
        title="Lotka-Volterra, cubic library",
        make_library=polynomial(3),
    ),
)

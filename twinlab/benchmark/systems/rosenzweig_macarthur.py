"""Predators that can eat only so much, and prey that crowd."""

from __future__ import annotations

from .base import BenchmarkSystem, Equations, Parameter, Parameters
from .libraries import polynomial

_HALF = (0.5, 1, 2)


def _equations(p: Parameters) -> Equations:
    eaten = f"predator*mm(prey,{p['half_saturation']:g})"
    return {
        "prey": {
            "prey": p["growth"],
            "prey^2": -p["growth"] / p["capacity"],
            eaten: -p["attack"],
        },
        "predator": {eaten: p["attack"] * p["conversion"], "predator": -p["death"]},
    }


SYSTEMS = (
    BenchmarkSystem(
        name="rosenzweig_macarthur",
        title="Predator and prey with saturating predation",
        tier=2,  # two states and a rational rate
        reference="Rosenzweig and MacArthur (1963), Am. Nat. 97, 209, with Holling's (1959) second"
        " response; numbers for which both cycle",
        parameters={
            "growth": Parameter(1.0),
            "capacity": Parameter(4.0),
            "attack": Parameter(1.2),
            "half_saturation": Parameter(1.0),
            "conversion": Parameter(0.6),
            "death": Parameter(0.3),
        },
        make_equations=_equations,
        initial={"prey": (0.2, 4.0), "predator": (0.2, 2.5)},
        horizon=30.0,
        make_library=polynomial(
            2,
            (
                *(f"mm(prey,{half})" for half in _HALF),
                *(f"predator*mm(prey,{half})" for half in _HALF),
            ),
        ),
        hide=("predator",),
    ),
)

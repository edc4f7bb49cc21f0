"""Immune cells that are stimulated and used up by a tumour."""

from __future__ import annotations

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import polynomial

_HALF = (10, 20.19, 40)


def _equations(p: Parameters) -> Equations:
    stimulation = f"effector*mm(tumour,{p['half_stimulation']:g})"
    return {
        "effector": {
            "1": p["supply"],
            stimulation: p["stimulation"],
            "effector*tumour": -p["exhaustion"],
            "effector": -p["loss"],
        },
        "tumour": {
            "tumour": p["growth"],
            "tumour^2": -p["growth"] * p["crowding"],
            "effector*tumour": -p["killing"],
        },
    }


SYSTEMS = (
    BenchmarkSystem(
        name="tumour_immune",
        title="Tumour and immune system",
        tier=2,
        reference="Kuznetsov, Makalkin, Taylor and Perelson (1994), Bull. Math. Biol. 56, 295,"
        " dimensionless eq. 8 with the parameters for BCL1 lymphoma in mice (one unit is 10^6"
        " cells; one unit of time is 9.9 days)",
        parameters={
            "supply": Parameter(0.1181),
            "stimulation": Parameter(1.131),
            "half_stimulation": Parameter(20.19),
            "exhaustion": Parameter(0.00311),
            "loss": Parameter(0.3743),
            "growth": Parameter(1.636),
            "crowding": Parameter(0.002),
            "killing": Parameter(1.0),
        },
        make_equations=_equations,
        initial={"effector": (0.2, 3.0), "tumour": (5.0, 200.0)},
        horizon=20.0,
        make_library=polynomial(
            2,
            (
                *(f"mm(tumour,{half})" for half in _HALF),
                *(f"effector*mm(tumour,{half})" for half in _HALF),
            ),
        ),
        design=Design(5, 50, 0.05),
        hide=("effector",),
        knockouts=("supply", "stimulation"),
    ),
)

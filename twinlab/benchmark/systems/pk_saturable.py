"""Two-compartment kinetics with saturable elimination."""

from __future__ import annotations

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import polynomial

_HALF = (0.5, 1, 2, 4)
_VARIABLES = ("central", "peripheral")


def _equations(p: Parameters) -> Equations:
    to_tissue, back = p["to_tissue"], p["from_tissue"]
    elimination = f"mm(central,{p['half_saturation']:g})"
    return {
        "central": {"central": -to_tissue, "peripheral": back, elimination: -p["capacity"]},
        "peripheral": {"central": to_tissue, "peripheral": -back},
    }


SYSTEMS = (
    BenchmarkSystem(
        name="pk_saturable",
        title="Two-compartment PK with Michaelis-Menten elimination",
        tier=2,
        reference="Gibaldi and Perrier (1982), Pharmacokinetics, ch. 7; concentrations",
        parameters={
            "to_tissue": Parameter(0.5, "1/h"),
            "from_tissue": Parameter(0.3, "1/h"),
            "capacity": Parameter(2.0, "mg/(L*h)"),
            "half_saturation": Parameter(2.0, "mg/L"),
        },
        make_equations=_equations,
        initial={"central": (1.0, 20.0), "peripheral": (0.0, 3.0)},
        horizon=15.0,
        make_library=polynomial(
            2, tuple(f"mm({name},{half})" for name in _VARIABLES for half in _HALF)
        ),
        design=Design(4, 40, 0.05),
        time_unit="h",
        units=dict.fromkeys(_VARIABLES, "mg/L"),
        hide=("peripheral",),
        knockouts=("capacity", "to_tissue"),
    ),
)

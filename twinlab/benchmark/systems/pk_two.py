"""Two-compartment kinetics with absorption and an infusion."""

from __future__ import annotations

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import polynomial
from .profiles import pulse


def _equations(p: Parameters) -> Equations:
    absorption, to_tissue, back = p["absorption"], p["to_tissue"], p["from_tissue"]
    return {
        "gut": {"gut": -absorption},
        "central": {
            "gut": absorption,
            "central": -p["elimination"] - to_tissue,
            "peripheral": back,
            "infusion": p["delivery"],
        },
        "peripheral": {"central": to_tissue, "peripheral": -back},
    }


SYSTEMS = (
    BenchmarkSystem(
        name="pk_two",
        title="Two-compartment PK with absorption and infusion",
        tier=2,
        reference="Gibaldi and Perrier (1982), Pharmacokinetics, ch. 2; amounts; the infusion is a"
        " measured rate",
        parameters={
            "absorption": Parameter(0.9, "1/h"),
            "elimination": Parameter(0.3, "1/h"),
            "to_tissue": Parameter(0.6, "1/h"),
            "from_tissue": Parameter(0.4, "1/h"),
            "delivery": Parameter(1.0),
        },
        make_equations=_equations,
        initial={"gut": (2.0, 8.0), "central": (0.0, 4.0), "peripheral": (0.0, 3.0)},
        horizon=12.0,
        make_library=polynomial(2),
        design=Design(4, 40, 0.05),
        time_unit="h",
        units={
            "gut": "mg/kg",
            "central": "mg/kg",
            "peripheral": "mg/kg",
            "infusion": "mg/(kg*h)",
        },
        inputs={"infusion": pulse(0.1, 2.0, 4.0)},
        hide=("peripheral", "gut"),
        knockouts=("elimination", "to_tissue"),
    ),
)

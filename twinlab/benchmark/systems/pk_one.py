"""One-compartment kinetics of a drug taken by mouth."""

from __future__ import annotations

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import polynomial


def _equations(p: Parameters) -> Equations:
    absorption = p["absorption"]
    return {
        "gut": {"gut": -absorption},
        "plasma": {"gut": absorption / p["volume"], "plasma": -p["elimination"]},
    }


SYSTEMS = (
    BenchmarkSystem(
        name="pk_one",
        title="One-compartment PK with absorption",
        tier=2,
        reference="Bateman (1910), Proc. Camb. Phil. Soc. 15, 423; Gibaldi and Perrier (1982),"
        " Pharmacokinetics, ch. 1; amount in the gut, concentration in plasma",
        parameters={
            "absorption": Parameter(1.2, "1/h"),
            "volume": Parameter(0.5, "L/kg"),
            "elimination": Parameter(0.2, "1/h"),
        },
        make_equations=_equations,
        initial={"gut": (2.0, 8.0), "plasma": (0.0, 4.0)},
        horizon=12.0,
        make_library=polynomial(2),
        design=Design(4, 25, 0.05),
        time_unit="h",
        units={"gut": "mg/kg", "plasma": "mg/L"},
        hide=("gut",),
        knockouts=("elimination",),
    ),
)

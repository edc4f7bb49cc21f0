"""Enzyme kinetics whose product switches a gene on."""

from __future__ import annotations

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import with_hill


def _equations(p: Parameters) -> Equations:
    bind, release, make = p["binding"], p["unbinding"], p["turnover"]
    activation = f"hill(P,{p['half_activation']:g},{p['hill_coefficient']:g})"
    return {
        "S": {"S*E": -bind, "C": release},
        "E": {"S*E": -bind, "C": release + make},
        "C": {"S*E": bind, "C": -release - make},
        "P": {"C": make, "P": -p["product_loss"]},
        "M": {activation: p["transcription"], "M": -p["message_loss"]},
        "X": {"M": p["translation"], "X": -p["protein_loss"]},
    }


SYSTEMS = (
    BenchmarkSystem(
        name="enzyme_hill",
        title="Enzyme network with a Hill step",
        tier=2,
        reference="Michaelis-Menten mechanism (Briggs and Haldane 1925, Biochem. J. 19, 338)"
        " whose product activates a gene (Hill 1910, J. Physiol. 40, iv)",
        parameters={
            "binding": Parameter(1.5, "1/(uM*min)"),
            "unbinding": Parameter(0.3, "1/min"),
            "turnover": Parameter(1.0, "1/min"),
            "product_loss": Parameter(0.4, "1/min"),
            "transcription": Parameter(1.0, "uM/min"),
            "half_activation": Parameter(0.5, "uM"),
            "hill_coefficient": Parameter(2.0),
            "message_loss": Parameter(0.7, "1/min"),
            "translation": Parameter(0.8, "1/min"),
            "protein_loss": Parameter(0.5, "1/min"),
        },
        make_equations=_equations,
        initial={
            "S": (1.0, 2.5),
            "E": (0.4, 1.2),
            "C": (0.0, 0.2),
            "P": (0.0, 0.2),
            "M": (0.0, 0.5),
            "X": (0.0, 0.5),
        },
        horizon=12.0,
        make_library=with_hill(2, (0.2, 0.5, 1.0), (1.0, 2.0, 4.0), "activation"),
        design=Design(5, 50, 0.05),
        time_unit="min",
        units=dict.fromkeys("SECPMX", "uM"),
        hide=("C", "M"),
        knockouts=("transcription", "product_loss", "translation"),
    ),
)

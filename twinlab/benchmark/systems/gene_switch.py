"""A protein that switches its own gene on."""

from __future__ import annotations

from .base import BenchmarkSystem, Equations, Parameter, Parameters
from .libraries import with_hill


def _equations(p: Parameters) -> Equations:
    switch = f"hill(protein,{p['half_activation']:g},{p['hill_coefficient']:g})"
    return {
        "message": {switch: p["transcription"], "message": -p["message_loss"]},
        "protein": {"message": p["translation"], "protein": -p["protein_loss"]},
    }


SYSTEMS = (
    BenchmarkSystem(
        name="gene_switch",
        title="Self-activating gene",
        tier=2,  # two states and a rational rate
        reference="Griffith (1968), J. Theor. Biol. 20, 209, as in Strogatz (1994), Nonlinear"
        " Dynamics and Chaos, example 8.1.1: two steady states, dimensionless",
        parameters={
            "transcription": Parameter(1.0),
            "half_activation": Parameter(1.0),
            "hill_coefficient": Parameter(2.0),
            "message_loss": Parameter(0.5),
            "translation": Parameter(1.0),
            "protein_loss": Parameter(0.7),
        },
        make_equations=_equations,
        initial={"message": (0.0, 2.0), "protein": (0.0, 3.0)},
        horizon=15.0,
        make_library=with_hill(2, (0.5, 1.0, 2.0), (1.0, 2.0, 4.0), "activation"),
        hide=("message",),
    ),
)

"""A ring of three genes, each repressing the next."""

from __future__ import annotations

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import with_hill


def _equations(p: Parameters) -> Equations:
    ring = {"lacI": "cI", "tetR": "lacI", "cI": "tetR"}
    constants = f"{p['half_repression']:g},{p['hill_coefficient']:g}"
    return {
        gene: {
            "1": p["leak"],
            f"repress({repressor},{constants})": p[f"synthesis_{gene}"],
            gene: -p["loss"],
        }
        for gene, repressor in ring.items()
    }


SYSTEMS = (
    BenchmarkSystem(
        name="repressilator",
        title="Repressilator",
        tier=2,
        reference="Elowitz and Leibler (2000), Nature 403, 335, with messages at steady state:"
        " three proteins; Hill coefficient 4",
        parameters={
            "leak": Parameter(0.1, "uM/h"),
            "synthesis_lacI": Parameter(5.0, "uM/h"),
            "synthesis_tetR": Parameter(5.0, "uM/h"),
            "synthesis_cI": Parameter(5.0, "uM/h"),
            "half_repression": Parameter(1.0, "uM"),
            "hill_coefficient": Parameter(4.0),
            "loss": Parameter(1.0, "1/h"),
        },
        make_equations=_equations,
        initial={"lacI": (0.1, 4.0), "tetR": (0.1, 4.0), "cI": (0.1, 4.0)},
        horizon=15.0,
        make_library=with_hill(2, (0.5, 1.0, 2.0), (1.0, 2.0, 4.0), "repression"),
        design=Design(4, 50, 0.05),
        time_unit="h",
        units=dict.fromkeys(("lacI", "tetR", "cI"), "uM"),
        hide=("cI",),
        knockouts=("synthesis_lacI", "synthesis_tetR", "synthesis_cI"),
    ),
)

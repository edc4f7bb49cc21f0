"""A gene that represses itself through its end product."""

from __future__ import annotations

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import with_hill


def _equations(p: Parameters) -> Equations:
    repression = f"repress(product,{p['half_repression']:g},{p['hill_coefficient']:g})"
    return {
        "message": {repression: p["transcription"], "message": -p["message_loss"]},
        "enzyme": {"message": p["translation"], "enzyme": -p["enzyme_loss"]},
        "product": {"enzyme": p["synthesis"], "product": -p["product_loss"]},
    }


SYSTEMS = (
    BenchmarkSystem(
        name="goodwin",
        title="Goodwin oscillator",
        tier=2,
        reference="Goodwin (1965), Adv. Enzyme Regul. 3, 425; Hill coefficient above 8, without"
        " which it does not oscillate (Griffith 1968, J. Theor. Biol. 20, 202)",
        parameters={
            "transcription": Parameter(1.0, "uM/h"),
            "half_repression": Parameter(1.0, "uM"),
            "hill_coefficient": Parameter(10.0),
            "message_loss": Parameter(0.5, "1/h"),
            "translation": Parameter(1.0, "1/h"),
            "enzyme_loss": Parameter(0.5, "1/h"),
            "synthesis": Parameter(1.0, "1/h"),
            "product_loss": Parameter(0.5, "1/h"),
        },
        make_equations=_equations,
        initial={"message": (0.05, 1.0), "enzyme": (0.1, 1.5), "product": (0.2, 2.0)},
        horizon=25.0,
        make_library=with_hill(2, (0.5, 1.0, 2.0), (2.0, 5.0, 10.0), "repression"),
        design=Design(4, 50, 0.05),
        time_unit="h",
        units=dict.fromkeys(("message", "enzyme", "product"), "uM"),
        hide=("enzyme", "message"),
        knockouts=("translation", "transcription"),
    ),
)

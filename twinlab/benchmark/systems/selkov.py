"""Glycolytic oscillations in two variables."""

from __future__ import annotations

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import polynomial


def _equations(p: Parameters) -> Equations:
    loop, slow = p["activation"], p["basal"]
    return {
        "adp": {"adp": -p["loss"], "f6p": slow, "adp^2*f6p": loop},
        "f6p": {"1": p["feed"], "f6p": -slow, "adp^2*f6p": -loop},
    }


SYSTEMS = (
    BenchmarkSystem(
        name="selkov",
        title="Selkov glycolysis",
        tier=1,
        reference="Selkov (1968), Eur. J. Biochem. 4, 79, as in Strogatz (1994), Nonlinear Dynamics"
        " and Chaos, section 7.3; no units",
        parameters={
            "loss": Parameter(1.0),
            "basal": Parameter(0.08),
            "activation": Parameter(1.0),
            "feed": Parameter(0.6),
        },
        make_equations=_equations,
        initial={"adp": (0.2, 2.0), "f6p": (0.3, 2.5)},
        horizon=25.0,
        make_library=polynomial(3),
        design=Design(3, 60, 0.05),
        hide=("f6p",),
        knockouts=("feed",),
    ),
)

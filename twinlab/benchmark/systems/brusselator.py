"""Chemical oscillator of Prigogine and Lefever."""

from __future__ import annotations

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import polynomial


def _equations(p: Parameters) -> Equations:
    feed, turnover, loop = p["feed"], p["turnover"], p["autocatalysis"]
    return {
        "x": {"1": feed, "x": -turnover - p["loss"], "x^2*y": loop},
        "y": {"x": turnover, "x^2*y": -loop},
    }


SYSTEMS = (
    BenchmarkSystem(
        name="brusselator",
        title="Brusselator",
        tier=1,
        reference="Prigogine and Lefever (1968), J. Chem. Phys. 48, 1695; no units",
        parameters={
            "feed": Parameter(1.0),
            "turnover": Parameter(2.5),
            "loss": Parameter(1.0),
            "autocatalysis": Parameter(1.0),
        },
        make_equations=_equations,
        initial={"x": (0.3, 3.0), "y": (0.3, 3.0)},
        horizon=12.0,
        make_library=polynomial(3),
        design=Design(3, 60, 0.05),
        hide=("y",),
        knockouts=("feed",),
    ),
)

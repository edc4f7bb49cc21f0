"""Chemical oscillator with one autocatalytic step."""

from __future__ import annotations

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import polynomial


def _equations(p: Parameters) -> Equations:
    loop = p["autocatalysis"]
    return {
        "u": {"1": p["feed_u"], "u": -p["loss"], "u^2*v": loop},
        "v": {"1": p["feed_v"], "u^2*v": -loop},
    }


SYSTEMS = (
    BenchmarkSystem(
        name="schnakenberg",
        title="Schnakenberg oscillator",
        tier=1,
        reference="Schnakenberg (1979), J. Theor. Biol. 81, 389; no units",
        parameters={
            "feed_u": Parameter(0.1),
            "feed_v": Parameter(0.5),
            "loss": Parameter(1.0),
            "autocatalysis": Parameter(1.0),
        },
        make_equations=_equations,
        initial={"u": (0.2, 2.0), "v": (0.5, 2.5)},
        horizon=25.0,
        make_library=polynomial(3),
        design=Design(3, 60, 0.05),
        hide=("v",),
        knockouts=("feed_v",),
    ),
)

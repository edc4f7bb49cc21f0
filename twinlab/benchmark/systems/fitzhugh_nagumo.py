"""Excitable membrane."""

from __future__ import annotations

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import polynomial


def _equations(p: Parameters) -> Equations:
    slow = p["slowness"]
    return {
        "v": {"v": p["excitation"], "v^3": -p["saturation"], "w": -1.0, "1": p["current"]},
        "w": {"v": slow, "1": slow * p["a"], "w": -slow * p["b"]},
    }


SYSTEMS = (
    BenchmarkSystem(
        name="fitzhugh_nagumo",
        title="FitzHugh-Nagumo oscillator",
        tier=1,
        reference="FitzHugh (1961), Biophys. J. 1, 445; slow variable three times faster and"
        " a = 0.875 where he has 0.7; no units",
        parameters={
            "excitation": Parameter(1.0),
            "saturation": Parameter(1.0 / 3.0),
            "current": Parameter(0.5),
            "slowness": Parameter(0.24),
            "a": Parameter(0.875),
            "b": Parameter(0.8),
        },
        make_equations=_equations,
        initial={"v": (-2.0, 2.0), "w": (-2.0, 2.0)},
        horizon=20.0,
        make_library=polynomial(3),
        design=Design(2, 60, 0.10),
        hide=("w",),
        knockouts=("current", "a"),
    ),
)

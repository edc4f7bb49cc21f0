"""Two genes that repress each other."""

from __future__ import annotations

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import with_hill


def _equations(p: Parameters) -> Equations:
    by_v = f"repress(v,{p['half_v']:g},{p['hill_v']:g})"
    by_u = f"repress(u,{p['half_u']:g},{p['hill_u']:g})"
    return {
        "u": {by_v: p["synthesis_u"], "u": -p["loss_u"]},
        "v": {by_u: p["synthesis_v"], "v": -p["loss_v"]},
    }


SYSTEMS = (
    BenchmarkSystem(
        name="toggle",
        title="Toggle switch",
        tier=2,  # two states, but two Hill functions with different constants
        reference="Gardner, Cantor and Collins (2000), Nature 403, 339, eq. 1; half saturations and"
        " losses written out; other numbers, so that both branches are seen",
        parameters={
            "synthesis_u": Parameter(2.0, "uM/h"),
            "synthesis_v": Parameter(1.5, "uM/h"),
            "half_u": Parameter(0.6, "uM"),
            "half_v": Parameter(1.0, "uM"),
            "hill_u": Parameter(2.0),
            "hill_v": Parameter(3.0),
            "loss_u": Parameter(1.0, "1/h"),
            "loss_v": Parameter(0.8, "1/h"),
        },
        make_equations=_equations,
        initial={"u": (0.05, 2.5), "v": (0.05, 2.5)},
        horizon=10.0,
        make_library=with_hill(2, (0.3, 0.6, 1.0, 2.0), (1.0, 2.0, 3.0, 4.0), "repression"),
        design=Design(5, 40, 0.05),
        time_unit="h",
        units={"u": "uM", "v": "uM"},
        hide=("v",),
        knockouts=("synthesis_u", "synthesis_v"),
    ),
)

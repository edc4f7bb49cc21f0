"""Relaxation oscillator."""

from __future__ import annotations

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import polynomial


def _equations(p: Parameters) -> Equations:
    damping = p["damping"]
    return {
        "x": {"y": 1.0},
        "y": {"y": damping, "x^2*y": -damping, "x": -p["stiffness"]},
    }


SYSTEMS = (
    BenchmarkSystem(
        name="van_der_pol",
        title="Van der Pol oscillator",
        tier=1,
        reference="van der Pol (1926), Phil. Mag. 2, 978; no units",
        parameters={"damping": Parameter(1.5), "stiffness": Parameter(1.0)},
        make_equations=_equations,
        initial={"x": (-2.5, 2.5), "y": (-2.5, 2.5)},
        horizon=15.0,
        make_library=polynomial(3),
        design=Design(2, 60, 0.05),
        knockouts=("damping",),
    ),
)

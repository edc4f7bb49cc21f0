"""A drug that stops what makes the response."""

from __future__ import annotations

from .base import BenchmarkSystem, Equations, Parameter, Parameters
from .libraries import polynomial

_HALF = (0.5, 1, 2, 4)


def _equations(p: Parameters) -> Equations:
    inhibition = f"mm(drug,{p['half_inhibition']:g})"
    return {
        "drug": {"drug": -p["elimination"]},
        "response": {"1": p["production"], inhibition: -p["production"], "response": -p["loss"]},
    }


SYSTEMS = (
    BenchmarkSystem(
        name="indirect_response",
        title="Indirect response, production inhibited",
        tier=2,  # two states and a rational rate
        reference="Dayneka, Garg and Jusko (1993), J. Pharmacokinet. Biopharm. 21, 457, model I"
        " (complete inhibition), with a drug of one compartment",
        parameters={
            "elimination": Parameter(0.3, "1/h"),
            "production": Parameter(9.0, "%/h"),
            "half_inhibition": Parameter(1.0, "mg/L"),
            "loss": Parameter(0.3, "1/h"),
        },
        make_equations=_equations,
        initial={"drug": (2.0, 20.0), "response": (15.0, 40.0)},
        horizon=24.0,
        make_library=polynomial(2, tuple(f"mm(drug,{half})" for half in _HALF)),
        time_unit="h",
        units={"drug": "mg/L", "response": "%"},
        hide=("response",),
    ),
)

"""Glucose and the action of insulin after a glucose injection."""

from __future__ import annotations

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import polynomial
from .profiles import pulse


def _equations(p: Parameters) -> Equations:
    uptake, response = p["glucose_effectiveness"], p["response"]
    return {
        "glucose": {
            "glucose": -uptake,
            "glucose*action": -1.0,
            "1": uptake * p["basal_glucose"],
        },
        "action": {
            "action": -p["action_loss"],
            "insulin": response,
            "1": -response * p["basal_insulin"],
        },
    }


SYSTEMS = (
    BenchmarkSystem(
        name="glucose",
        title="Insulin-glucose minimal model",
        tier=2,
        reference="Bergman, Ider, Bowden and Cobelli (1979), Am. J. Physiol. 236, E667; hours,"
        " mmol/L and nmol/L; measured insulin is the input; its course is smoother than theirs",
        parameters={
            "glucose_effectiveness": Parameter(1.8, "1/h"),
            "basal_glucose": Parameter(5.0, "mmol/L"),
            "action_loss": Parameter(1.2, "1/h"),
            "response": Parameter(7.8, "L/(nmol*h^2)"),
            "basal_insulin": Parameter(0.06, "nmol/L"),
        },
        make_equations=_equations,
        initial={"glucose": (8.0, 20.0), "action": (0.0, 0.4)},
        horizon=3.0,
        make_library=polynomial(2),
        design=Design(4, 40, 0.05),
        time_unit="h",
        units={"glucose": "mmol/L", "action": "1/h", "insulin": "nmol/L"},
        inputs={"insulin": pulse(0.06, 0.4, 0.5)},
        hide=("action",),
        knockouts=("response",),
    ),
)

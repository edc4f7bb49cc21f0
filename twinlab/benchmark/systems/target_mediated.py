"""An antibody that its own target removes."""

from __future__ import annotations

from .base import BenchmarkSystem, Equations, Parameter, Parameters
from .libraries import polynomial


def _equations(p: Parameters) -> Equations:
    bind, release = p["binding"], p["unbinding"]
    return {
        "drug": {"drug": -p["elimination"], "drug*target": -bind, "bound": release},
        "target": {
            "1": p["synthesis"],
            "target": -p["degradation"],
            "drug*target": -bind,
            "bound": release,
        },
        "bound": {"drug*target": bind, "bound": -release - p["internalisation"]},
    }


SYSTEMS = (
    BenchmarkSystem(
        name="target_mediated",
        title="Target-mediated drug disposition",
        tier=2,
        reference="Mager and Jusko (2001), J. Pharmacokinet. Pharmacodyn. 28, 507, without"
        " a tissue compartment",
        parameters={
            "elimination": Parameter(0.05, "1/h"),
            "binding": Parameter(0.1, "1/(nM*h)"),
            "unbinding": Parameter(0.05, "1/h"),
            "internalisation": Parameter(0.08, "1/h"),
            "synthesis": Parameter(0.6, "nM/h"),
            "degradation": Parameter(0.1, "1/h"),
        },
        make_equations=_equations,
        initial={"drug": (5.0, 60.0), "target": (2.0, 8.0), "bound": (0.0, 3.0)},
        horizon=48.0,
        make_library=polynomial(2),
        time_unit="h",
        units=dict.fromkeys(("drug", "target", "bound"), "nM"),
        hide=("bound", "target"),
    ),
)

"""Tumour growth that slows down exponentially."""

from __future__ import annotations

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import polynomial


def _equations(p: Parameters) -> Equations:
    return {"volume": {"volume": p["growth"], "volume*log(volume)": -p["slowing"]}}


SYSTEMS = (
    BenchmarkSystem(
        name="gompertz",
        title="Gompertz growth",
        tier=1,
        reference="Laird (1964), Br. J. Cancer 18, 490, as dV/dt = V (a - b ln V); the volume that"
        " is not passed is exp(a/b) cm^3",
        parameters={"growth": Parameter(0.9, "1/month"), "slowing": Parameter(0.3, "1/month")},
        make_equations=_equations,
        initial={"volume": (2.0, 8.0)},
        horizon=12.0,
        make_library=polynomial(3, ("volume*log(volume)", "log(volume)", "volume^2*log(volume)")),
        design=Design(2, 30, 0.05),
        time_unit="month",
        units={"volume": "cm^3"},
        positive=True,
    ),
)

"""Bacteria on a limiting substrate, fed at a varying concentration."""

from __future__ import annotations

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import polynomial
from .profiles import wave

_HALF = (0.2, 0.5, 1.2)


def _equations(p: Parameters) -> Equations:
    dilution, growth = p["dilution"], p["growth"]
    uptake = f"biomass*mm(substrate,{p['half_saturation']:g})"
    return {
        "substrate": {"feed": dilution, "substrate": -dilution, uptake: -growth / p["yield"]},
        "biomass": {uptake: growth, "biomass": -dilution},
    }


SYSTEMS = (
    BenchmarkSystem(
        name="chemostat",
        title="Chemostat with Monod uptake",
        tier=2,  # two states, an input and a rational rate
        reference="Monod (1950), Ann. Inst. Pasteur 79, 390; Smith and Waltman (1995), The Theory"
        " of the Chemostat, ch. 1",
        parameters={
            "dilution": Parameter(0.3, "1/h"),
            "growth": Parameter(0.9, "1/h"),
            "half_saturation": Parameter(0.5, "g/L"),
            "yield": Parameter(0.5),
        },
        make_equations=_equations,
        initial={"substrate": (0.3, 5.0), "biomass": (0.2, 2.0)},
        horizon=20.0,
        make_library=polynomial(
            2,
            (
                *(f"mm(substrate,{half})" for half in _HALF),
                *(f"biomass*mm(substrate,{half})" for half in _HALF),
            ),
        ),
        design=Design(4, 40, 0.05),
        time_unit="h",
        units={"substrate": "g/L", "biomass": "g/L", "feed": "g/L"},
        inputs={"feed": wave(5.0, 3.0, 10.0)},
        hide=("substrate",),
        knockouts=("growth",),
    ),
)

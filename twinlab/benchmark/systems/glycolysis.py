"""Glycolysis of yeast with its oscillations."""

from __future__ import annotations

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import polynomial

_HALF = (0.25, 0.52, 1.0)
_STATES = ("glucose", "triose", "bpg", "pyruvate", "nadh", "atp", "external")


def _equations(p: Parameters) -> Equations:
    k1, k2, k3, k4 = p["k1"], p["k2"], p["k3"], p["k4"]
    k5, k6, nad, adenine = p["k5"], p["k6"], p["nad_total"], p["adenine_total"]
    exchange = p["exchange"]
    first = f"glucose*atp*repress(atp,{p['half_inhibition']:g},{p['hill_coefficient']:g})"
    return {
        "glucose": {"1": p["inflow"], first: -k1},
        "triose": {first: 2 * k1, "triose": -k2 * nad, "triose*nadh": k2 - k6},
        "bpg": {
            "triose": k2 * nad,
            "triose*nadh": -k2,
            "bpg": -k3 * adenine,
            "bpg*atp": k3,
        },
        "pyruvate": {
            "bpg": k3 * adenine,
            "bpg*atp": -k3,
            "pyruvate*nadh": -k4,
            "pyruvate": -exchange,
            "external": exchange,
        },
        "nadh": {"triose": k2 * nad, "triose*nadh": -k2 - k6, "pyruvate*nadh": -k4},
        "atp": {first: -2 * k1, "bpg": 2 * k3 * adenine, "bpg*atp": -2 * k3, "atp": -k5},
        "external": {
            "pyruvate": p["volume_ratio"] * exchange,
            "external": -p["volume_ratio"] * exchange - p["external_loss"],
        },
    }


SYSTEMS = (
    BenchmarkSystem(
        name="glycolysis",
        title="Yeast glycolysis",
        tier=3,
        reference="Ruoff, Christensen, Wolf and Heinrich (2003), Biophys. Chem. 106, 179; form,"
        " numbers and initial ranges of Daniels and Nemenman (2015), PLoS ONE 10, e0119821,"
        " with N - NADH and A - ATP multiplied out",
        parameters={
            "inflow": Parameter(2.5, "mM/min"),
            "k1": Parameter(100.0, "1/(mM*min)"),
            "k2": Parameter(6.0, "1/(mM*min)"),
            "k3": Parameter(16.0, "1/(mM*min)"),
            "k4": Parameter(100.0, "1/(mM*min)"),
            "k5": Parameter(1.28, "1/min"),
            "k6": Parameter(12.0, "1/(mM*min)"),
            "external_loss": Parameter(1.8, "1/min"),
            "exchange": Parameter(13.0, "1/min"),
            "hill_coefficient": Parameter(4.0),
            "half_inhibition": Parameter(0.52, "mM"),
            "volume_ratio": Parameter(0.1),
            "nad_total": Parameter(1.0, "mM"),
            "adenine_total": Parameter(4.0, "mM"),
        },
        make_equations=_equations,
        initial={
            "glucose": (0.15, 1.60),
            "triose": (0.19, 2.16),
            "bpg": (0.04, 0.20),
            "pyruvate": (0.10, 0.35),
            "nadh": (0.08, 0.30),
            "atp": (0.14, 2.67),
            "external": (0.05, 0.10),
        },
        horizon=5.0,
        make_library=polynomial(
            2,
            tuple(f"glucose*atp*repress(atp,{half},{n})" for half in _HALF for n in (2, 4)),
        ),
        design=Design(5, 60, 0.05),
        time_unit="min",
        units=dict.fromkeys(_STATES, "mM"),
        hide=("bpg", "triose"),
        knockouts=("k6", "exchange"),
    ),
)

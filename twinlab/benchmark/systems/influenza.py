"""Influenza in the cells of the airway."""

from __future__ import annotations

from .base import BenchmarkSystem, Equations, Parameter, Parameters
from .libraries import polynomial


def _equations(p: Parameters) -> Equations:
    infect, onset = p["infection"], p["onset"]
    return {
        "target": {"target*virus": -infect},
        "latent": {"target*virus": infect, "latent": -onset},
        "infectious": {"latent": onset, "infectious": -p["cell_death"]},
        "virus": {"infectious": p["shedding"], "virus": -p["clearance"]},
    }


SYSTEMS = (
    BenchmarkSystem(
        name="influenza",
        title="Influenza A with a latent phase",
        tier=2,
        reference="Baccam, Beauchemin, Macken, Hayden and Perelson (2006), J. Virol. 80, 7590,"
        " the model with a delay and its average parameters; cells in units of 10^8,"
        " virus in 10^6 TCID50 per mL, from larger inocula",
        parameters={
            "infection": Parameter(32.0, "mL/(10^6*day)"),
            "onset": Parameter(4.0, "1/day"),
            "cell_death": Parameter(5.2, "1/day"),
            "shedding": Parameter(4.6, "10^-2/(cell*mL*day)"),
            "clearance": Parameter(5.2, "1/day"),
        },
        make_equations=_equations,
        initial={
            "target": (2.0, 4.0),
            "latent": (0.0, 0.05),
            "infectious": (0.0, 0.05),
            "virus": (0.005, 0.05),
        },
        horizon=4.0,
        make_library=polynomial(2),
        time_unit="day",
        units={
            "target": "10^8 cells",
            "latent": "10^8 cells",
            "infectious": "10^8 cells",
            "virus": "10^6/mL",
        },
        hide=("latent", "infectious"),
    ),
)

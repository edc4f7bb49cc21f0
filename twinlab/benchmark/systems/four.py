"""The peers' four systems with the settings of their comparison, initial states included."""

from __future__ import annotations

from dataclasses import replace

from .base import BenchmarkSystem, Design, Parameter
from .libraries import polynomial, with_hill
from .lotka_volterra import SYSTEMS as _PREDATORS
from .pk_saturable import SYSTEMS as _SATURABLE
from .repressilator import SYSTEMS as _RINGS
from .seir import SYSTEMS as _EPIDEMICS

_SETTINGS = "; rates, initial states, horizon and library of the comparison of four systems"
_DESIGN = Design(3, 100, 0.05)


def _with_rates(system: BenchmarkSystem, **values: float) -> dict[str, Parameter]:
    """The system's parameters with other values and the same units."""
    return {
        name: Parameter(values.get(name, parameter.value), parameter.unit)
        for name, parameter in system.parameters.items()
    }


SYSTEMS = (
    replace(
        _PREDATORS[0],
        name="four_lotka_volterra",
        title="Lotka-Volterra, suite of four",
        reference=_PREDATORS[0].reference + _SETTINGS,
        parameters=_with_rates(_PREDATORS[0], birth=1.1, predation=0.4, death=0.4, conversion=0.1),
        initial={"prey": (4.0, 12.0), "predator": (2.0, 8.0)},
        horizon=25.0,
        make_library=polynomial(3),
        design=_DESIGN,
        starts=((10, 5), (6, 3), (12, 2), (4, 6), (8, 8)),
        unseen_starts=((7, 2),),
    ),
    replace(
        _EPIDEMICS[0],
        name="four_seir",
        title="SEIR, suite of four",
        reference=_EPIDEMICS[0].reference + _SETTINGS,
        parameters=_with_rates(_EPIDEMICS[0], contact=0.8, onset=0.5, recovery=0.2),
        initial={
            "susceptible": (0.6, 0.99),
            "exposed": (0.001, 0.1),
            "infectious": (0.005, 0.1),
        },
        horizon=50.0,
        design=_DESIGN,
        starts=(
            (0.99, 0.01, 0.005),
            (0.9, 0.02, 0.05),
            (0.7, 0.1, 0.01),
            (0.95, 0.001, 0.02),
            (0.6, 0.05, 0.1),
        ),
        unseen_starts=((0.8, 0.05, 0.02),),
    ),
    replace(
        _RINGS[0],
        name="four_repressilator",
        title="Repressilator, suite of four",
        reference=_RINGS[0].reference + _SETTINGS,
        initial=dict.fromkeys(_RINGS[0].initial, (0.1, 4.0)),
        horizon=20.0,
        make_library=with_hill(2, (1.0,), (1.0, 2.0, 3.0, 4.0), "repression"),
        design=_DESIGN,
        starts=((1, 0.5, 2), (0.2, 3, 1), (3, 1, 0.3), (2, 2, 0.1), (0.5, 0.5, 4)),
        unseen_starts=((1.5, 0.2, 2.5),),
    ),
    replace(
        _SATURABLE[0],
        name="four_pk",
        title="Two-compartment PK, suite of four",
        reference=_SATURABLE[0].reference + _SETTINGS,
        design=_DESIGN,
        starts=((10, 0), (2, 0), (20, 0), (5, 0), (1, 0)),
        unseen_starts=((8, 0),),
    ),
)

"""The axes: what is turned, at which levels, and which challenge of the field each answers.

The eight challenges are those of reviews of model discovery in biology: noisy and missing data;
few conditions; prior knowledge; unobserved states; high dimension; estimating derivatives from
sparse samples; choice of the library; uncertainty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Changes = Mapping[str, Any]


@dataclass(frozen=True)
class Level:
    """One setting of an axis: its label in tables, its place on the curve, and the cell's fields.

    `at` is None for a level that has no place on a line (a kind of noise); `systems` replaces
    those of the axis.
    """

    label: str
    changes: Changes = field(default_factory=dict)
    at: float | None = None
    systems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Axis:
    """One knob.

    Attributes
    ----------
    name, title : str
    challenge : str
        Number and name of the challenge it answers.
    unit : str
        Of the curve's horizontal axis.
    levels : tuple of Level
    systems : tuple of str
        Default systems; each is measured at every level.
    """

    name: str
    title: str
    challenge: str
    unit: str
    levels: tuple[Level, ...]
    systems: tuple[str, ...]

    def level(self, label: str) -> Level:
        """Level by its label."""
        return next(level for level in self.levels if level.label == label)


SMALL = ("predator_prey", "seir", "fitzhugh_nagumo")
_NOISE = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4)
_POINTS = (8, 12, 20, 30, 50, 100, 200, 1000)
_CONDITIONS = (1, 2, 3, 4, 6, 8, 12)
#: So few and noisy points that one condition does not suffice: elsewhere nothing is left to gain.
_SPARSE = {"points": 15, "noise": 0.2}

_ALL = (
    Axis(
        "noise",
        "Noise",
        "1 noisy and missing data",
        "noise, fraction of each state's sd",
        (
            *(Level(f"{100 * v:g} %", {"noise": v}, v) for v in _NOISE),
            Level("log-normal 15 %", {"noise": 0.15, "noise_kind": "lognormal"}),
            Level("Student-t 10 %", {"noise": 0.10, "noise_kind": "student"}),
            Level("outliers 5 %", {"noise": 0.05, "noise_kind": "outliers"}),
            Level("40 % missing", {"noise": 0.05, "sampling": "missing"}),
            Level("20 % censored", {"noise": 0.05, "sampling": "censored"}),
        ),
        SMALL,
    ),
    Axis(
        "conditions",
        "Conditions",
        "2 few or different conditions",
        "conditions of 15 points, 20 % noise",
        (
            *(Level(f"{n}", {"conditions": n, **_SPARSE}, float(n)) for n in _CONDITIONS),
            Level("rates vary 30 %", {"conditions": 4, "variation": "rates"}),
            Level("one rate in one of 6", {"conditions": 6, "variation": "one"}),
            Level("knock-outs", {"conditions": 4, "variation": "knockout"}),
            Level("inputs vary", {"conditions": 4, "variation": "inputs"}, None, ("chemostat",)),
        ),
        SMALL,
    ),
    Axis(
        "prior",
        "Prior knowledge",
        "3 prior knowledge",
        "share of the true edges told",
        (
            Level("none", {"points": 20, "noise": 0.15}, 0.0),
            Level("25 %", {"points": 20, "noise": 0.15, "prior": 0.25}, 0.25),
            Level("50 %", {"points": 20, "noise": 0.15, "prior": 0.5}, 0.5),
            Level(
                "50 %, 20 % of it wrong",
                {"points": 20, "noise": 0.15, "prior": 0.5, "prior_wrong": 0.2},
            ),
            Level(
                "50 %, half of it wrong",
                {"points": 20, "noise": 0.15, "prior": 0.5, "prior_wrong": 0.5},
            ),
        ),
        SMALL,
    ),
    Axis(
        "hidden",
        "Unobserved states",
        "4 unobserved states",
        "hidden states",
        (Level("none", {}, 0.0), Level("1 hidden", {"hidden": 1}, 1.0)),
        ("seir", "predator_prey", "hiv", "glucose"),
    ),
    Axis(
        "dimension",
        "Dimension",
        "5 high dimension",
        "states",
        (
            Level("1 state", {}, 1.0, ("logistic",)),
            Level("2 states", {}, 2.0, ("predator_prey",)),
            Level("3 states", {}, 3.0, ("seir",)),
            Level("6 states", {}, 6.0, ("enzyme_hill",)),
            Level("7 states", {}, 7.0, ("glycolysis",)),
            Level("10 states", {}, 10.0, ("glv10",)),
            Level("20 states", {}, 20.0, ("glv20",)),
        ),
        (),
    ),
    Axis(
        "points",
        "Points and sampling",
        "6 sparse samples, derivatives",
        "points a trajectory",
        (
            *(Level(f"{n}", {"points": n}, float(n)) for n in _POINTS),
            Level("irregular 30", {"points": 30, "sampling": "irregular"}),
            Level("gap 30", {"points": 30, "sampling": "gap"}),
        ),
        SMALL,
    ),
    Axis(
        "library",
        "Library",
        "7 choice of the library",
        "columns over true terms",
        (
            Level("default", {}),
            Level("x2", {"library": "x2"}, 2.0),
            Level("x5", {"library": "x5"}, 5.0),
            Level("x20", {"library": "x20"}, 20.0),
            Level("rational terms", {"library": "rational"}),
            Level("a true term removed", {"library": "removed"}),
        ),
        SMALL,
    ),
    Axis(
        "uncertainty",
        "Uncertainty",
        "8 uncertainty",
        "points a trajectory, 2 conditions, 15 % noise",
        tuple(
            Level(f"2 x {n}, 15 %", {"conditions": 2, "points": n, "noise": 0.15}, float(n))
            for n in (15, 30, 60)
        ),
        (*SMALL, "van_der_pol"),
    ),
)

#: Every axis by name.
AXES: Mapping[str, Axis] = MappingProxyType({axis.name: axis for axis in _ALL})

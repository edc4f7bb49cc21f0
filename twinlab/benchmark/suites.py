"""Suites: which cells, which methods, how long each answer may take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from twinlab.errors import UserError

from .cells import Cell
from .levels import AXES, Axis, Level
from .published import ESINDY_NOTE, FOUR_NOTE, ODRBINDY_NOTE
from .systems import SYSTEMS

FULL_SEEDS = 20
#: Compared by default, in this order in every table.
METHODS = (
    "twinlab", "pysindy", "pysindy-best", "pysindy-oracle", "pysindy-smooth", "sindy-pi", "lasso",
    "nls",
)  # fmt: skip
#: The grid: every tier, polynomial and rational, oscillating and settling, driven and not.
GRID = (
    "predator_prey", "logistic", "sir", "brusselator", "fitzhugh_nagumo", "van_der_pol", "seir",
    "goodwin", "repressilator", "toggle", "hiv", "chemostat", "pk_saturable", "tumour_immune",
    "lorenz", "enzyme_hill", "glycolysis", "glv10",
)  # fmt: skip
#: Systems kept out of every choice made for the method: written on 2026-11-23, published models of
#: ecology, epidemiology, virology, pharmacology, gene regulation and chaos, all at one design,
#: before the method had seen any data of theirs.
HOLDOUT = (
    "competition", "rosenzweig_macarthur", "ross_macdonald", "influenza", "target_mediated",
    "indirect_response", "gene_switch", "rossler",
)  # fmt: skip
#: Named first in that role, and run after each larger change of the method since then; data of
#: two of them came into the calibration suite.
FIRST_HOLDOUT = ("gompertz", "selkov", "schnakenberg", "pk_one", "pk_two", "glucose")
#: What the method was developed on: (system, conditions, points, noise).
_DEVELOPMENT = (
    ("lotka_volterra", 1, 30, 0.05), ("lotka_volterra", 2, 50, 0.01),
    ("lotka_volterra", 2, 50, 0.1), ("lotka_volterra", 2, 100, 0.2),
    ("lotka_volterra", 4, 30, 0.1), ("lotka_volterra", 1, 30, 0.2),
    ("seir", 2, 50, 0.05), ("seir", 5, 30, 0.05), ("seir", 5, 100, 0.1), ("seir", 10, 50, 0.2),
    ("seir", 1, 40, 0.1),
    ("enzyme_hill", 3, 50, 0.02), ("enzyme_hill", 5, 50, 0.05), ("enzyme_hill", 10, 30, 0.05),
    ("enzyme_hill", 10, 60, 0.1), ("enzyme_hill", 10, 60, 0.2), ("enzyme_hill", 1, 100, 0.05),
)  # fmt: skip
#: At the system's own design, and with little data.
_DESIGNS: tuple[dict[str, Any], ...] = ({}, {"noise": 0.15, "points": 30, "conditions": 2})

#: Cells of the calibration suite: (system, conditions, points, noise).  Most are poor in data, so
#: that posteriors are in doubt; some are rich, so that intervals are tested where they are narrow.
CALIBRATION = (
    ("logistic", 2, 12, 0.2), ("predator_prey", 1, 15, 0.2), ("predator_prey", 3, 30, 0.05),
    ("lotka_volterra", 1, 25, 0.2), ("sir", 1, 20, 0.2), ("van_der_pol", 1, 30, 0.2),
    ("fitzhugh_nagumo", 2, 25, 0.15), ("brusselator", 1, 30, 0.2), ("selkov", 2, 20, 0.15),
    ("seir", 1, 25, 0.2), ("seir", 4, 30, 0.05), ("pk_saturable", 2, 15, 0.1),
    ("pk_two", 1, 20, 0.2), ("chemostat", 2, 20, 0.1), ("toggle", 3, 20, 0.15),
    ("toggle", 5, 40, 0.05),
)  # fmt: skip
CALIBRATION_SEEDS = 10
JITTER = 0.2  #: standard deviation of the logarithms of the rates that are drawn


@dataclass(frozen=True)
class Item:
    """One cell in its place in the tables."""

    axis: str
    level: str
    at: float | None
    cell: Cell


@dataclass(frozen=True)
class Suite:
    """A named plan.

    Attributes
    ----------
    name : str
    title : str
    items : tuple of Item
        The same cell may stand on several axes; it is run once.
    methods : tuple of str
    budget : float
        Seconds an answer may take.
    note : str
        Printed under the table.
    axes : mapping of axis name to (title, challenge, unit)
    """

    name: str
    title: str
    items: tuple[Item, ...]
    methods: tuple[str, ...]
    budget: float
    note: str
    axes: Mapping[str, tuple[str, str, str]]

    def cells(self) -> tuple[Cell, ...]:
        """Distinct cells, in order of their first item."""
        return tuple({item.cell.key: item.cell for item in self.items}.values())


def _axis_items(
    axis: Axis, seeds: int, levels: Iterable[Level] | None = None, systems: tuple[str, ...] = ()
) -> Iterator[Item]:
    for level in axis.levels if levels is None else levels:
        for system in level.systems or systems or axis.systems:
            for seed in range(seeds):
                cell = Cell(system, seed=seed, **level.changes)
                yield Item(axis.name, level.label, level.at, cell)


def _described(axes: Iterable[Axis]) -> Mapping[str, tuple[str, str, str]]:
    return {axis.name: (axis.title, axis.challenge, axis.unit) for axis in axes}


#: Levels of the smoke suite: (axis, labels, system); two levels of each of the eight axes.
_SMOKE = (
    ("noise", ("2 %", "20 %"), ("predator_prey",)),
    ("conditions", ("1", "4"), ("predator_prey",)),
    ("prior", ("none", "50 %", "50 %, half of it wrong"), ("predator_prey",)),
    ("hidden", ("none", "1 hidden"), ("seir",)),
    ("dimension", ("1 state", "3 states", "10 states"), ()),
    ("points", ("12", "irregular 30"), ("predator_prey",)),
    ("library", ("x5", "rational terms", "a true term removed"), ("predator_prey",)),
    ("uncertainty", ("2 x 15, 15 %", "2 x 30, 15 %"), ("fitzhugh_nagumo",)),
)


def _smoke(seeds: int | None) -> Suite:
    items = [
        item
        for name, labels, systems in _SMOKE
        for item in _axis_items(
            AXES[name], seeds or 1, [AXES[name].level(label) for label in labels], systems
        )
    ]
    note = "A few cells of every axis: does everything run, and is anything badly wrong?"
    return Suite("smoke", "Smoke", tuple(items), METHODS, 60.0, note, _described(AXES.values()))


def _by_system(name: str, title: str, cells: Iterable[Cell], note: str) -> Suite:
    """A suite with one level a system and design."""
    items = tuple(Item("system", f"{cell.system}: {_design(cell)}", None, cell) for cell in cells)
    axes = {"system": ("Systems", "all", "")}
    return Suite(name, title, items, METHODS, 120.0, note, axes)


def _two_designs(systems: Iterable[str], seeds: int | None) -> Iterator[Cell]:
    for name in systems:
        for changes in _DESIGNS:
            for seed in range(seeds or FULL_SEEDS):
                yield Cell(name, seed=seed, **changes)


def _grid(seeds: int | None) -> Suite:
    note = "Each system at its own design, and at 2 conditions x 30 points with 15 % noise."
    return _by_system("grid", "Grid", _two_designs(GRID, seeds), note)


def _holdout(seeds: int | None) -> Suite:
    note = (
        "Systems that were in no tuning, named beforehand; each at 4 conditions x 40 points with "
        "5 % noise, and at 2 conditions x 30 points with 15 % noise."
    )
    return _by_system("holdout", "Systems never tuned on", _two_designs(HOLDOUT, seeds), note)


def _first_holdout(seeds: int | None) -> Suite:
    note = (
        "The systems that were held out first; each at its own design, and at 2 conditions x 30 "
        "points with 15 % noise."
    )
    title = "Systems held out first"
    return _by_system("holdout-first", title, _two_designs(FIRST_HOLDOUT, seeds), note)


def _development(seeds: int | None) -> Suite:
    cells = [
        Cell(name, seed=seed, conditions=conditions, points=points, noise=noise)
        for name, conditions, points, noise in _DEVELOPMENT
        for seed in range(seeds or 8)
    ]
    note = "The grid the method was developed on: 20, 30 and 492 columns, 1 to 10 conditions."
    return _by_system("development", "Development grid", cells, note)


def _calibration(seeds: int | None) -> Suite:
    """Simulation-based calibration: rates and initial states are drawn for every data set."""
    cells = [
        Cell(system, seed, conditions, points, noise, jitter=JITTER)
        for system, conditions, points, noise in CALIBRATION
        for seed in range(seeds or CALIBRATION_SEEDS)
    ]
    items = tuple(Item("calibration", f"{c.system}: {_design(c)}", None, c) for c in cells)
    note = (
        "The truth of every data set is drawn: rates log-normal around the standard ones with sd "
        f"{JITTER:g} of the logarithm, initial states uniform in the system's range."
    )
    axes = {"calibration": ("Calibration", "8", "")}
    return Suite("calibration", "Calibration", items, ("twinlab",), 120.0, note, axes)


def _design(cell: Cell) -> str:
    return f"{cell.conditions} x {cell.points}, {100 * cell.noise:g} %"


def _axis(name: str, seeds: int | None) -> Suite:
    if name not in AXES:
        raise UserError(f"There is no axis '{name}'.", mend=f"Axes: {', '.join(AXES)}.")
    axis = AXES[name]
    items = tuple(_axis_items(axis, seeds or FULL_SEEDS))
    described = _described((axis,))
    return Suite(f"axis:{name}", axis.title, items, METHODS, 120.0, axis.challenge, described)


def _system(name: str, seeds: int | None) -> Suite:
    """One system along noise, points and conditions, at its own design elsewhere."""
    chosen = ("noise", "points", "conditions")
    items = [
        item
        for axis in chosen
        for item in _axis_items(
            AXES[axis],
            seeds or FULL_SEEDS,
            [level for level in AXES[axis].levels if level.at is not None],
            (name,),
        )
    ]
    described = _described(AXES[axis] for axis in chosen)
    system = SYSTEMS[name]
    return Suite(name, system.title, tuple(items), METHODS, 120.0, system.reference, described)


def _four(seeds: int | None) -> Suite:
    names = ("four_lotka_volterra", "four_seir", "four_repressilator", "four_pk")
    items = [
        Item("noise", f"{100 * noise:g} %", noise,
             Cell(name, seed=seed, points=points, conditions=conditions, noise=noise))
        for noise in (0.01, 0.05, 0.1, 0.2)
        for name in names
        for points, conditions in ((50, 1), (100, 3), (200, 5))
        for seed in range(seeds or 6)
    ]  # fmt: skip
    axes = {"noise": ("Four systems, by noise", "all", "noise, fraction of each state's sd")}
    return Suite("four", "The peers' four systems", tuple(items), METHODS, 120.0, FOUR_NOTE, axes)


def _repeat(name: str, title: str, note: str, seeds: int | None) -> Suite:
    """The cells of a published study: one trajectory of the Lorenz system."""
    settings = {
        "esindy": ((0.025, 300), (0.05, 1000)),
        "odrbindy": ((0.2, 400), (0.2, 1000), (0.3, 1000), (0.4, 1000)),
    }[name]
    items = tuple(
        Item(
            "published",
            f"{100 * noise:g} %, {points} points",
            None,
            Cell(
                f"lorenz_{name}",
                seed=seed,
                conditions=1,
                points=points,
                noise=noise,
                noise_told=name == "odrbindy",
            ),
        )
        for noise, points in settings
        for seed in range(seeds or FULL_SEEDS)
    )
    methods = ("twinlab", "pysindy", "pysindy-best", "pysindy-oracle", "pysindy-smooth", "nls")
    axes = {"published": (title, "as published", "")}
    return Suite(name, title, items, methods, 300.0, note, axes)


_NAMED = MappingProxyType(
    {
        "smoke": _smoke,
        "grid": _grid,
        "holdout": _holdout,
        "holdout-first": _first_holdout,
        "development": _development,
        "four": _four,
        "calibration": _calibration,
        "esindy": lambda seeds: _repeat(
            "esindy", "Settings of E-SINDy (Fasel 2022)", ESINDY_NOTE, seeds
        ),
        "odrbindy": lambda seeds: _repeat(
            "odrbindy", "Settings of ODR-BINDy (Fung 2025)", ODRBINDY_NOTE, seeds
        ),
    }
)


def make_suite(name: str, seeds: int | None = None) -> Suite:
    """Return a suite by its name: one of the named ones, axis:NAME or a system's name.

    Parameters
    ----------
    name : str
    seeds : int, optional
        Data sets of every cell; the suite's own number by default.

    Raises
    ------
    UserError
        There is no such suite.
    """
    if name in _NAMED:
        return _NAMED[name](seeds)
    if name.startswith("axis:"):
        return _axis(name.removeprefix("axis:"), seeds)
    if name in SYSTEMS:
        return _system(name, seeds)
    raise UserError(
        f"There is no suite '{name}'.",
        mend=f"Suites: {', '.join(_NAMED)}, axis:NAME with {', '.join(AXES)}, or a system: "
        f"{', '.join(SYSTEMS)}.",
    )


def restricted(suite: Suite, axis: str) -> Suite:
    """Keep one axis of a suite.

    Raises
    ------
    UserError
        The suite does not have it.
    """
    if axis not in suite.axes:
        raise UserError(
            f"The suite {suite.name} has no axis '{axis}'.",
            mend=f"It has {', '.join(suite.axes)}.",
        )
    items = tuple(item for item in suite.items if item.axis == axis)
    return replace(suite, items=items, axes={axis: suite.axes[axis]})

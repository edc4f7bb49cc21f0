"""Communities of ten and twenty species."""

from __future__ import annotations

from functools import partial

import numpy as np

from twinlab.library import Library

from .base import BenchmarkSystem, Design, Equations, Parameter, Parameters
from .libraries import own_terms


def _names(size: int) -> tuple[str, ...]:
    return tuple(f"n{number}" for number in range(1, size + 1))


def _draw(size: int) -> dict[str, Parameter]:
    """Growth rates and effects of a random community, rounded to three digits.

    Every species limits itself; it feels each other one with probability 2/size, and of these
    effects 70 % are harmful.
    """
    rng = np.random.default_rng([1972, size])
    found = {}
    for number in range(1, size + 1):
        found[f"growth_{number}"] = Parameter(round(rng.uniform(0.5, 1.0), 3), "1/day")
        found[f"effect_{number}_{number}"] = Parameter(-1.0, "1/day")
        for other in range(1, size + 1):
            felt, harmful, effect = rng.random(), rng.random() < 0.7, rng.uniform(0.2, 0.5)
            if other != number and felt < 2.0 / size:
                value = round(-effect if harmful else effect, 3)
                found[f"effect_{number}_{other}"] = Parameter(value, "1/day")
    return found


def _equations(size: int, p: Parameters) -> Equations:
    equations: dict[str, dict[str, float]] = {}
    for number, name in enumerate(_names(size), 1):
        row = {name: p[f"growth_{number}"]}
        for other, partner in enumerate(_names(size), 1):
            if f"effect_{number}_{other}" in p:
                term = f"{name}^2" if other == number else f"{name}*{partner}"
                row[term] = p[f"effect_{number}_{other}"]
        equations[name] = row
    return equations


def _library(states: tuple[str, ...], inputs: tuple[str, ...]) -> Library:
    """Own growth and own products with every species: (1 + size) candidates an equation."""
    return own_terms(Library.mass_action(states, inputs=inputs))


def _community(size: int, design: Design) -> BenchmarkSystem:
    names = _names(size)
    return BenchmarkSystem(
        name=f"glv{size}",
        title=f"Generalised Lotka-Volterra, {size} species",
        tier=3,
        reference="Lotka (1925); random community in the manner of May (1972), Nature 238, 413;"
        " abundances in units of a species' own capacity; fixed draw, listed in the parameters",
        parameters=_draw(size),
        make_equations=partial(_equations, size),
        initial=dict.fromkeys(names, (0.05, 1.0)),
        horizon=12.0,
        make_library=_library,
        design=design,
        time_unit="day",
        hide=names[-2:],
        knockouts=tuple(f"growth_{number}" for number in range(1, 5)),
    )


SYSTEMS = (_community(10, Design(6, 40, 0.05)), _community(20, Design(12, 40, 0.05)))

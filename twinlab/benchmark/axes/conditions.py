"""What differs between conditions: initial states always; rates, knock-outs or inputs besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError

from ..systems import BenchmarkSystem, Equations
from .streams import stream

Array = NDArray[np.float64]
RATE_RANGE = (0.7, 1.3)  #: factors on the rates
ODD_RANGE, ODD_AMONG = (1.5, 2.0), 6  #: factor on one rate of one condition, among the first six


@dataclass(frozen=True)
class Condition:
    """One condition, before anything is measured.

    Attributes
    ----------
    start : (n_state,) array
    changes : mapping of str to float
        Factor on each parameter that differs from the standard; 0 for a knock-out.
    input_seed : int or None
        None for the standard inputs.
    """

    start: Array
    changes: Mapping[str, float]
    input_seed: int | None

    def inputs(self, system: BenchmarkSystem, time: Array, seed: int) -> Array:
        """Inputs at `time`, shape (n_time, n_input)."""
        if self.input_seed is None:
            return system.input_values(time)
        return system.input_values(time, stream("inputs", system.name, seed, self.input_seed))

    def equations(self, system: BenchmarkSystem) -> Equations:
        """True equations under this condition."""
        return system.equations_with(self.changes)

    def factors(self, system: BenchmarkSystem) -> dict[tuple[str, str], float]:
        """Factor on the coefficient of each true (state, term)."""
        here = self.equations(system)
        return {
            (state, term): here[state][term] / value
            for state, row in system.equations.items()
            for term, value in row.items()
        }


def check_variation(system: BenchmarkSystem, variation: str) -> None:
    """Refuse a variation that a system does not have.

    Raises
    ------
    UserError
        No inputs to vary, or nothing to knock out.
    """
    if variation == "inputs" and not system.inputs:
        raise UserError(f"{system.name} has no inputs that could vary.")
    if variation == "knockout" and not system.knockouts:
        raise UserError(f"{system.name} has no rate that could be knocked out.")


def condition(
    system: BenchmarkSystem, variation: str, seed: int, number: int, *, purpose: str = "condition"
) -> Condition:
    """Condition `number` (from 0) of a seed; more conditions leave the first ones as they are.

    Every second condition is a knock-out, one of the system's `knockouts` after the other; the
    first, third, ... are not.  Changed rates are all multiplied by independent uniform factors
    between 0.7 and 1.3.  Where one rate differs, it is 1.5 to 2 times the standard in one of the
    first six conditions.

    Parameters
    ----------
    system : BenchmarkSystem
    variation : str
        'initial', 'rates', 'one', 'knockout' or 'inputs'.
    seed, number : int
    purpose : str
        Conditions of another purpose (forecasts) are drawn independently.
    """
    rng = stream(purpose, system.name, seed, number)
    start = system.sample_initial(rng)
    published = system.starts if purpose == "condition" else system.unseen_starts
    if number < len(published):
        start = np.array(published[number], float)
    changes: dict[str, float] = {}
    if variation == "rates":
        changes = {name: float(rng.uniform(*RATE_RANGE)) for name in system.rates}
    elif variation == "one" and purpose == "condition":
        odd, rate, factor = odd_rate(system, seed)
        changes = {rate: factor} if number == odd else {}
    elif variation == "knockout" and number % 2 == 1:
        changes = {system.knockouts[number // 2 % len(system.knockouts)]: 0.0}
    own_input = 2 * number + (purpose != "condition")
    return Condition(start, changes, own_input if variation == "inputs" else None)


def odd_rate(system: BenchmarkSystem, seed: int) -> tuple[int, str, float]:
    """Which condition has which rate multiplied by what, where one rate differs."""
    rng = stream("odd rate", system.name, seed)
    odd, rate = int(rng.integers(ODD_AMONG)), str(rng.choice(list(system.rates)))
    return odd, rate, float(rng.uniform(*ODD_RANGE))


def unseen_condition(
    system: BenchmarkSystem, variation: str, seed: int, conditions: int
) -> Condition:
    """A condition that no data set of the seed holds.

    Rates and inputs are drawn anew; a knock-out is the one after those of the data (the first
    again when all were used, with a new initial state).  Where initial states alone vary, the
    new one is a corner of their ranges.
    """
    number = 2 * (conditions // 2) + 1 if variation == "knockout" else 0
    drawn = condition(system, variation, seed, number, purpose="unseen condition")
    if variation != "initial":
        return drawn
    ends = np.array([system.initial[state] for state in system.states])
    side = stream("corner", system.name, seed).integers(0, 2, len(ends))
    return Condition(ends[np.arange(len(ends)), side], {}, None)

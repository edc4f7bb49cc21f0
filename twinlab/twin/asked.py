"""A subject under doses that somebody asks about: simulated, and held against the data's doses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twinlab.discovery.bands import display_grid
from twinlab.discovery.problem import Problem
from twinlab.errors import UserError
from twinlab.study import Dose
from twinlab.study.dosing import arriving_doses

from .simulation import Simulation
from .twin import Twin, scaled_doses

#: Doses may go on for so many times the longest record of the data.
LONGEST = 5.0
#: More doses than this are taken for a mistake.
MOST_DOSES = 200
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Asked:
    """What was asked, and the answer.

    Attributes
    ----------
    doses : tuple of Dose
    simulation : Simulation
    beyond : str
        How the doses leave the range of those in the data; empty where they do not.
    """

    doses: tuple[Dose, ...]
    simulation: Simulation
    beyond: str = ""


def repeated(first: Dose, interval: float, number: int) -> tuple[Dose, ...]:
    """The same dose `number` times, `interval` apart.

    Raises
    ------
    UserError
        No dose, too many, or several without an interval.
    """
    if not 1 <= number <= MOST_DOSES:
        raise UserError(
            f"{number} doses cannot be given.", mend=f"Give a number from 1 to {MOST_DOSES}."
        )
    if number > 1 and not 0 < interval < np.inf:
        raise UserError(
            f"Doses cannot follow each other every {interval:g}.",
            mend="Give an interval above 0.",
        )
    return tuple(
        Dose(first.time + n * interval, first.amount, first.target, first.duration, first.unit)
        for n in range(number)
    )


def ask(
    twin: Twin, trajectory: int, dose: float | Sequence[Dose], draws: int | None = None
) -> Asked:
    """Simulate a trajectory of the study under other doses, to where its band ends or later.

    Parameters
    ----------
    twin : Twin
    trajectory : int
        Index in the study.
    dose : float or sequence of Dose
        As `Twin.what_if` takes it.
    draws : int, optional
        How many posterior draws to simulate at most.

    Raises
    ------
    UserError
        As `Twin.what_if` raises it; doses long after the data.
    """
    problem = twin.discovery.problem
    study = problem.study
    own = study.trajectories[trajectory].doses
    doses = scaled_doses(own, dose) if isinstance(dose, int | float) else tuple(dose)
    other = problem.with_doses(trajectory, doses)
    grid = display_grid(other, trajectory, _end(twin, trajectory, doses))
    simulation = twin.simulate(grid, subject=study.labels[trajectory], draws=draws, doses=doses)
    return Asked(doses, simulation, _beyond(problem, other, trajectory))


def _end(twin: Twin, trajectory: int, doses: Sequence[Dose]) -> float:
    """Where the band ends; if doses go on, as long again after the last as lay between two."""
    times = [band.time for band in twin.discovery.bands]
    begin, end = float(times[trajectory][0]), float(times[trajectory][-1])
    if not doses:
        return end
    given = sorted(d.time for d in doses)
    after = given[-1] - given[-2] if len(given) > 1 else 0.0
    last = max(d.time + d.duration for d in doses) + after
    if last <= end:
        return end
    most = begin + LONGEST * max(float(t[-1] - t[0]) for t in times)
    if last > most:
        raise UserError(
            f"These doses go on to {last:g}, and the data end at {end:g}: the model knows nothing "
            "of so long a time.",
            mend=f"Give doses up to {most:g}.",
        )
    return last


def _beyond(problem: Problem, other: Problem, trajectory: int) -> str:
    """Whether a dose, or the sum of doses, is outside what the data hold for its target."""
    library = problem.library
    names = (library.states, library.inputs, library.latent)
    known = arriving_doses(problem.study, *names).doses
    asked = arriving_doses(other.study, *names).doses[trajectory]
    if not any(d.amount > 0 for d in asked):
        treated = all(any(d.amount > 0 for d in own) for own in known)
        return "Nobody in the data went without doses." if treated else ""
    # What is divided by a covariate, or arrives in part, has another unit than the doses.
    plain = not any(rule.scale or rule.bioavailability != 1 for rule in problem.study.dosing)
    for target in dict.fromkeys(d.target for d in asked):
        units = {d.unit for d in asked if d.target == target} if plain else set()
        unit = f" {units.pop()}".rstrip() if len(units) == 1 else ""
        amounts = [[d.amount for d in own if d.target == target] for own in known]
        single = [a for own in amounts for a in own]
        if not single:
            return f"Nobody in the data was given a dose into {target}."
        own = [d.amount for d in asked if d.target == target and d.amount > 0]
        untreated = any(not sum(a) for a in amounts)
        for value, others, words in (
            (max(own, default=0.0), single, "A single dose"),
            (sum(own), [sum(a) for a in amounts], "The sum of all doses"),
        ):
            if value > max(others) * (1 + _ROUNDING):
                most = f"{max(others):.4g}{unit}"
                return f"{words}, {value:.4g}{unit}, is above all in the data (up to {most})."
            least = 0.0 if untreated else min(others)
            if value < least * (1 - _ROUNDING):
                from_least = f"from {least:.4g}{unit}"
                return f"{words}, {value:.4g}{unit}, is below all in the data ({from_least})."
    return ""

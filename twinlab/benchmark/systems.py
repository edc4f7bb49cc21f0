"""Benchmark systems: true equations, a candidate library that holds them, and a sampler of data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinlab.library import Library
from twinlab.study import Study

from .integration import simulate_equations

Array = NDArray[np.float64]
Equations = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class SimulatedData:
    """One simulated data set.

    Attributes
    ----------
    study : Study
    time : (n_time,) array
    clean : tuple of (n_time, n_state) arrays
        States without noise, one array a condition.
    sd : (n_state,) array
        Standard deviation of the noise.
    """

    study: Study
    time: Array
    clean: tuple[Array, ...]
    sd: Array


@dataclass(frozen=True)
class BenchmarkSystem:
    """A system whose truth is known.

    Attributes
    ----------
    name : str
    reference : str
        Where the equations come from.
    equations : mapping of state to mapping of term to coefficient
        d state/dt is the sum of coefficient times term; terms in the term language.
    initial : mapping of state to (low, high)
        Initial states are uniform between the two.
    horizon : float
        Data and forecasts run from 0 to this time.
    make_library : callable
        ``make_library(states)`` gives the candidate library.
    """

    name: str
    reference: str
    equations: Equations
    initial: Mapping[str, tuple[float, float]]
    horizon: float
    make_library: Callable[[tuple[str, ...]], Library]

    @property
    def states(self) -> tuple[str, ...]:
        """States, in the order of the arrays."""
        return tuple(self.equations)

    def library(self) -> Library:
        """Candidate library; it holds every true term."""
        return self.make_library(self.states)

    def sample_initial(self, rng: np.random.Generator) -> Array:
        """Draw one initial state, shape (n_state,)."""
        low, high = np.array([self.initial[state] for state in self.states]).T
        return rng.uniform(low, high)

    def trajectory(self, start: Array, time: Array) -> Array:
        """States at `time` without noise, shape (n_time, n_state).

        Raises
        ------
        ArithmeticError
            The true system could not be integrated.
        """
        states = simulate_equations(self.equations, self.states, start, time, relative=1e-10)
        if states is None:
            raise ArithmeticError(f"{self.name} could not be integrated from {start}")
        return states

    def simulate(self, conditions: int, points: int, noise: float, seed: int) -> SimulatedData:
        """Draw initial states, simulate on equidistant times, add normal noise.

        Parameters
        ----------
        conditions, points : int
        noise : float
            Sd of the noise as a fraction of each state's sd over all conditions.
        seed : int
        """
        rng = np.random.default_rng(seed)
        time = np.linspace(0.0, self.horizon, points)
        clean = tuple(self.trajectory(self.sample_initial(rng), time) for _ in range(conditions))
        sd = noise * np.concatenate(clean).std(axis=0)
        noisy = [states + sd * rng.standard_normal(states.shape) for states in clean]
        subjects = [f"s{number + 1}" for number in range(conditions)]
        labels = [f"c{number + 1}" for number in range(conditions)]
        study = Study.from_arrays(
            self.name,
            self.states,
            [time] * conditions,
            noisy,
            subjects=subjects,
            conditions=labels,
        )
        return SimulatedData(study, time, clean, sd)


def _quadratic(states: tuple[str, ...]) -> Library:
    return Library.polynomial(states, degree=2)


def _cubic(states: tuple[str, ...]) -> Library:
    return Library.polynomial(states, degree=3)


def _quadratic_and_hill(states: tuple[str, ...]) -> Library:
    hill = Library.hill(
        states, half_saturation=(0.2, 0.5, 1.0), coefficient=(1.0, 2.0, 4.0), role="activation"
    )
    return Library.polynomial(states, degree=2) + hill


_PREDATOR_PREY: Equations = {
    "prey": {"prey": 1.0, "prey*predator": -0.5},
    "predator": {"predator": -1.0, "prey*predator": 0.5},
}
_LOTKA = "Lotka (1925), Elements of Physical Biology; Volterra (1926), Nature 118, 558"

_ALL = (
    BenchmarkSystem(
        name="predator_prey",
        reference=_LOTKA,
        equations=_PREDATOR_PREY,
        initial={"prey": (0.5, 3.0), "predator": (0.5, 3.0)},
        horizon=10.0,
        make_library=_quadratic,
    ),
    BenchmarkSystem(
        name="lotka_volterra",  # the same truth in a larger library
        reference=_LOTKA,
        equations=_PREDATOR_PREY,
        initial={"prey": (0.5, 3.0), "predator": (0.5, 3.0)},
        horizon=10.0,
        make_library=_cubic,
    ),
    BenchmarkSystem(
        name="seir",
        reference="Anderson and May (1991), Infectious Diseases of Humans, ch. 6; fractions",
        equations={
            "susceptible": {"susceptible*infectious": -0.8},
            "exposed": {"susceptible*infectious": 0.8, "exposed": -0.4},
            "infectious": {"exposed": 0.4, "infectious": -0.2},
        },
        initial={
            "susceptible": (0.7, 0.98),
            "exposed": (0.005, 0.03),
            "infectious": (0.005, 0.03),
        },
        horizon=40.0,
        make_library=_quadratic,
    ),
    BenchmarkSystem(
        name="fitzhugh_nagumo",
        reference="FitzHugh (1961), Biophys. J. 1, 445; slow variable three times faster",
        equations={
            "v": {"v": 1.0, "v^3": -1.0 / 3.0, "w": -1.0, "1": 0.5},
            "w": {"v": 0.24, "1": 0.21, "w": -0.192},
        },
        initial={"v": (-2.0, 2.0), "w": (-2.0, 2.0)},
        horizon=20.0,
        make_library=_cubic,
    ),
    BenchmarkSystem(
        name="enzyme_hill",
        reference="Michaelis-Menten mechanism (Briggs and Haldane 1925, Biochem. J. 19, 338)"
        " whose product activates a gene (Hill 1910, J. Physiol. 40, iv)",
        equations={
            "S": {"S*E": -1.5, "C": 0.3},
            "E": {"S*E": -1.5, "C": 1.3},
            "C": {"S*E": 1.5, "C": -1.3},
            "P": {"C": 1.0, "P": -0.4},
            "M": {"hill(P,0.5,2)": 1.0, "M": -0.7},
            "X": {"M": 0.8, "X": -0.5},
        },
        initial={
            "S": (1.0, 2.5),
            "E": (0.4, 1.2),
            "C": (0.0, 0.2),
            "P": (0.0, 0.2),
            "M": (0.0, 0.5),
            "X": (0.0, 0.5),
        },
        horizon=12.0,
        make_library=_quadratic_and_hill,
    ),
)

#: Every system by name.
SYSTEMS: Mapping[str, BenchmarkSystem] = {system.name: system for system in _ALL}

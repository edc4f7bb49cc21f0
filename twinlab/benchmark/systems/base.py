"""What a benchmark system is: parameters, true equations, ranges, candidate library, data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError
from twinlab.library import Library
from twinlab.study import Study

from ..integration import Signal, simulate_equations

Array = NDArray[np.float64]
Equations = Mapping[str, Mapping[str, float]]
Parameters = Mapping[str, float]
#: ``profile(time, rng)`` gives an input at increasing times; `rng` None asks for the standard one.
Profile = Callable[[Array, np.random.Generator | None], Array]
LibraryMaker = Callable[[tuple[str, ...], tuple[str, ...]], Library]


class Parameter(NamedTuple):
    """Value and unit of a parameter."""

    value: float
    unit: str = ""


class Design(NamedTuple):
    """How a system is measured unless a cell says otherwise; `noise` is a fraction of the sd."""

    conditions: int = 4
    points: int = 40
    noise: float = 0.05


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
    name, title : str
    tier : int
        1 for one or two states, 2 for three to six, 3 for more.
    reference : str
        Where the equations come from, and what was changed.
    parameters : mapping of str to Parameter
    make_equations : callable
        ``make_equations(values)`` gives {state: {term: coefficient}} for parameter values;
        d state/dt is the sum of coefficient times term, terms in the term language.
    initial : mapping of state to (low, high)
        Initial states are uniform between the two.
    horizon : float
        Data and forecasts run from 0 to this time.
    make_library : callable
        ``make_library(states, inputs)`` gives the candidate library; it holds every true term.
    design : Design
    time_unit : str
    units : mapping of str to str
        Of states and inputs; left out for a pure number.
    inputs : mapping of str to Profile
        Variables that drive and are measured without error.
    hide : tuple of str
        States that are hard to measure, the hardest first: the order in which they are hidden.
    knockouts : tuple of str
        Parameters that may be set to zero without leaving the system empty or unbounded.
    positive : bool
        The library takes logarithms: measured values not above zero are recorded as missing.
    time_step : float
        Where above 0, data are `time_step` apart and the horizon follows from the points.
    forecast_horizon : float
        Length of forecasts; 0 for `horizon`.
    starts, unseen_starts : tuple of tuple of float
        Initial states of the first conditions, and of the first forecast, where published.
    noise_scale : str
        'state': noise is a fraction of each state's sd.  'pooled rms' and 'pooled sd': of the
        root mean square, or sd, of all states together over ``noise_horizon`` from the first of
        `starts`, the same for all states (conventions of published figures).
    noise_horizon : float
    """

    name: str
    title: str
    tier: int
    reference: str
    parameters: Mapping[str, Parameter]
    make_equations: Callable[[Parameters], Equations]
    initial: Mapping[str, tuple[float, float]]
    horizon: float
    make_library: LibraryMaker
    design: Design = Design()
    time_unit: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Profile] = field(default_factory=dict)
    hide: tuple[str, ...] = ()
    knockouts: tuple[str, ...] = ()
    positive: bool = False
    time_step: float = 0.0
    forecast_horizon: float = 0.0
    starts: tuple[tuple[float, ...], ...] = ()
    unseen_starts: tuple[tuple[float, ...], ...] = ()
    noise_scale: str = "state"
    noise_horizon: float = 0.0

    # ------------------------------------------------------------------------- the truth

    @property
    def values(self) -> dict[str, float]:
        """Parameter values by name."""
        return {name: parameter.value for name, parameter in self.parameters.items()}

    @cached_property
    def equations(self) -> Equations:
        """True equations at the standard parameters."""
        return self.make_equations(self.values)

    @property
    def states(self) -> tuple[str, ...]:
        """States, in the order of the arrays."""
        return tuple(self.equations)

    @property
    def support(self) -> frozenset[tuple[str, str]]:
        """True (state, term) pairs."""
        return frozenset((s, term) for s, row in self.equations.items() for term in row)

    @cached_property
    def rates(self) -> tuple[str, ...]:
        """Parameters that enter through coefficients alone: a change leaves every term as it is.

        Half saturations and Hill coefficients are written in the terms, and are no rates.
        """
        terms = [(s, term) for s, row in self.equations.items() for term in row]
        kept = []
        for name, value in self.values.items():
            changed = self.make_equations({**self.values, name: 1.1 * value})
            if [(s, term) for s, row in changed.items() for term in row] == terms:
                kept.append(name)
        return tuple(kept)

    def equations_with(self, factors: Mapping[str, float]) -> Equations:
        """Equations with some parameters multiplied by factors; a factor 0 is a knock-out."""
        unknown = set(factors) - set(self.parameters)
        if unknown:
            raise UserError(f"{self.name} has no parameter {', '.join(sorted(unknown))}.")
        values = self.values
        return self.make_equations({name: v * factors.get(name, 1.0) for name, v in values.items()})

    def with_equations(self, equations: Equations) -> BenchmarkSystem:
        """Copy with fixed equations, as a file of truth has them, instead of parameters."""
        return replace(self, parameters={}, make_equations=lambda _values: equations, knockouts=())

    def library(self) -> Library:
        """Candidate library; it holds every true term."""
        return self.make_library(self.states, tuple(self.inputs))

    # ----------------------------------------------------------------------- simulation

    def sample_initial(self, rng: np.random.Generator) -> Array:
        """Draw one initial state, shape (n_state,)."""
        low, high = np.array([self.initial[state] for state in self.states]).T
        return rng.uniform(low, high)

    def input_values(self, time: Array, rng: np.random.Generator | None = None) -> Array:
        """Inputs at `time`, shape (n_time, n_input); between the times they are linear."""
        columns = [profile(time, rng) for profile in self.inputs.values()]
        return np.column_stack(columns) if columns else np.empty((len(time), 0))

    @property
    def names(self) -> tuple[str, ...]:
        """States, then inputs: what terms are made of."""
        return (*self.states, *self.inputs)

    def signals(self, time: Array, inputs: Array | None = None) -> dict[str, Signal]:
        """Inputs by name as ``simulate_equations`` takes them; the standard ones by default."""
        values = self.input_values(time) if inputs is None else inputs
        return {name: (time, column) for name, column in zip(self.inputs, values.T, strict=True)}

    def trajectory(
        self,
        start: Array,
        time: Array,
        *,
        equations: Equations | None = None,
        inputs: Array | None = None,
    ) -> Array:
        """States at `time` without noise, shape (n_time, n_state).

        Parameters
        ----------
        start : (n_state,) array
        time : (n_time,) array
        equations : mapping, optional
            Instead of the standard ones.
        inputs : (n_time, n_input) array, optional
            Instead of the standard ones; linear between the times.

        Raises
        ------
        ArithmeticError
            The true system could not be integrated.
        """
        states = simulate_equations(
            self.equations if equations is None else equations,
            self.states,
            start,
            time,
            relative=1e-10,
            inputs=self.signals(time, inputs),
        )
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
        driven = [np.hstack((states, self.input_values(time))) for states in noisy]
        study = Study.from_arrays(
            self.name,
            (*self.states, *self.inputs),
            [time] * conditions,
            driven,
            subjects=numbered("s", conditions),
            conditions=numbered("c", conditions),
        )
        return SimulatedData(study, time, clean, sd)


def numbered(letter: str, count: int) -> Sequence[str]:
    """Names such as s1, s2, s3."""
    return [f"{letter}{number + 1}" for number in range(count)]

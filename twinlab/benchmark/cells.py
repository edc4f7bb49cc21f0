"""What a data set of the benchmark is: a `Cell` names it, `make_case` makes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError
from twinlab.expressions import parse_term
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study, Trajectory

from .axes import case_library, noise_sd, noisy, observed_part, prior_knowledge, stream
from .axes.conditions import Condition, check_variation, condition, unseen_condition
from .axes.sampling import sample_times, with_limit, with_missing, with_noise_told
from .axes.truth import drawn_truth
from .systems import SYSTEMS, BenchmarkSystem, Equations

Array = NDArray[np.float64]
Edge = tuple[str, str]  #: a state and a term in its equation

#: What each axis with named values can be; the first is the default.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "noise_kind": ("additive", "lognormal", "student", "outliers"),
    "sampling": ("uniform", "irregular", "gap", "missing", "censored"),
    "variation": ("initial", "rates", "one", "knockout", "inputs"),
    "library": ("default", "x2", "x5", "x20", "rational", "removed"),
}
N_STARTS = 2  #: forecasts from unseen initial states
N_FORECAST = 60  #: times of a forecast


@dataclass(frozen=True)
class Cell:
    """Name of one data set: system, seed, and where it stands on every axis.

    Attributes
    ----------
    system : str
    seed : int
    conditions, points : int
        0 for the system's own design.
    noise : float
        Fraction of each state's sd over all conditions; negative for the system's own design.
    noise_kind : str
        'additive', 'lognormal', 'student' or 'outliers'.
    sampling : str
        'uniform', 'irregular', 'gap', 'missing' (40 % of the entries are absent) or 'censored'
        (of the lowest 20 % of each state's values only the limit is known).
    variation : str
        What differs between conditions besides the initial state: 'initial' (nothing), 'rates'
        (30 % up or down), 'one' (one rate in one condition of six), 'knockout' or 'inputs'.
    hidden : int
        States that are not observed, the hardest to measure first.
    library : str
        'default', 'x2', 'x5', 'x20', 'rational' or 'removed'.
    prior, prior_wrong : float
        Share of the true edges that is told, and which share of these is wrong.
    noise_told : bool
        The data give the standard deviation of the noise.
    jitter : float
        Standard deviation of the logarithm of every rate around its standard value: above 0 the
        truth itself is drawn, anew for every seed.

    Raises
    ------
    UserError
        An unknown system or value, or a number out of range.
    """

    system: str
    seed: int = 0
    conditions: int = 0
    points: int = 0
    noise: float = -1.0
    noise_kind: str = "additive"
    sampling: str = "uniform"
    variation: str = "initial"
    hidden: int = 0
    library: str = "default"
    prior: float = 0.0
    prior_wrong: float = 0.0
    noise_told: bool = False
    jitter: float = 0.0

    def __post_init__(self) -> None:
        if self.system not in SYSTEMS:
            raise UserError(
                f"There is no benchmark system '{self.system}'.",
                mend=f"Choose one of {', '.join(SYSTEMS)}.",
            )
        system = SYSTEMS[self.system]
        design = system.design
        self._set("conditions", self.conditions or design.conditions)
        self._set("points", self.points or design.points)
        self._set("noise", float(design.noise if self.noise < 0 else self.noise))
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise UserError(
                    f"{name} cannot be '{getattr(self, name)}'.",
                    mend=f"Choose one of {', '.join(known)}.",
                )
        for name, good, wanted in (
            ("seed", self.seed >= 0, "0 or more"),
            ("conditions", self.conditions >= 1, "1 or more"),
            ("points", self.points >= 4, "4 or more"),
            ("noise", self.noise < 10, "below 10"),
            ("hidden", 0 <= self.hidden <= len(system.hide), f"0 to {len(system.hide)}"),
            ("prior", 0 <= self.prior <= 1, "0 to 1"),
            ("prior_wrong", 0 <= self.prior_wrong <= 1, "0 to 1"),
            ("jitter", 0 <= self.jitter <= 1, "0 to 1"),
        ):
            if not good:
                raise UserError(
                    f"{name} must be {wanted} for {self.system}, not {getattr(self, name)}."
                )
        check_variation(system, self.variation)

    def _set(self, name: str, value: float) -> None:
        object.__setattr__(self, name, value)

    @property
    def key(self) -> str:
        """A stable name, one for one with the cell; it holds no space and no comma."""
        parts = (f"{f.name}={getattr(self, f.name)}" for f in fields(self)[1:])
        return "/".join((self.system, *parts))

    def to_json(self) -> str:
        """All fields as a JSON object."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Cell:
        """Read what `to_json` wrote.

        Raises
        ------
        UserError
            The text is no JSON object of a cell's fields.
        """
        try:
            mapping = json.loads(text)
            return Cell(**mapping)
        except (ValueError, TypeError) as error:
            raise UserError(f"This is not a benchmark cell: {error}.") from None


@dataclass(frozen=True)
class Forecast:
    """What a method must foretell.

    Attributes
    ----------
    kind : str
        'initial' (an unseen initial state, standard rates and inputs) or 'condition'.
    start : (n_observed,) array
    time : (n_time,) array
    clean : (n_time, n_observed) array
    inputs : (n_time, n_input) array
        Linear between the times.
    factors : mapping of (state, term) to float
        Factor of the condition on the coefficient of each true term: 1 but for changed rates
        and knock-outs.  What is known of an intervention; apply it to the terms a model has.
    hidden_start : (n_hidden,) array
    hidden : (n_time, n_hidden) array
    """

    kind: str
    start: Array
    time: Array
    clean: Array
    inputs: Array
    factors: Mapping[Edge, float]
    hidden_start: Array
    hidden: Array


@dataclass(frozen=True)
class BenchmarkCase:
    """One data set with everything that is needed to judge an answer.

    Attributes
    ----------
    cell : Cell
    system : BenchmarkSystem
    study : Study
        Observed states, then inputs.
    library : Library
        Candidate terms over the observed states and inputs.
    knowledge : Knowledge
    truth : mapping of state to mapping of term to coefficient
        Equations of the observed states at the standard rates; terms that hold a hidden state
        are left out.
    truth_in_library : bool
        False where a true term was removed, or holds a hidden state.
    full_truth, full_library
        Equations and candidate terms of all states, the hidden ones too.
    states, inputs, hidden : tuple of str
    time : tuple of (n_time,) arrays
    clean : tuple of (n_time, n_observed) arrays
        One a condition, without noise, at `time`.
    hidden_states : tuple of (n_time, n_hidden) arrays
    sd : (n_observed,) array
        Standard deviation of the noise.
    factors : tuple of mappings of (state, term) to float
        Factor of each condition on the true coefficients.
    tests : tuple of Forecast
        Two unseen initial states, then one unseen condition.
    removed : (state, term) or None
        The true term that was taken out of the library.
    units : mapping of str to str
    """

    cell: Cell
    system: BenchmarkSystem
    study: Study
    library: Library
    knowledge: Knowledge
    truth: Equations
    truth_in_library: bool
    full_truth: Equations
    full_library: Library
    states: tuple[str, ...]
    inputs: tuple[str, ...]
    hidden: tuple[str, ...]
    time: tuple[Array, ...]
    clean: tuple[Array, ...]
    hidden_states: tuple[Array, ...]
    sd: Array
    factors: tuple[Mapping[Edge, float], ...]
    tests: tuple[Forecast, ...]
    removed: Edge | None
    units: Mapping[str, str]


def make_case(cell: Cell) -> BenchmarkCase:
    """Simulate and measure the data set of a cell; the same cell gives the same numbers.

    Raises
    ------
    ArithmeticError
        The true system could not be integrated.
    """
    system = drawn_truth(SYSTEMS[cell.system], cell.jitter, cell.seed)
    hidden = tuple(s for s in system.states if s in system.hide[: cell.hidden])
    seen = [i for i, state in enumerate(system.states) if state not in hidden]
    unseen = [i for i, state in enumerate(system.states) if state in hidden]
    states = tuple(system.states[i] for i in seen)

    numbers = range(cell.conditions)
    setups = [condition(system, cell.variation, cell.seed, number) for number in numbers]
    times = [_times(cell, system, number) for number in numbers]
    driven = [s.inputs(system, t, cell.seed) for s, t in zip(setups, times, strict=True)]
    clean = [
        system.trajectory(setup.start, time, equations=setup.equations(system), inputs=inputs)
        for setup, time, inputs in zip(setups, times, driven, strict=True)
    ]
    sd = noise_sd(system, clean, cell.noise)
    measured = [values[:, seen] for values in _measure(cell, system, clean, sd)]
    full_library, removed = case_library(system, cell.library, clean, cell.seed)
    library = observed_part(full_library, hidden)
    truth = _observed_truth(system, states)
    return BenchmarkCase(
        cell=cell,
        system=system,
        study=_study(cell, system, states, setups, times, measured, driven, sd[seen]),
        library=library,
        knowledge=prior_knowledge(
            library, truth, cell.prior, cell.prior_wrong, stream("prior", system.name, cell.seed)
        ),
        truth=truth,
        truth_in_library=removed is None and _size(truth) == _size(system.equations, states),
        full_truth=system.equations,
        full_library=full_library,
        states=states,
        inputs=tuple(system.inputs),
        hidden=hidden,
        time=tuple(times),
        clean=tuple(values[:, seen] for values in clean),
        hidden_states=tuple(values[:, unseen] for values in clean),
        sd=sd[seen],
        factors=tuple(setup.factors(system) for setup in setups),
        tests=tuple(_forecasts(cell, system, seen, unseen)),
        removed=removed,
        units={n: system.units.get(n, "") for n in (*states, *system.inputs)},
    )


def _times(cell: Cell, system: BenchmarkSystem, number: int) -> Array:
    rng = stream("times", system.name, cell.seed, number)
    horizon = system.time_step * (cell.points - 1) or system.horizon
    return sample_times(cell.sampling, horizon, cell.points, rng)


def _measure(cell: Cell, system: BenchmarkSystem, clean: list[Array], sd: Array) -> list[Array]:
    """Noise, values that cannot be taken, and missing entries; all states."""
    name, seed, numbers = system.name, cell.seed, range(cell.conditions)
    generators = [stream(f"noise {cell.noise_kind}", name, seed, number) for number in numbers]
    values = noisy(clean, sd, cell.noise_kind, generators)
    if system.positive:
        values = [np.where(x > 0, x, np.nan) for x in values]
    if cell.sampling == "missing":
        values = [with_missing(x, stream("missing", name, seed, k)) for k, x in enumerate(values)]
    return values


def _study(
    cell: Cell,
    system: BenchmarkSystem,
    states: tuple[str, ...],
    setups: list[Condition],
    times: list[Array],
    measured: list[Array],
    driven: list[Array],
    sd: Array,
) -> Study:
    """Observed states and inputs; times at which nothing was measured are left out."""
    variables = (*states, *system.inputs)
    tables = [np.hstack(pair) for pair in zip(measured, driven, strict=True)]
    keep = [np.isfinite(table).any(axis=1) for table in tables]
    study = Study.from_arrays(
        system.name,
        variables,
        [time[kept] for time, kept in zip(times, keep, strict=True)],
        [table[kept] for table, kept in zip(tables, keep, strict=True)],
        subjects=[f"s{number + 1}" for number in range(cell.conditions)],
        conditions=[f"c{number + 1}" for number in range(cell.conditions)],
        time_unit=system.time_unit,
        units={name: system.units.get(name, "") for name in variables},
    )
    if cell.sampling == "censored":
        study = with_limit(study, len(states))
    if cell.noise_told:
        study = with_noise_told(study, sd)
    if cell.variation != "knockout":
        return study
    pairs = zip(study.trajectories, setups, strict=True)
    return replace(study, trajectories=tuple(_knocked_out(system, t, c) for t, c in pairs))


def _knocked_out(system: BenchmarkSystem, trajectory: Trajectory, setup: Condition) -> Trajectory:
    """Note as covariates, 1 or 0, which rate was knocked out: an experimenter knows."""
    known = {f"knockout_{name}": float(name in setup.changes) for name in system.knockouts}
    return replace(trajectory, covariates=known)


def _observed_truth(system: BenchmarkSystem, states: tuple[str, ...]) -> Equations:
    names = (*system.states, *system.inputs)
    known = {*states, *system.inputs}
    return {
        state: {
            term: value
            for term, value in system.equations[state].items()
            if set(parse_term(term, names).variables) <= known
        }
        for state in states
    }


def _size(equations: Equations, states: tuple[str, ...] | None = None) -> int:
    return sum(len(row) for state, row in equations.items() if states is None or state in states)


def _forecasts(
    cell: Cell, system: BenchmarkSystem, seen: list[int], unseen: list[int]
) -> list[Forecast]:
    """Unseen initial states, then an unseen condition."""
    setups = [
        ("initial", condition(system, "initial", cell.seed, number, purpose="unseen start"))
        for number in range(N_STARTS)
    ]
    last = unseen_condition(system, cell.variation, cell.seed, cell.conditions)
    setups.append(("condition", last))
    time = np.linspace(0.0, system.forecast_horizon or system.horizon, N_FORECAST)
    out = []
    for kind, setup in setups:
        inputs = setup.inputs(system, time, cell.seed)
        equations = setup.equations(system)
        values = system.trajectory(setup.start, time, equations=equations, inputs=inputs)
        out.append(
            Forecast(
                kind=kind,
                start=setup.start[seen],
                time=time,
                clean=values[:, seen],
                inputs=inputs,
                factors=setup.factors(system),
                hidden_start=setup.start[unseen],
                hidden=values[:, unseen],
            )
        )
    return out

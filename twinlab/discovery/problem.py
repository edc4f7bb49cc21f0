"""Study, library and knowledge as the numeric tables that the kernels read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError
from twinlab.expressions import TermTable
from twinlab.kernels import Drive, Tolerance
from twinlab.knowledge import ColumnPrior, Knowledge
from twinlab.library import Entries, Library, check_domain
from twinlab.study import Dose, Study
from twinlab.study.dosing import Arrivals, arriving_doses

from .measured import check_values, rows_of, usable
from .observation import Observation, make_observation
from .schedule import SAME_TIME, Schedule, make_schedule
from .signs import nonnegative_names, sign_log_odds
from .totals import Totals, known_totals

Array = NDArray[np.float64]

#: A simulated state beyond this many times its data's range counts as diverged.
DIVERGENCE_FACTOR = 1e4
MAX_SOLVER_STEPS = 20_000
#: Cubic cells on which smooths and inputs are laid, at least and at most.
MIN_CELLS, MAX_CELLS = 120, 1500


@dataclass(frozen=True)
class Problem:
    """Tables of one regression problem.

    Attributes
    ----------
    study, library : Study, Library
        The study restricted to what the library uses, trajectories with two times or more.
    terms, entries : TermTable, Entries
    prior : ColumnPrior
    start : (n_trajectory + 1,) int array
        Rows of trajectory ``r`` are ``start[r]:start[r + 1]``.
    time : (n_row,) array
    value, sd : (n_row, n_observable) arrays
        NaN where nothing was measured or no standard deviation is known.  The first ``n_state``
        columns are the states themselves, all NaN where a state was never measured; behind them
        come observables derived from states.
    count : (n_row, n_observable) int array
    spread : (n_row, n_observable) array
        Sum of squares within replicates.
    censored : (n_row, n_observable) bool array
        True where `value` is a limit and the truth lies below it.
    scale : (n_state,) array
        Standard deviation of each state over all data; of one never measured over the course it
        is started with (1 until that is known).
    derived_scale : (n_derived,) array
        Standard deviation of each derived observable over all data.
    observation : Observation
    gauge : (n_row, n_observable) bool array
        Values that were not measured but fix the scale of a state that nothing else does.
    nonnegative : (n_state,) bool array
        States that are taken to be amounts, which never fall below zero.
    duration : float
        Median length of a trajectory.
    schedule : Schedule
        Doses and inputs of the trajectories, stretch by stretch.
    sign_log_odds : (n_column,) array
        Prior log-odds of a positive against a negative coefficient (`sign_log_odds`), what
        edges say left out.
    dropped : tuple of str
        Trajectories left out for having fewer than two times, or no values of an input.
    dose_target : str
        Where doses without a target go because nothing else is likely.
    homeless_doses : int
        Doses that no target is known of; they are left out.
    """

    study: Study
    library: Library
    terms: TermTable
    entries: Entries
    prior: ColumnPrior
    start: NDArray[np.int64]
    time: Array
    value: Array
    sd: Array
    count: NDArray[np.int64]
    spread: Array
    censored: NDArray[np.bool_]
    scale: Array
    derived_scale: Array
    observation: Observation
    gauge: NDArray[np.bool_]
    nonnegative: NDArray[np.bool_]
    duration: float
    n_cell: int
    schedule: Schedule
    sign_log_odds: Array
    dropped: tuple[str, ...] = ()
    dose_target: str = ""
    homeless_doses: int = 0

    @property
    def n_state(self) -> int:
        """Number of modelled states."""
        return len(self.library.states)

    @property
    def n_observable(self) -> int:
        """Number of observables: states, then what is derived from them."""
        return self.value.shape[1]

    @property
    def observables(self) -> tuple[str, ...]:
        """Names of the observables: states, then what is derived from them."""
        return (*self.library.states, *self.observation.names)

    @property
    def known_totals(self) -> list[int]:
        """Observables that are conserved totals of a known number."""
        held = np.nonzero(self.gauge[:, self.n_state :].any(axis=0))[0]
        return [int(e) + self.n_state for e in held]

    @property
    def in_log(self) -> NDArray[np.bool_]:
        """Observables (n_observable,) that were measured on the log scale."""
        return self.observation.in_log

    @property
    def numerator(self) -> Array:
        """Numerators of the derived observables, as `twinlab.kernels.Data` takes them."""
        return self.observation.numerator

    @property
    def denominator(self) -> Array:
        """Denominators of the derived observables, as `twinlab.kernels.Data` takes them."""
        return self.observation.denominator

    @property
    def data_scale(self) -> Array:
        """Scale (n_observable,) of each observable."""
        return np.concatenate([self.scale, self.derived_scale])

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Which observables (n_observable,) have data of their own."""
        return np.asarray(((self.count > 0) & ~self.gauge).any(axis=0), bool)

    @property
    def unseen_states(self) -> NDArray[np.int64]:
        """Indices of the states that no data column measures directly."""
        return np.nonzero(~self.seen[: self.n_state])[0]

    @property
    def n_measured(self) -> int:
        """Number of observables with data of their own."""
        return int(self.seen.sum())

    @property
    def n_trajectory(self) -> int:
        """Number of trajectories."""
        return self.start.size - 1

    @property
    def n_column(self) -> int:
        """Number of library columns."""
        return len(self.library.columns)

    @cached_property
    def n_values(self) -> int:
        """Measured values, replicates counted one by one; limits are not counted."""
        return int(self.count[~self.censored & ~self.gauge].sum())

    @property
    def measured(self) -> Array:
        """Values (n_row, n_observable), NaN where nothing was measured or only a limit is known."""
        return np.where(self.censored | self.gauge, np.nan, self.value)

    def observe(self, x: Array) -> Array:
        """Observables (..., n_observable) of states (..., n_state)."""
        return self.observation.observe(x)

    def rows(self, trajectory: int) -> slice:
        """Rows of one trajectory."""
        return slice(int(self.start[trajectory]), int(self.start[trajectory + 1]))

    def times(self, trajectory: int) -> Array:
        """Measured times of one trajectory."""
        return self.time[self.rows(trajectory)]

    @property
    def origin(self) -> Array:
        """First time of each trajectory."""
        return self.time[self.start[:-1]]

    @property
    def cell(self) -> Array:
        """Width of the drive's cells for each trajectory."""
        return (self.time[self.start[1:] - 1] - self.origin) / self.n_cell

    def grid(self, trajectory: int) -> Array:
        """Regular grid (n_cell + 1,) of the drive."""
        t = self.times(trajectory)
        return np.linspace(t[0], t[-1], self.n_cell + 1)

    def drive(self, kappa: float = 0.0, target: Array | None = None) -> Drive:
        """Outside influences at the nudging rate `kappa` toward `target` (`Smooth.target`)."""
        if target is None:
            target = np.zeros((self.n_trajectory, 1, 4, self.n_state))
        return self.schedule.drive(
            np.ascontiguousarray(self.origin),
            np.ascontiguousarray(self.cell),
            target,
            np.full(self.n_state, float(kappa)),
        )

    def with_doses(self, trajectory: int, doses: Sequence[Dose]) -> Problem:
        """The same problem with other doses of one trajectory, as its study would hold them.

        Raises
        ------
        UserError
            A dose of unknown target, that is not finite or comes before the trajectory begins;
            infusions that overlap.
        """
        for dose in doses:
            if not (np.isfinite([dose.time, dose.amount]).all() and dose.amount >= 0):
                raise UserError(
                    f"A dose of {dose.amount:g} at time {dose.time:g} cannot be given.",
                    mend="Give a finite time and an amount of 0 or more.",
                )
        changed = list(self.study.trajectories)
        changed[trajectory] = replace(changed[trajectory], doses=tuple(doses))
        study = replace(self.study, trajectories=tuple(changed))
        library = self.library
        arrivals = arriving_doses(study, library.states, library.inputs, library.latent)
        own, begin = arrivals.rows[trajectory], float(self.origin[trajectory])
        if len(own) < len(doses):
            raise UserError(
                "It is not known into which state these doses go.",
                mend=f"Give each dose a target, one of {', '.join(library.states)}.",
            )
        early = [row.given for row in own if row.arrived.time < begin - SAME_TIME * abs(begin)]
        if early:
            raise UserError(
                f"The dose at time {early[0].time:g} comes before the subject's first time, "
                f"{begin:g}.",
                mend="Give a later time.",
            )
        schedule = make_schedule(study, arrivals.doses, library.states, library.inputs)
        return replace(self, study=study, schedule=schedule)

    def tolerance(self, relative: float) -> Tolerance:
        """Integrator tolerances in proportion to the states' scales."""
        states = self.value[:, : self.n_state]
        largest = np.nanmax(np.abs(np.where(self.seen[: self.n_state], states, 0.0)), axis=0)
        return Tolerance(
            relative,
            1e-2 * relative * self.scale,
            DIVERGENCE_FACTOR * (largest + self.scale),
            MAX_SOLVER_STEPS,
        )

    def with_totals(self, totals: Totals) -> Problem:
        """The same with known totals as observables: their value at each first time is known.

        It says nothing of the noise, and a state that only the total tells of follows from the
        others.
        """
        if not totals.names:
            return self
        first = self.start[:-1]

        def beside(table: NDArray[Any], otherwise: float, at_first: Array | float) -> Any:
            new = np.full((len(table), len(totals.names)), otherwise)
            new[first] = at_first
            return np.ascontiguousarray(np.column_stack([table, new.astype(table.dtype)]))

        return replace(
            self,
            observation=self.observation.extended(totals.names, totals.weights),
            derived_scale=np.append(self.derived_scale, np.abs(totals.number)),
            value=beside(self.value, np.nan, totals.number),
            sd=beside(self.sd, np.nan, totals.sd),
            count=beside(self.count, 0, 1),
            spread=beside(self.spread, 0.0, 0.0),
            censored=beside(self.censored, 0, 0),
            gauge=beside(self.gauge, 0, 1),
        )

    def active(self, columns: NDArray[np.int64]) -> tuple[TermTable, Entries]:
        """Tables of the model that holds just `columns`, renumbered 0, 1, ... in their order."""
        place = np.full(self.n_column, -1, np.int64)
        place[columns] = np.arange(len(columns))
        keep = place[self.entries.column] >= 0
        used, term = np.unique(self.entries.term[keep], return_inverse=True)
        entries = Entries(
            np.ascontiguousarray(self.entries.state[keep]),
            np.ascontiguousarray(term.astype(np.int64)),
            np.ascontiguousarray(place[self.entries.column[keep]]),
            np.ascontiguousarray(self.entries.value[keep]),
        )
        return TermTable._make(np.ascontiguousarray(table[used]) for table in self.terms), entries


def make_problem(
    study: Study,
    library: Library,
    knowledge: Knowledge,
    *,
    complexity: float = 1.0,
    positivity: float = 0.0,
) -> Problem:
    """Put study, library and knowledge into tables.

    Raises
    ------
    UserError
        A state without data, without variation or below its limit throughout, no trajectory with
        two times, a term that is not defined on the data, knowledge that does not fit the library.
    """
    observation = make_observation(study, library)
    prior = column_prior(library, knowledge, complexity, study)
    given, study = study, usable(study, library, observation)
    arrivals = arriving_doses(study, library.states, library.inputs, library.latent)
    study = _from_first_dose(study, arrivals)
    kept = {t.label for t in study.trajectories}
    check_domain(library, study)
    n_observable = len(library.states) + len(observation.names)
    parts = [rows_of(t, n_observable) for t in study.trajectories]
    start = np.concatenate(([0], np.cumsum([len(p[0]) for p in parts]))).astype(np.int64)
    columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    time, value, sd, count, spread, censored = columns
    n_state = len(library.states)
    seen = np.asarray((count > 0).any(axis=0), bool)
    check_values((*library.states, *observation.names), value, censored, seen)
    scale = np.ones(n_observable)
    scale[seen] = np.nanstd(value[:, seen], axis=0)
    positive = np.ones(n_observable, bool)
    positive[seen] = np.nanmin(value[:, seen], axis=0) >= 0
    # Who holds measured quantities to be amounts holds those never measured to be so too.
    positive[~seen] = positivity > 0 and bool(positive[seen].all())
    spans = np.diff(np.stack([time[start[:-1]], time[start[1:] - 1]]), axis=0)[0]
    longest = max(len(p[0]) for p in parts)
    n_cell = int(np.clip(4 * longest, MIN_CELLS, MAX_CELLS))
    problem = Problem(
        study=study,
        library=library,
        terms=library.table(),
        entries=library.entries(),
        prior=prior,
        start=start,
        time=time,
        value=value,
        sd=sd,
        count=count,
        spread=spread,
        censored=censored,
        scale=scale[:n_state],
        derived_scale=scale[n_state:],
        observation=observation,
        gauge=np.zeros(value.shape, bool),
        nonnegative=positive[:n_state],
        duration=float(np.median(spans)),
        n_cell=n_cell,
        schedule=make_schedule(study, arrivals.doses, library.states, library.inputs),
        sign_log_odds=sign_log_odds(library, positive[:n_state], positivity),
        dropped=tuple(t.label for t in given.trajectories if t.label not in kept),
        dose_target=arrivals.assumed,
        homeless_doses=arrivals.homeless,
    )
    return problem.with_totals(
        known_totals(knowledge.conserved, problem.observables, problem.schedule)
    )


def column_prior(
    library: Library, knowledge: Knowledge, complexity: float, study: Study
) -> ColumnPrior:
    """Beliefs as arrays over the columns, signs turned into bounds as well."""
    prior = knowledge.column_prior(library, complexity, nonnegative_names(study))
    return prior._replace(
        lower=np.where(prior.sign > 0, np.maximum(prior.lower, 0.0), prior.lower),
        upper=np.where(prior.sign < 0, np.minimum(prior.upper, 0.0), prior.upper),
    )


def _from_first_dose(study: Study, arrivals: Arrivals) -> Study:
    """The study with a time without values where a trajectory's first dose precedes its data."""
    out = []
    for trajectory, doses in zip(study.trajectories, arrivals.doses, strict=True):
        begins = doses and doses[0].time < trajectory.time[0]
        out.append(trajectory.begun(doses[0].time) if begins else trajectory)
    return replace(study, trajectories=tuple(out))

"""Study, library and knowledge as the numeric tables that the kernels read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError
from twinlab.expressions import TermTable
from twinlab.kernels import Drive, Tolerance
from twinlab.knowledge import ColumnPrior, Knowledge
from twinlab.library import Entries, Library, check_domain
from twinlab.study import Study, Trajectory
from twinlab.study.dosing import Arrivals, arriving_doses

from .schedule import Schedule, make_schedule

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
    value, sd : (n_row, n_state) arrays
        NaN where nothing was measured or no standard deviation is known.
    count : (n_row, n_state) int array
    spread : (n_row, n_state) array
        Sum of squares within replicates.
    censored : (n_row, n_state) bool array
        True where `value` is a limit and the truth lies below it.
    scale : (n_state,) array
        Standard deviation of each state over all data.
    duration : float
        Median length of a trajectory.
    schedule : Schedule
        Doses and inputs of the trajectories, stretch by stretch.
    sign_log_odds : (n_column,) array
        Prior log-odds of a positive against a negative coefficient (`sign_log_odds`).
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
    def n_trajectory(self) -> int:
        """Number of trajectories."""
        return self.start.size - 1

    @property
    def n_column(self) -> int:
        """Number of library columns."""
        return len(self.library.columns)

    @property
    def n_values(self) -> int:
        """Measured values, replicates counted one by one; limits are not counted."""
        return int(self.count[~self.censored].sum())

    @property
    def measured(self) -> Array:
        """Values (n_row, n_state), NaN where nothing was measured or only a limit is known."""
        return np.where(self.censored, np.nan, self.value)

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

    def tolerance(self, relative: float) -> Tolerance:
        """Integrator tolerances in proportion to the states' scales."""
        largest = np.nanmax(np.abs(self.value), axis=0)
        return Tolerance(
            relative,
            1e-2 * relative * self.scale,
            DIVERGENCE_FACTOR * (largest + self.scale),
            MAX_SOLVER_STEPS,
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
    missing = [n for n in (*library.states, *library.inputs) if n not in study.variables]
    if missing:
        raise UserError(
            f"The library uses {', '.join(missing)}, which the data do not hold.",
            mend=f"The data hold {', '.join(study.variables)}.",
        )
    prior = column_prior(library, knowledge, complexity)
    given, study = study, _usable(study, library)
    arrivals = arriving_doses(study, library.states, library.inputs)
    study = _from_first_dose(study, arrivals)
    kept = {t.label for t in study.trajectories}
    check_domain(library, study)
    n_state = len(library.states)
    parts = [_state_rows(t, n_state) for t in study.trajectories]
    start = np.concatenate(([0], np.cumsum([len(p[0]) for p in parts]))).astype(np.int64)
    columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    time, value, sd, count, spread, censored = columns
    scale = np.nanstd(value, axis=0)
    for name, s, column in zip(library.states, scale, value.T, strict=True):
        if not s > 1e-12 * np.nanmax(np.abs(column)):
            raise UserError(
                f"{name} is constant in these data: nothing can be learned about its equation.",
                mend=f"Leave {name} out of the states, or use it as an input.",
            )
    for name, seen in zip(
        library.states, (np.isfinite(value) & ~censored).any(axis=0), strict=True
    ):
        if not seen:
            raise UserError(
                f"All values of {name} lie below their limits: its size cannot be learned.",
                mend=f"Leave {name} out of the states.",
            )
    spans = np.diff(np.stack([time[start[:-1]], time[start[1:] - 1]]), axis=0)[0]
    longest = max(len(p[0]) for p in parts)
    n_cell = int(np.clip(4 * longest, MIN_CELLS, MAX_CELLS))
    return Problem(
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
        scale=scale,
        duration=float(np.median(spans)),
        n_cell=n_cell,
        schedule=make_schedule(study, arrivals.doses, library.states, library.inputs),
        sign_log_odds=sign_log_odds(library, np.nanmin(value, axis=0) >= 0, positivity)
        + knowledge.sign_prior(library, nonnegative_names(study)),
        dropped=tuple(t.label for t in given.trajectories if t.label not in kept),
        dose_target=arrivals.assumed,
        homeless_doses=arrivals.homeless,
    )


def column_prior(library: Library, knowledge: Knowledge, complexity: float) -> ColumnPrior:
    """Beliefs as arrays over the columns, signs turned into bounds as well."""
    prior = knowledge.column_prior(library, complexity=complexity)
    return prior._replace(
        lower=np.where(prior.sign > 0, np.maximum(prior.lower, 0.0), prior.lower),
        upper=np.where(prior.sign < 0, np.minimum(prior.upper, 0.0), prior.upper),
    )


def sign_log_odds(library: Library, nonnegative: NDArray[np.bool_], odds: float) -> Array:
    """Prior log-odds of positive coefficients where quantities are never negative.

    A flow out of an amount must cease when nothing is left (essential nonnegativity; Haddad,
    Chellaboina and Hui 2010, Nonnegative and Compartmental Dynamical Systems, definition 2.6): a
    sign that would drive an amount below zero is unlikely, though not impossible, beforehand.

    Parameters
    ----------
    library : Library
    nonnegative : (n_state,) bool array
        States whose data hold no negative value.
    odds : float
        Log-odds of the harmless sign, nats.

    Returns
    -------
    (n_column,) array
        Zero where either sign is harmless, or both do harm.
    """
    out = np.zeros(len(library.columns))
    for c, column in enumerate(library.columns):
        term = library.terms[column.term]
        harm = {
            np.sign(value * term.scale)
            for e, value in column.stoichiometry
            if nonnegative[e] and not term.vanishes_without(library.states[e])
        }
        if len(harm) == 1:
            out[c] = odds * harm.pop()
    return out


def nonnegative_names(study: Study) -> set[str]:
    """Variables without a negative value."""
    least = np.nanmin([np.nanmin(t.value, axis=0, initial=np.inf) for t in study.trajectories], 0)
    return {name for name, value in zip(study.variables, least, strict=True) if value >= 0}


def _usable(study: Study, library: Library) -> Study:
    """The study with the library's states first, then its inputs; enough times in each."""
    study = study.select(variables=(*library.states, *library.inputs))
    n_state = len(library.states)
    kept = tuple(
        t
        for t in study.trajectories
        if np.isfinite(t.value[:, :n_state]).any(axis=1).sum() >= 2
        and np.isfinite(t.value[:, n_state:]).any(axis=0).all()
    )
    if not kept:
        raise UserError(
            "No subject has measurements at two times or more (and its inputs).",
            mend="A model of change needs each subject at several times.",
        )
    variables_seen = np.any([np.isfinite(t.value).any(axis=0) for t in kept], axis=0)
    for name, seen in zip(study.variables, variables_seen, strict=True):
        if not seen:
            raise UserError(f"{name} has no values in the subjects that can be used.")
    return replace(study, trajectories=kept)


def _from_first_dose(study: Study, arrivals: Arrivals) -> Study:
    """The study with a time without values where a trajectory's first dose precedes its data."""
    out = []
    for trajectory, doses in zip(study.trajectories, arrivals.doses, strict=True):
        begins = doses and doses[0].time < trajectory.time[0]
        out.append(trajectory.begun(doses[0].time) if begins else trajectory)
    return replace(study, trajectories=tuple(out))


def _state_rows(trajectory: Trajectory, n_state: int) -> tuple[NDArray[Any], ...]:
    """Time, value, sd, count, spread, censored of one trajectory, its inputs left out."""
    return (
        trajectory.time,
        trajectory.value[:, :n_state],
        trajectory.sd[:, :n_state],
        trajectory.count[:, :n_state],
        trajectory.spread[:, :n_state],
        trajectory.censored[:, :n_state],
    )

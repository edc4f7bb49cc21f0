"""What was measured: the immutable data classes every later step reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Dose:
    """One dosing event: `amount` into `target` at `time`, over `duration` (0: bolus)."""

    time: float
    amount: float
    target: str = ""
    duration: float = 0.0
    unit: str = ""


@dataclass(frozen=True)
class Dosing:
    """Where some doses go and how.

    Attributes
    ----------
    target : str
        A state or an input; empty: what the doses themselves say.
    lag : float
        Time from a dose to its arrival.
    bioavailability : float
        Share of the amount that arrives.
    scale : str
        Covariate that amounts are divided by; empty: none.
    named : str
        Only for doses whose target has this name in the data.
    """

    target: str = ""
    lag: float = 0.0
    bioavailability: float = 1.0
    scale: str = ""
    named: str = ""


@dataclass(frozen=True)
class Note:
    """Something the reader noticed: a remark ('note') or a doubt ('warning'), and where."""

    level: str
    text: str
    row: int | None = None
    column: str | None = None


@dataclass(frozen=True)
class Provenance:
    """Where the data came from: file name (no path), size, SHA-256 of its bytes, layout."""

    file: str
    sha256: str
    size: int
    layout: str


@dataclass(frozen=True)
class Trajectory:
    """One subject under one condition.

    Attributes
    ----------
    subject, condition : str
    time : (n_time,) array
        Strictly increasing, in the study's time unit.
    value : (n_time, n_variable) array
        Mean over the replicates at that time; NaN where nothing was measured.
    count : (n_time, n_variable) int array
        How many replicates the mean is over; 0 where nothing was measured.
    spread : (n_time, n_variable) array
        Sum of squared deviations of the replicates from their mean (0 for one replicate).
    sd : (n_time, n_variable) array
        Standard deviation of one measurement where the file gives it, else NaN.
    censored : (n_time, n_variable) bool array
        True where `value` is a limit of quantification and the truth lies below it.
    doses : tuple of Dose
    covariates : mapping of str to float
    """

    subject: str
    condition: str
    time: Array
    value: Array
    count: NDArray[np.int64]
    spread: Array
    sd: Array
    censored: NDArray[np.bool_]
    doses: tuple[Dose, ...] = ()
    covariates: Mapping[str, float] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Name for titles and keys: the subject, with its condition where it has one."""
        return f"{self.subject} ({self.condition})" if self.condition else self.subject

    def begun(self, time: float) -> Trajectory:
        """The trajectory from an earlier time on, at which nothing was measured."""
        none = np.full((1, self.value.shape[1]), np.nan)
        return replace(
            self,
            time=np.concatenate(([time], self.time)),
            value=np.concatenate([none, self.value]),
            count=np.concatenate([np.zeros(none.shape, np.int64), self.count]),
            spread=np.concatenate([np.zeros(none.shape), self.spread]),
            sd=np.concatenate([none, self.sd]),
            censored=np.concatenate([np.zeros(none.shape, bool), self.censored]),
        )

    def _widened(self, n: int) -> Trajectory:
        """Add `n` variables without values."""
        rows = self.time.size
        return replace(
            self,
            value=np.column_stack([self.value, np.full((rows, n), np.nan)]),
            count=np.column_stack([self.count, np.zeros((rows, n), np.int64)]),
            spread=np.column_stack([self.spread, np.zeros((rows, n))]),
            sd=np.column_stack([self.sd, np.full((rows, n), np.nan)]),
            censored=np.column_stack([self.censored, np.zeros((rows, n), bool)]),
        )

    def _columns(self, index: list[int]) -> Trajectory:
        keep = np.isfinite(self.value[:, index]).any(axis=1)
        tables = ("value", "count", "spread", "sd", "censored")
        cut = {k: getattr(self, k)[keep][:, index] for k in tables}
        return replace(self, time=self.time[keep], **cut)


@dataclass(frozen=True)
class Study:
    """Several trajectories over the same measured variables.

    Attributes
    ----------
    name : str
    variables : tuple of str
        Names valid in the term language (identifiers), in the order of first appearance.
    trajectories : tuple of Trajectory
    time_unit : str
        Empty when unknown.
    units : mapping of str to str
        Unit of each variable; empty string when unknown.
    provenance : Provenance or None
        None for a study made in memory.
    notes : tuple of Note
        What the reader noticed.
    covariate_units : mapping of str to str
        Unit of each covariate of the trajectories; empty string when unknown.
    dosing : tuple of Dosing
        What is said of the doses beside what the data say.
    derived : mapping of str to str
        Variables that measure no state by itself, and what they are of states (`observe`).
    logarithmic : tuple of str
        Variables that were measured on the log scale: their noise is log-normal.
    initial : mapping of str to float
        States whose value at the first time is known.
    """

    name: str
    variables: tuple[str, ...]
    trajectories: tuple[Trajectory, ...]
    time_unit: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    provenance: Provenance | None = None
    notes: tuple[Note, ...] = ()
    covariate_units: Mapping[str, str] = field(default_factory=dict)
    dosing: tuple[Dosing, ...] = ()
    derived: Mapping[str, str] = field(default_factory=dict)
    logarithmic: tuple[str, ...] = ()
    initial: Mapping[str, float] = field(default_factory=dict)

    @property
    def subjects(self) -> tuple[str, ...]:
        """Distinct subjects in order of first appearance."""
        return tuple(dict.fromkeys(t.subject for t in self.trajectories))

    @property
    def conditions(self) -> tuple[str, ...]:
        """Distinct conditions in order of first appearance."""
        return tuple(dict.fromkeys(t.condition for t in self.trajectories))

    @property
    def n_points(self) -> int:
        """Measured values, replicates counted one by one."""
        return int(sum(t.count.sum() for t in self.trajectories))

    def has_values(self, variable: str) -> bool:
        """Whether anything was measured of a variable."""
        place = self.variables.index(variable)
        return any(bool((t.count[:, place] > 0).any()) for t in self.trajectories)

    def with_unmeasured(self, names: Iterable[str]) -> Study:
        """Add variables of which nothing was measured."""
        names = tuple(names)
        trajectories = tuple(t._widened(len(names)) for t in self.trajectories)
        return replace(self, variables=(*self.variables, *names), trajectories=trajectories)

    @property
    def labels(self) -> tuple[str, ...]:
        """A unique display name per trajectory, in order."""
        plain = [t.subject for t in self.trajectories]
        return tuple(
            plain if len(set(plain)) == len(plain) else [t.label for t in self.trajectories]
        )

    def select(
        self, *, variables: Iterable[str] | None = None, subjects: Iterable[str] | None = None
    ) -> Study:
        """Restrict to some variables and subjects; trajectories left without values are dropped.

        Raises
        ------
        KeyError
            A name that the study does not have.
        """
        names = tuple(variables) if variables is not None else self.variables
        wanted = set(subjects) if subjects is not None else set(self.subjects)
        if wanted - set(self.subjects):
            raise KeyError(f"no such subject: {sorted(wanted - set(self.subjects))}")
        for name in names:
            if name not in self.variables:
                raise KeyError(f"no such variable: {name}")
        index = [self.variables.index(name) for name in names]
        cut = (t._columns(index) for t in self.trajectories if t.subject in wanted)
        kept = tuple(t for t in cut if t.time.size)
        return replace(self, variables=names, trajectories=kept)

    def with_dosing(self, *rules: Dosing) -> Study:
        """The study with rules that say where its doses go and how."""
        return replace(self, dosing=rules)

    def without_doses(self) -> Study:
        """The study as if nothing had been given."""
        trajectories = tuple(replace(t, doses=()) for t in self.trajectories)
        return replace(self, trajectories=trajectories, dosing=())

    @staticmethod
    def from_arrays(
        name: str,
        variables: Iterable[str],
        times: Iterable[Array],
        values: Iterable[Array],
        *,
        subjects: Iterable[str] | None = None,
        conditions: Iterable[str] | None = None,
        time_unit: str = "",
        units: Mapping[str, str] | None = None,
    ) -> Study:
        """Make a study from one (n_time,) and one (n_time, n_variable) array a trajectory."""
        variables = tuple(variables)
        times, values = list(times), list(values)
        subjects = (
            list(subjects) if subjects is not None else [str(i + 1) for i in range(len(times))]
        )
        conditions = list(conditions) if conditions is not None else [""] * len(times)
        trajectories = []
        for subject, condition, time, value in zip(
            subjects, conditions, times, values, strict=True
        ):
            value = np.array(value, float)
            trajectories.append(
                Trajectory(
                    subject,
                    condition,
                    np.array(time, float),
                    value,
                    np.isfinite(value).astype(np.int64),
                    np.zeros_like(value),
                    np.full_like(value, np.nan),
                    np.zeros(value.shape, bool),
                )
            )
        return Study(name, variables, tuple(trajectories), time_unit, dict(units or {}))

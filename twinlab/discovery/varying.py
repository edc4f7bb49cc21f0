"""Which coefficients differ between trajectories, as the tables that fits and draws read.

The coefficients of a *slot* are multiplied, in each trajectory, by one factor: the exponential of
a deviation of the trajectory's own (normal with standard deviation omega, integrated out with the
initial state) and of effects, which are shared (a condition, a covariate).  In some conditions a
slot may be switched off (a knock-out, a blocked receptor): its coefficients are zero there.  Atoms
of one family share a slot: they are one mechanism.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from twinlab.kernels import Initial, Local

Array = NDArray[np.float64]
Columns = NDArray[np.int64]

#: Prior sd of an effect: of a log factor, or of the power of a covariate.
EFFECT_SD = 1.0
#: Half width of a 90 % interval in standard deviations of a normal distribution.
NORMAL90 = 1.645


@dataclass(frozen=True)
class Effect:
    """What acts on the coefficients of one slot.

    Attributes
    ----------
    slot : int
    kind : str
        'condition' (1 in one condition, 0 elsewhere), 'power' (log of a covariate over its
        median), 'linear' (a covariate in standard deviations from its mean) or 'group' (1 for one
        value of a covariate).
    name : str
        Of the condition or the covariate.
    level : str
        Value of a covariate that 'group' is about.
    value : (n_trajectory,) array
    centre, scale : float
        Median of a power law; mean and standard deviation of a linear one.
    """

    slot: int
    kind: str
    name: str
    value: Array
    level: str = ""
    centre: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True)
class Off:
    """A slot that is switched off in one condition: its coefficients are zero there.

    Attributes
    ----------
    slot : int
    name : str
        Of the condition.
    value : (n_trajectory,) bool array
        Trajectories of the condition.
    """

    slot: int
    name: str
    value: NDArray[np.bool_]


@dataclass(frozen=True)
class LocalEstimates:
    """What differs between trajectories in one model, at its optimum.

    Attributes
    ----------
    deviation, deviation_sd : (n_trajectory, n_varying) arrays
        Of the logarithm of each coefficient that varies (`twinlab.discovery.varying`).
    effects, effects_sd : (n_effect,) arrays
    factor : (n_trajectory, k) array
        By which the model's coefficients are multiplied, effects included.
    """

    deviation: Array
    deviation_sd: Array
    effects: Array
    effects_sd: Array
    factor: Array


@dataclass(frozen=True)
class LocalDraws:
    """Draws of what differs between trajectories.

    Attributes
    ----------
    slot : (n_column,) int array
        Slot of each column; -1 where it is the same everywhere.
    log_factor : (n_draw, n_trajectory, n_slot) array
        Logarithm of what the coefficients of a slot are multiplied by; minus infinity where it is
        switched off.
    deviation : (n_draw, n_trajectory, n_varying) array
        The trajectory's own part of it.
    effects : (n_draw, n_effect) array
    """

    slot: Columns
    log_factor: Array
    deviation: Array
    effects: Array


@dataclass(frozen=True)
class Varying:
    """Slots, deviations, effects and what is switched off, of one frame.

    Attributes
    ----------
    slot : (n_column,) int array
        Slot of each column of the library, -1 where it is the same everywhere.
    n_slot : int
    omega : (n_varying,) array
        Standard deviations of the log factors of the first slots, which have deviations.
    effects : tuple of Effect
    size : (n_effect,) array
        Sizes of the effects that fits start from.
    off : tuple of Off
    """

    slot: Columns
    n_slot: int = 0
    omega: Array = field(default_factory=lambda: np.zeros(0))
    effects: tuple[Effect, ...] = ()
    size: Array = field(default_factory=lambda: np.zeros(0))
    off: tuple[Off, ...] = ()

    @property
    def effect_precision(self) -> Array:
        """Prior precision (n_effect,) of the effects."""
        return np.full(len(self.effects), EFFECT_SD**-2.0)

    def silent(self, n_trajectory: int) -> NDArray[np.bool_]:
        """Where slots are switched off, (n_trajectory, n_slot)."""
        out = np.zeros((n_trajectory, self.n_slot), bool)
        for off in self.off:
            out[:, off.slot] |= off.value
        return out

    def local(self, columns: Columns, n_trajectory: int) -> Local:
        """Kernel tables of the model, or the regression, that holds `columns`."""
        value = np.array([e.value for e in self.effects], float)
        return Local(
            np.ascontiguousarray(self.slot[columns], np.int64),
            self.n_slot,
            len(columns),
            np.array([e.slot for e in self.effects], np.int64),
            np.ascontiguousarray(value.reshape(len(self.effects), n_trajectory).T),
            self.silent(n_trajectory),
        )

    def prior(self, initial: Initial) -> Initial:
        """Prior of initial states and deviations, from that of the initial states."""
        n = len(initial.mean)
        more = np.zeros((n, self.omega.size))
        return Initial(
            np.ascontiguousarray(np.hstack([initial.mean, more])),
            np.ascontiguousarray(np.hstack([initial.precision, more + self.omega**-2.0])),
        )

    def log_factor(self, deviation: Array, effects: Array) -> Array:
        """Log factors (..., n_trajectory, n_slot).

        Parameters
        ----------
        deviation : (..., n_trajectory, n_varying) array
        effects : (..., n_effect) array
        """
        out = np.zeros((*deviation.shape[:-1], self.n_slot))
        out[..., : self.omega.size] = deviation
        for j, effect in enumerate(self.effects):
            out[..., effect.slot] += effects[..., j, None] * effect.value
        out[..., self.silent(out.shape[-2])] = -np.inf
        return out

    def factor(self, columns: Columns, deviation: Array, effects: Array) -> Array:
        """Factors (n_trajectory, k) on the coefficients of some columns."""
        slot = self.slot[columns]
        if not self.n_slot:
            return np.ones((len(deviation), len(columns)))
        own = np.exp(self.log_factor(deviation, effects))
        return np.asarray(np.where(slot >= 0, own[:, np.maximum(slot, 0)], 1.0), float)

    def draws(self, deviation: Array, effects: Array) -> LocalDraws:
        """Draws of what is local, from those of deviations and effects."""
        deviation = np.ascontiguousarray(deviation)
        return LocalDraws(self.slot, self.log_factor(deviation, effects), deviation, effects)

    def trajectory(self, r: int, columns: Columns, n_column: int) -> Varying:
        """The same for one trajectory and a library of `columns` with others behind them."""
        effects = tuple(replace(e, value=e.value[r : r + 1]) for e in self.effects)
        off = tuple(replace(o, value=o.value[r : r + 1]) for o in self.off)
        return replace(self.restricted(columns, n_column), effects=effects, off=off)

    def restricted(self, columns: Columns, n_column: int) -> Varying:
        """The same for a library of `columns` with others behind them, which do not vary."""
        slot = np.full(n_column, -1, np.int64)
        slot[: len(columns)] = self.slot[columns]
        return replace(self, slot=slot)

    def extended(self, slots: list[int]) -> Varying:
        """With further columns behind, of the given slots."""
        return replace(self, slot=np.concatenate([self.slot, np.array(slots, np.int64)]))


def nothing_varies(n_column: int) -> Varying:
    """All coefficients are the same in all trajectories."""
    return Varying(np.full(n_column, -1, np.int64))


@dataclass(frozen=True)
class VaryingTerm:
    """One coefficient that deviates from trajectory to trajectory.

    Attributes
    ----------
    column : int
    label : str
        Equation and term.
    omega : float
        Standard deviation of the logarithm of the coefficient.
    omega90 : (2,) array
    probability : float
        That it varies, given what else does.
    explained : float
        Share of the variance that conditions or covariates explain.
    """

    column: int
    label: str
    omega: float
    omega90: Array
    probability: float
    explained: float


@dataclass(frozen=True)
class VaryingEffect:
    """One effect of a condition or covariate on a coefficient.

    Attributes
    ----------
    column : int
    label : str
        Equation and term.
    effect : int
        Place among the frame's effects.
    size : float
        Log factor, or power.
    size90 : (2,) array
    probability : float
        That it acts, given what else does.
    """

    column: int
    label: str
    effect: int
    size: float
    size90: Array
    probability: float


@dataclass(frozen=True)
class SwitchedOff:
    """One coefficient that is zero in one condition.

    Attributes
    ----------
    column : int
    label : str
        Equation and term.
    off : int
        Place among what the frame switches off.
    probability : float
        That it is off there, rather than as elsewhere or with a value of its own.
    """

    column: int
    label: str
    off: int
    probability: float


@dataclass(frozen=True)
class Variation:
    """What was asked and found about coefficients that vary.

    Attributes
    ----------
    by : str
        'subject' or 'condition'.
    tested : tuple of str
        Coefficients that might have varied.
    terms : tuple of VaryingTerm
    effects : tuple of VaryingEffect
    off : tuple of SwitchedOff
    """

    by: str
    tested: tuple[str, ...]
    terms: tuple[VaryingTerm, ...] = ()
    effects: tuple[VaryingEffect, ...] = ()
    off: tuple[SwitchedOff, ...] = ()

    def of_model(
        self, varying: Varying, labels: Mapping[int, str], estimates: LocalEstimates
    ) -> Variation:
        """The same in one model: its own term where several share a slot, its own sizes.

        Parameters
        ----------
        varying : Varying
        labels : mapping of int to str
            Equation and term of the model's columns.
        estimates : LocalEstimates
            Of that model.
        """
        own = {int(varying.slot[c]): c for c in list(labels)[::-1]}

        def column(c: int) -> int:
            return c if c in labels else own.get(int(varying.slot[c]), c)

        terms = tuple(
            replace(t, column=column(t.column), label=labels.get(column(t.column), t.label))
            for t in self.terms
        )
        effects = []
        for e in self.effects:
            size, sd = estimates.effects[e.effect], estimates.effects_sd[e.effect]
            here = column(e.column)
            effects.append(
                replace(
                    e, column=here, label=labels.get(here, e.label), size=float(size),
                    size90=size + NORMAL90 * sd * np.array([-1.0, 1.0]),
                )
            )  # fmt: skip
        off = tuple(
            replace(o, column=column(o.column), label=labels.get(column(o.column), o.label))
            for o in self.off
        )
        return replace(self, terms=terms, effects=tuple(effects), off=off)

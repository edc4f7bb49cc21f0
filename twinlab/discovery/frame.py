"""What the moves of a discovery work on: a model's point and fit, and what stays the same."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from twinlab.kernels import Initial
from twinlab.knowledge import ColumnPrior

from .problem import Problem
from .scaled import solve_scaled
from .smoothing import Smooth
from .varying import Varying, nothing_varies

Array = NDArray[np.float64]
Columns = NDArray[np.int64]


@dataclass(frozen=True)
class Point:
    """A model at particular coefficients and initial states.

    Attributes
    ----------
    columns, coefficients : (k,) arrays
    initial : (n_trajectory, n_local) array
        Initial states, then the deviations of the coefficients that vary (zero if left out).
    effects : (n_effect,) array
        Sizes of the frame's effects; those the frame starts from if left out.
    """

    columns: Columns
    coefficients: Array
    initial: Array
    effects: Array = field(default_factory=lambda: np.zeros(0), kw_only=True)


@dataclass(frozen=True)
class Fit(Point):
    """A polished model.

    Attributes
    ----------
    cost : float
        Weighted squares plus prior costs.
    h_w (k, k), h_x (n_trajectory, n_local, n_local), cross (n_trajectory, k, n_local) : arrays
        Blocks of half the Gauss-Newton Hessian; rows of coefficients, free constants, effects.
    x : (n_row, n_observable) array
        Simulated observables at the measured times; the states come first.
    free : tuple of (column, factor, 0 or 1)
        Constants of Hill functions that were fitted too: log half saturation (0) or log Hill
        coefficient (1).
    """

    cost: float
    h_w: Array
    h_x: Array
    cross: Array
    x: Array
    free: tuple[tuple[int, int, int], ...] = ()

    @property
    def schur(self) -> Array:
        """Half Hessian of coefficients, free constants and effects, what is local eliminated."""
        solved = solve_scaled(self.h_x, np.swapaxes(self.cross, 1, 2))
        return self.h_w - np.einsum("rkd,rdm->km", self.cross, solved)


@dataclass(frozen=True)
class Frame:
    """What stays the same through one start: problem, smooth, slab, priors.

    Attributes
    ----------
    precision : (n_column,) array
        Prior precision of the coefficients (the slab).
    prior : ColumnPrior
    initial_prior : Initial
        Of initial states and deviations.
    varies : Varying or None
        Coefficients that differ between trajectories; None: there are none.
    long : bool
        Records are so long, or chaotic, that fits go through states of their pieces (`lifted`).
    """

    problem: Problem
    smooth: Smooth
    precision: Array
    prior: ColumnPrior
    initial_prior: Initial
    mcmc_steps: int
    varies: Varying | None = None
    long: bool = False

    @property
    def varying(self) -> Varying:
        """Coefficients that differ between trajectories."""
        return self.varies if self.varies is not None else nothing_varies(self.problem.n_column)

    def with_varying(self, varying: Varying) -> Frame:
        """The same frame with other coefficients that vary."""
        d = self.problem.n_state
        states = Initial(
            np.ascontiguousarray(self.initial_prior.mean[:, :d]),
            np.ascontiguousarray(self.initial_prior.precision[:, :d]),
        )
        return replace(self, initial_prior=varying.prior(states), varies=varying)

    def start(self, point: Point) -> tuple[Array, Array]:
        """Initial states with deviations (zero where the point has none), and effects."""
        missing = self.initial_prior.mean.shape[1] - point.initial.shape[1]
        initial = np.pad(point.initial, ((0, 0), (0, missing)))
        known = point.effects.size == len(self.varying.effects)
        return initial, point.effects if known else self.varying.size

"""What a twin's simulation returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinlab.discovery.draws import central_interval

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Simulation:
    """Trajectories of one subject under the posterior.

    The spread of the draws is the uncertainty of model, coefficients and initial state; the noise
    of a new measurement is not in it.

    Attributes
    ----------
    time : (n_time,) array
    states : tuple of str
    best : (n_time, n_state) array
        Trajectory of the best model's optimum.
    draws : (n_draw, n_time, n_state) array
        Posterior draws that could be simulated to the end.
    n_failed : int
        Draws that could not, and were left out.
    """

    time: Array
    states: tuple[str, ...]
    best: Array
    draws: Array
    n_failed: int = 0

    @property
    def median(self) -> Array:
        """Pointwise median (n_time, n_state) over the draws."""
        return np.median(self.draws, axis=0)

    def band(self, level: float = 0.9) -> tuple[Array, Array]:
        """Pointwise credible band.

        Parameters
        ----------
        level : float
            Probability between the two edges, more than 0 and less than 1.

        Returns
        -------
        lower, upper : (n_time, n_state) arrays

        Raises
        ------
        ValueError
            `level` is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise ValueError("level must lie between 0 and 1")
        return central_interval(self.draws, level)

    def peak(self, level: float = 0.9) -> tuple[Array, Array, Array]:
        """Largest value of each state over the times: of the best trajectory, and its band.

        Parameters
        ----------
        level : float
            Probability between the two edges.

        Returns
        -------
        best, lower, upper : (n_state,) arrays
            Edges are quantiles of the draws' own peaks, wherever in time each has it.
        """
        peaks = self.draws.max(axis=1)
        lower, upper = central_interval(peaks, level)
        return self.best.max(axis=0), lower, upper

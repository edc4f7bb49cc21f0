"""Where a trajectory that the model never saw begins: from its first measurements.

Of a subject that was left out a forecaster knows doses, inputs, covariates and the measurements at
its first times.  A state measured at the first time is drawn around that measurement; one that is
not, from the subjects the model was fitted to.  Where more times are given, every draw is fitted
to its own perturbed copy of them: randomised maximum likelihood (Oliver, He and Reynolds 1996,
Proc 5th ECMOR), exact for a linear model with normal noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinlab.discovery import Discovery
from twinlab.discovery.bands import DRAW_TOLERANCE, Lot, simulate
from twinlab.discovery.noise import Noise
from twinlab.discovery.problem import Problem
from twinlab.kernels import OK

Array = NDArray[np.float64]

#: Levenberg-Marquardt rounds, first damping, its changes, and the step of the differences.
ROUNDS, DAMPING, EASIER, HARDER, STEP = 8, 1e-2, 0.2, 5.0, 1e-4


@dataclass(frozen=True)
class Population:
    """Initial states of the trajectories a model was fitted to: mean and sd (n_state,)."""

    mean: Array
    sd: Array


def population_of(discovery: Discovery) -> Population:
    """Mean and standard deviation of a new subject's initial state, before it is measured.

    The sd is that of one more draw from a normal sample, ``s sqrt(1 + 1/n)``; a single
    trajectory says nothing about it, and the scale of the data takes its place.
    """
    initial, scale = discovery.best.initial, discovery.problem.scale
    n = len(initial)
    if n < 2:
        return Population(initial[0], scale)
    return Population(initial.mean(axis=0), initial.std(axis=0, ddof=1) * np.sqrt(1.0 + 1.0 / n))


@dataclass(frozen=True)
class Start:
    """Draws of one trajectory's initial state.

    Attributes
    ----------
    initial : (n_draw, n_state) array
        At the trajectory's first time.
    measured, assumed : tuple of str
        States estimated from the trajectory's own measurements; from the other subjects.
    """

    initial: Array
    measured: tuple[str, ...]
    assumed: tuple[str, ...]


def start_of(
    problem: Problem,
    trajectory: int,
    n_known: int,
    noise: Noise,
    population: Population,
    lots: Sequence[Lot],
    rng: np.random.Generator,
) -> Start:
    """Draw the initial state of a trajectory from its first `n_known` rows.

    Parameters
    ----------
    problem : Problem
        Holds the trajectory.
    trajectory, n_known : int
    noise : Noise
        Of the fit.
    population : Population
    lots : sequence of Lot
        The draws of the posterior, ready to be simulated.
    rng : Generator
    """
    n_draw, n_state = sum(lot.rows.size for lot in lots), problem.n_state
    rows = np.arange(*problem.rows(trajectory).indices(problem.time.size))[:n_known]
    own = np.zeros(n_state, bool)
    initial = population.mean + population.sd * rng.standard_normal((n_draw, n_state))
    if rows.size:
        value, censored = problem.value[rows], problem.censored[rows]
        sd = measurement_sd(problem, noise, rows)
        copies = _perturbed(noise, value, sd, (n_draw, *value.shape), rng)
        first = value[0, :n_state]
        own = np.isfinite(first) & ~censored[0, :n_state]
        initial = np.where(own, copies[:, 0, :n_state], initial)
        below = censored[0, :n_state] & np.isfinite(first)
        initial = np.where(below, first * rng.uniform(size=(n_draw, n_state)), initial)
        initial = _not_below(problem, initial)
        later = np.isfinite(value) & ~censored
        if later[1:].any():
            target = _Target(problem, trajectory, rows, noise, copies, sd, later)
            initial = _fit(target, initial, np.where(own, np.inf, population.sd), lots)
            own |= later[:, :n_state].any(axis=0)
    initial = _not_below(problem, initial)
    states = problem.library.states
    return Start(
        initial,
        tuple(name for name, seen in zip(states, own, strict=True) if seen),
        tuple(name for name, seen in zip(states, own, strict=True) if not seen),
    )


def measurement_sd(problem: Problem, noise: Noise, rows: NDArray[np.int64]) -> Array:
    """Standard deviation (n, n_state) of the means measured at `rows`, on the noise's scale."""
    value = problem.value[rows]
    own = problem.sd[rows]
    own = np.where(noise.logarithmic, own / np.maximum(np.abs(value), 1e-300), own)
    sd = np.where(np.isfinite(own), own, noise.at(np.nan_to_num(value)))
    return sd / np.sqrt(np.maximum(problem.count[rows], 1))


def _perturbed(
    noise: Noise, value: Array, sd: Array, shape: tuple[int, ...], rng: np.random.Generator
) -> Array:
    """Copies (n_draw, n, n_state) of the measurements, each with noise of its own."""
    move = sd * rng.standard_normal(shape)
    in_log = noise.logarithmic
    return np.where(in_log, value * np.exp(np.where(in_log, move, 0.0)), value + move)


def _not_below(problem: Problem, initial: Array) -> Array:
    return np.where(problem.nonnegative, np.maximum(initial, 0.0), initial)


@dataclass(frozen=True)
class _Target:
    """What the draws of an initial state are fitted to."""

    problem: Problem
    trajectory: int
    rows: NDArray[np.int64]
    noise: Noise
    copies: Array
    sd: Array
    seen: NDArray[np.bool_]

    def residuals(self, initial: Array, lots: Sequence[Lot]) -> tuple[Array, NDArray[np.bool_]]:
        """Weighted residuals (n_draw, n * n_state), and which draws could be simulated."""
        x, status = simulate(
            self.problem, self.trajectory, self.problem.time[self.rows], lots, initial,
            relative=DRAW_TOLERANCE,
        )  # fmt: skip
        x, copies, in_log = self.problem.observe(x), self.copies, self.noise.logarithmic
        if in_log.any():
            least = np.maximum(x, 1e-6 * self.problem.data_scale)
            x = np.where(in_log, np.log(np.where(in_log, least, 1.0)), x)
            copies = np.where(in_log, np.log(np.where(in_log, copies, 1.0)), copies)
        out = np.where(self.seen, (x - copies) / self.sd, 0.0).reshape(len(initial), -1)
        good = (status == OK) & np.isfinite(out).all(axis=1)
        return np.where(good[:, None], out, 0.0), good


def _fit(target: _Target, start: Array, sd: Array, lots: Sequence[Lot]) -> Array:
    """Fit every draw's initial state to its own copy, by Levenberg-Marquardt on all at once.

    Each state is held at its starting draw with the standard deviation `sd` (n_state,).
    """
    x, n_state = start.copy(), start.shape[1]
    held = np.where(np.isfinite(sd), 1.0 / np.maximum(sd, 1e-12 * target.problem.scale), 0.0)
    step = STEP * target.problem.scale
    damping = np.full(len(x), DAMPING)
    residual, good = target.residuals(x, lots)

    def cost_of(residual: Array, x: Array) -> Array:
        return np.asarray((residual**2).sum(axis=1) + (((x - start) * held) ** 2).sum(axis=1))

    cost = cost_of(residual, x)
    for _ in range(ROUNDS):
        slope = np.empty((*residual.shape, n_state))
        for e in range(n_state):
            moved = x.copy()
            moved[:, e] += step[e]
            there, fine = target.residuals(moved, lots)
            slope[:, :, e] = np.where((fine & good)[:, None], (there - residual) / step[e], 0.0)
        matrix = np.einsum("dne,dnf->def", slope, slope) + np.diag(held**2)
        diagonal = np.maximum(np.einsum("dee->de", matrix), 1e-12 / target.problem.scale**2)
        matrix += damping[:, None, None] * diagonal[:, None, :] * np.eye(n_state)
        side = np.einsum("dne,dn->de", slope, residual) + held**2 * (x - start)
        trial = x - np.linalg.solve(matrix, side[..., None])[..., 0]
        trial = _not_below(target.problem, trial)
        there, fine = target.residuals(trial, lots)
        new = cost_of(there, trial)
        better = fine & (new < cost)
        x, residual = (
            np.where(better[:, None], trial, x), np.where(better[:, None], there, residual),
        )  # fmt: skip
        cost = np.where(better, new, cost)
        damping = np.where(better, damping * EASIER, damping * HARDER)
    return x

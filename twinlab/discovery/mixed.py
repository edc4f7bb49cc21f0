"""Which coefficients vary, judged on a quadratic cost: a linear mixed model in plain arrays.

Around a fit the cost is quadratic in what is shared (coefficients, effects) and what is local
(initial states, deviations of every coefficient that might vary).  Initial states are integrated
out once, for any choice of deviations and effects the deviations too, trajectory by trajectory
(Laird and Ware 1982, Biometrics 38, 963, eq. 3.3), so hundreds of choices cost as much as one
simulation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinlab.kernels import OK, Initial, normal_equations

from .frame import Frame, Point
from .model_prior import log_slab
from .noise import Noise
from .scaled import inverse_scaled, log_determinant
from .steps import FIT_TOLERANCE, SCALE_FREEDOM
from .varying import EFFECT_SD, Varying

Array = NDArray[np.float64]

#: Prior of omega: log-normal, its median and the sd of its logarithm.
OMEGA_MEDIAN, OMEGA_SPREAD = 0.3, 1.0
OMEGA_RANGE = (5e-3, 3.0)
ROUNDS, SETTLED = 40, 1e-3
#: Largest change of log omega in one round.
STRIDE = 1.5


@dataclass(frozen=True)
class Quadratic:
    """``cost = c - 2 g.p + p'H p`` of the data alone, in blocks, around zero.

    Attributes
    ----------
    c : float
    h_w (q, q), g_w (q,), h_x (n, l, l), g_x (n, l), cross (n, q, l) : arrays
    n : float
        Information of the data less initial states.
    occam : float
        Log determinants of what was integrated out, less those of its prior.
    """

    c: float
    h_w: Array
    g_w: Array
    h_x: Array
    g_x: Array
    cross: Array
    n: float
    occam: float = 0.0

    def without_states(self, prior: Initial) -> Quadratic:
        """The same with initial states (the first local parameters) integrated out."""
        d, precision = prior.mean.shape[1], prior.precision
        own = self.h_x[:, :d, :d] + precision[:, :, None] * np.eye(d)
        g = self.g_x[:, :d] + precision * prior.mean
        inverse = inverse_scaled(own)
        # Rows of deviations, then of what is shared.
        tie = np.concatenate([self.h_x[:, d:, :d], self.cross[:, :, :d]], axis=1)
        slope = tie @ inverse
        n_own, apart = self.h_x.shape[1] - d, (inverse @ g[..., None])[..., 0]
        solved, shared, moved = slope[:, :n_own], slope[:, n_own:], np.swapaxes(tie, 1, 2)
        return Quadratic(
            float(self.c + (precision * prior.mean**2).sum() - (g * apart).sum()),
            self.h_w - (shared @ moved[:, :, n_own:]).sum(axis=0),
            self.g_w - np.einsum("rkl,rl->k", shared, g),
            self.h_x[:, d:, d:] - solved @ moved[:, :, :n_own],
            self.g_x[:, d:] - np.einsum("rvl,rl->rv", solved, g),
            self.cross[:, :, d:] - shared @ moved[:, :, :n_own],
            self.n,
            float(log_determinant(own)[1].sum() - np.log(precision).sum()),
        )  # fmt: skip

    def of(self, shared: NDArray[np.int64], local: NDArray[np.int64]) -> Quadratic:
        """The same in some of the parameters, all others zero."""
        return replace(
            self,
            h_w=self.h_w[np.ix_(shared, shared)],
            g_w=self.g_w[shared],
            h_x=np.ascontiguousarray(self.h_x[:, local[:, None], local]),
            g_x=self.g_x[:, local],
            cross=np.ascontiguousarray(self.cross[:, shared[:, None], local]),
        )


def quadratic(frame: Frame, point: Point, noise: Noise, candidates: Varying) -> Quadratic | None:
    """Expand the data's cost around a fit; None if it cannot be simulated.

    Parameters
    ----------
    candidates : Varying
        The frame's slots with more effects behind those of the frame.
    """
    problem = frame.problem
    terms, entries = problem.active(point.columns)
    initial, effects = frame.start(point)
    k, m = len(point.columns), len(candidates.effects)
    w = np.concatenate([point.coefficients, effects, np.zeros(m - effects.size)])
    x = np.empty(problem.value.shape)
    status, cost, *blocks = normal_equations(
        initial,
        w[: k + effects.size].copy(),
        terms,
        entries,
        frame.varying.local(point.columns, problem.n_trajectory),
        w,
        terms,
        entries,
        candidates.local(point.columns, problem.n_trajectory),
        noise.data(problem),
        Initial(initial, np.zeros(initial.shape)),
        problem.drive(0.0, frame.smooth.target),
        problem.tolerance(FIT_TOLERANCE),
        np.zeros(w.size),
        x,
    )
    if status != OK or not all(np.isfinite(block).all() for block in blocks):
        return None
    h_w, g_w, h_x, g_x, cross = blocks
    excess, information = noise.excess(problem, x)
    moved_w = h_w @ w + np.einsum("rkl,rl->k", cross, initial)
    moved_x = np.einsum("rlm,rm->rl", h_x, initial) + np.einsum("rkl,k->rl", cross, w)
    c = cost - excess + (2.0 * g_w + moved_w) @ w + ((2.0 * g_x + moved_x) * initial).sum()
    n = information - problem.n_state * problem.n_trajectory
    return Quadratic(float(c), h_w, g_w + moved_w, h_x, g_x + moved_x, cross, float(n))


@dataclass(frozen=True)
class Choice:
    """One choice of deviations and effects with its best omegas.

    Attributes
    ----------
    evidence : float
        Log evidence, omegas and the noise's scale integrated out.
    omega, omega_log_sd : (n_varying,) arrays
    effects, effects_sd : (n_effect,) arrays
    """

    evidence: float
    omega: Array
    omega_log_sd: Array
    effects: Array
    effects_sd: Array


@dataclass(frozen=True)
class _Solved:
    """Log marginal likelihood at given omegas; deviations and effects with their spread."""

    value: float
    mean: Array
    variance: Array
    effects: Array
    effects_sd: Array


class Mixed:
    """Choices on one quadratic cost, each evaluated once.

    Parameters
    ----------
    frame : Frame
    point : Point
        Its coefficients are the first shared parameters.
    cost : Quadratic
    order : tuple of int
        Candidate effects in the order in which the cost has them.
    """

    def __init__(
        self, frame: Frame, point: Point, cost: Quadratic, order: tuple[int, ...] = ()
    ) -> None:
        d, held = frame.problem.n_state, frame.prior.held[point.columns]
        mean, precision = frame.initial_prior.mean[:, :d], frame.initial_prior.precision[:, :d]
        self.cost = cost.without_states(Initial(mean, precision))
        self.free, self.held = np.nonzero(~held)[0], np.nonzero(held)[0]
        self.slab = frame.precision[point.columns][self.free]
        self.known = frame.prior.lower[point.columns][self.held]
        self.place = {e: len(point.columns) + i for i, e in enumerate(order)}
        self.met: dict[tuple[tuple[int, ...], tuple[int, ...]], Choice] = {}

    def choice(self, slots: tuple[int, ...], effects: tuple[int, ...]) -> Choice:
        """Evidence of deviations in some slots and some of the candidate effects."""
        key = tuple(sorted(slots)), tuple(sorted(effects))
        if key not in self.met:
            self.met[key] = self._best(*key)
        return self.met[key]

    def _best(self, slots: tuple[int, ...], effects: tuple[int, ...]) -> Choice:
        """Raise the evidence by scoring the logarithms of the omegas.

        A round that would lower it is replaced by MacKay's update (1992, Neural Comput. 4, 415,
        eq. 4.8), which has the same fixed points and always goes the right way.
        """
        shared = [*self.free, *(self.place[e] for e in effects), *self.held]
        cost = self.cost.of(np.array(shared, np.int64), np.array(slots, np.int64))
        omega = np.full(len(slots), OMEGA_MEDIAN)
        solver = self.solver(cost, len(effects))
        now = self._solve(solver, omega)
        careful = False
        for _ in range(ROUNDS if slots else 0):
            kept = np.clip(1.0 - now.variance / omega**2, 1e-6, 1.0)
            square = (now.mean**2).sum(axis=0)
            new = np.sqrt(square / kept.sum(axis=0))
            if not careful:
                slope = (square + now.variance.sum(axis=0)) / omega**2 - len(now.mean)
                step = slope / (2.0 * (kept**2).sum(axis=0))
                new = omega * np.exp(np.clip(step, -STRIDE, STRIDE))
            new = np.clip(new, *OMEGA_RANGE)
            settled = np.allclose(new, omega, rtol=SETTLED)
            then = self._solve(solver, new)
            worse = then.value < now.value - SETTLED
            if worse and not careful:
                careful = True
                continue
            now, omega, careful = then, new, False
            if settled or not np.isfinite(now.value):
                break
        kept = np.clip(1.0 - now.variance / omega**2, 0.0, 1.0)
        information = 2.0 * (kept**2).sum(axis=0) + OMEGA_SPREAD**-2.0
        away = np.log(omega / OMEGA_MEDIAN) / OMEGA_SPREAD
        hyper = -0.5 * away**2 - np.log(OMEGA_SPREAD) - 0.5 * np.log(information)
        value = now.value + float(hyper.sum())
        return Choice(value, omega, information**-0.5, now.effects, now.effects_sd)

    def solver(self, cost: Quadratic, n_effect: int) -> _LocalFirst:
        """The cheaper way to integrate a cost at any omegas."""
        slab = np.concatenate([self.slab, np.full(n_effect, EFFECT_SD**-2.0)])
        few = 0 < cost.g_x.size <= slab.size
        return (_SharedFirst if few else _LocalFirst)(cost, slab, self.known, n_effect)

    def _solve(self, solver: _LocalFirst, omega: Array) -> _Solved:
        """Log marginal likelihood at given omegas, the noise's scale integrated out."""
        cost, found = solver.cost, solver.at(omega)
        none = np.zeros(solver.n_effect)
        log = cost.occam + found.log_determinant + 2.0 * len(cost.g_x) * float(np.log(omega).sum())
        if not np.isfinite(log):
            # Sensitivities that grow beyond all measure leave no curvature to judge by.
            nothing = np.zeros(found.mean.shape)
            return _Solved(-np.inf, nothing, nothing, none, none)
        freedom = cost.n + SCALE_FREEDOM
        scale = max((SCALE_FREEDOM + found.rest) / freedom, 1e-12)
        value = -0.5 * freedom * float(np.log(scale)) - 0.5 * log
        value += 0.5 * float(np.log(solver.slab).sum())
        # A Cauchy slab in place of the normal one for the effects, as for all coefficients.
        b = found.effects
        normal = -0.5 * b**2 / EFFECT_SD**2 - np.log(EFFECT_SD) - 0.5 * np.log(2.0 * np.pi)
        value += log_slab(np.full(b.size, EFFECT_SD**-2.0), b) - float(normal.sum())
        sd = np.sqrt(np.maximum(found.effects_variance, 0.0) * scale)
        return _Solved(value, found.mean / np.sqrt(scale), found.variance, b, sd)


class _Integrated(NamedTuple):
    """What is left of a cost once everything is integrated out at given omegas.

    The determinant is of all that was integrated out, NaN where it is not positive; variances
    are those under noise of the scale one.
    """

    rest: float
    log_determinant: float
    mean: Array
    variance: Array
    effects: Array
    effects_variance: Array


class _LocalFirst:
    """Integrates deviations out, trajectory by trajectory, then what is shared.

    Shared parameters are free coefficients, effects, then coefficients that are known.

    Parameters
    ----------
    cost : Quadratic
    slab : (q,) array
        Precision of free coefficients and effects.
    known : array
        Values of the coefficients that are known.
    n_effect : int
    """

    def __init__(self, cost: Quadratic, slab: Array, known: Array, n_effect: int) -> None:
        self.cost, self.slab, self.known, self.n_effect = cost, slab, known, n_effect

    def at(self, omega: Array) -> _Integrated:
        """Integrate at given omegas."""
        cost, known, q = self.cost, self.known, self.slab.size
        h_x = cost.h_x + np.diag(omega**-2.0)
        inverse = inverse_scaled(h_x)
        slope = inverse @ np.swapaxes(cost.cross, 1, 2)
        apart = (inverse @ cost.g_x[..., None])[..., 0]
        flat = slope.reshape(-1, slope.shape[2])
        tie = np.swapaxes(cost.cross, 1, 2).reshape(flat.shape)
        h_all, g_all = cost.h_w - tie.T @ flat, cost.g_w - flat.T @ cost.g_x.ravel()
        sign_x, log_x = log_determinant(h_x)
        g = g_all[:q] - h_all[:q, q:] @ known
        h = h_all[:q, :q] + np.diag(self.slab)
        sign, log_h = log_determinant(h)
        covariance = inverse_scaled(h)
        best = covariance @ g
        rest = cost.c - float((cost.g_x * apart).sum() + g @ best)
        rest += float(known @ h_all[q:, q:] @ known - 2.0 * g_all[q:] @ known)
        mean = apart - slope @ np.concatenate([best, known])
        own = flat[:, :q]
        spread = ((own @ covariance) * own).sum(axis=1).reshape(apart.shape)
        positive = sign > 0 and (sign_x > 0).all()
        first = q - self.n_effect
        return _Integrated(
            rest,
            float(log_x.sum() + log_h) if positive else np.nan,
            mean,
            np.einsum("rll->rl", inverse) + spread,
            best[first:],
            np.diag(covariance)[first:],
        )


class _SharedFirst(_LocalFirst):
    """Integrates what is shared out once, then deviations, where these are the fewer."""

    def __init__(self, cost: Quadratic, slab: Array, known: Array, n_effect: int) -> None:
        super().__init__(cost, slab, known, n_effect)
        (n, v), q = cost.g_x.shape, slab.size
        h = cost.h_w[:q, :q] + np.diag(slab)
        self.sign, self.log_h = log_determinant(h)
        self.covariance = inverse_scaled(h)
        tie = np.swapaxes(cost.cross[:, :q], 0, 1).reshape(q, n * v)
        self.slope = self.covariance @ tie
        self.matrix = -tie.T @ self.slope
        place = np.arange(n * v).reshape(n, v)
        self.matrix[place[:, :, None], place[:, None, :]] += cost.h_x
        g = cost.g_w[:q] - cost.h_w[:q, q:] @ known
        self.best = self.covariance @ g
        g_x = cost.g_x - np.einsum("rkv,k->rv", cost.cross[:, q:], known)
        self.vector = g_x.ravel() - tie.T @ self.best
        self.rest = float(cost.c + known @ cost.h_w[q:, q:] @ known - 2.0 * cost.g_w[q:] @ known)
        self.rest -= float(g @ self.best)

    def at(self, omega: Array) -> _Integrated:
        """Integrate at given omegas."""
        n, v = self.cost.g_x.shape
        matrix = self.matrix + np.diag(np.tile(omega**-2.0, n))
        sign, log_m = log_determinant(matrix)
        inverse = inverse_scaled(matrix)
        mean = inverse @ self.vector
        first = self.slab.size - self.n_effect
        own = self.slope[first:]
        spread = ((own @ inverse) * own).sum(axis=1)
        return _Integrated(
            self.rest - float(self.vector @ mean),
            float(self.log_h + log_m) if self.sign > 0 and sign > 0 else np.nan,
            mean.reshape(n, v),
            np.diag(inverse).reshape(n, v),
            self.best[first:] - own @ mean,
            np.diag(self.covariance)[first:] + spread,
        )

"""Which coefficients vary, judged on a quadratic cost: a linear mixed model in plain arrays.

Around a fit the cost is quadratic in what is shared (coefficients, effects) and what is local
(initial states, deviations of every coefficient that might vary).  For any choice of deviations
and effects the local part is integrated out trajectory by trajectory (Laird and Ware 1982,
Biometrics 38, 963, eq. 3.3), so hundreds of choices cost as much as one simulation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinlab.kernels import OK, Initial, normal_equations

from .frame import Frame, Point
from .noise import Noise
from .scaled import inverse_scaled, log_determinant
from .steps import FIT_TOLERANCE, SCALE_FREEDOM, log_slab
from .varying import EFFECT_SD, Varying

Array = NDArray[np.float64]

#: Prior of omega: log-normal, its median and the sd of its logarithm.
OMEGA_MEDIAN, OMEGA_SPREAD = 0.3, 1.0
OMEGA_RANGE = (5e-3, 3.0)
ROUNDS, SETTLED = 40, 1e-3


@dataclass(frozen=True)
class Quadratic:
    """``cost = c - 2 g.p + p'H p`` of the data alone, in blocks, around zero.

    Attributes
    ----------
    c : float
    h_w (q, q), g_w (q,), h_x (n, l, l), g_x (n, l), cross (n, q, l) : arrays
    n : float
        Information of the data less initial states.
    """

    c: float
    h_w: Array
    g_w: Array
    h_x: Array
    g_x: Array
    cross: Array
    n: float


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
class _Reduced:
    """``cost = c - 2 g.p + p'h p`` of what is shared; deviations are ``apart - slope p``."""

    h: Array
    g: Array
    c: float
    occam: float
    apart: Array
    slope: Array
    variance: Array


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
        d = frame.problem.n_state
        self.d, self.k, self.cost = d, len(point.columns), cost
        self.slab = frame.precision[point.columns]
        self.held = frame.prior.held[point.columns]
        self.known = np.where(self.held, frame.prior.lower[point.columns], 0.0)
        self.mean = frame.initial_prior.mean[:, :d]
        self.precision = frame.initial_prior.precision[:, :d]
        self.place = {e: i for i, e in enumerate(order)}
        self.last: tuple[tuple[tuple[int, ...], bytes], _Reduced] | None = None
        self.met: dict[tuple[tuple[int, ...], tuple[int, ...]], Choice] = {}

    def choice(self, slots: tuple[int, ...], effects: tuple[int, ...]) -> Choice:
        """Evidence of deviations in some slots and some of the candidate effects."""
        key = tuple(sorted(slots)), tuple(sorted(effects))
        if key not in self.met:
            self.met[key] = self._best(*key)
        return self.met[key]

    def _best(self, slots: tuple[int, ...], effects: tuple[int, ...]) -> Choice:
        """Raise the evidence by MacKay's updates (1992, Neural Comput. 4, 415, eq. 4.8)."""
        omega = np.full(len(slots), OMEGA_MEDIAN)
        for _ in range(ROUNDS if slots else 0):
            _, mean, variance, _, _ = self._solve(slots, effects, omega)
            kept = np.clip(1.0 - variance / omega**2, 1e-6, 1.0)
            new = np.sqrt((mean**2).sum(axis=0) / kept.sum(axis=0))
            new = np.clip(new, *OMEGA_RANGE)
            settled = np.allclose(new, omega, rtol=SETTLED)
            omega = new
            if settled:
                break
        value, _, variance, b, sd = self._solve(slots, effects, omega)
        kept = np.clip(1.0 - variance / omega**2, 0.0, 1.0)
        information = 2.0 * (kept**2).sum(axis=0) + OMEGA_SPREAD**-2.0
        away = np.log(omega / OMEGA_MEDIAN) / OMEGA_SPREAD
        value += float((-0.5 * away**2 - np.log(OMEGA_SPREAD) - 0.5 * np.log(information)).sum())
        return Choice(value, omega, information**-0.5, b, sd)

    def _reduced(self, slots: tuple[int, ...], omega: Array) -> _Reduced:
        """All shared parameters' cost with what is local integrated out."""
        key = slots, omega.tobytes()
        if self.last is None or self.last[0] != key:
            self.last = key, self._reduce(slots, omega)
        return self.last[1]

    def _reduce(self, slots: tuple[int, ...], omega: Array) -> _Reduced:
        cost, d, n = self.cost, self.d, len(self.mean)
        local = np.array([*range(d), *(d + s for s in slots)], np.int64)
        precision = np.hstack([self.precision, np.tile(omega**-2.0, (n, 1))])
        pull = np.hstack([self.precision * self.mean, np.zeros((n, len(slots)))])
        g_x = cost.g_x[:, local] + pull
        h_x = cost.h_x[:, local[:, None], local] + precision[:, :, None] * np.eye(local.size)
        inverse, cross = inverse_scaled(h_x), cost.cross[:, :, local]
        slope = np.einsum("rlm,rkm->rlk", inverse, cross)
        apart = np.einsum("rlm,rm->rl", inverse, g_x)
        occam = float(log_determinant(h_x)[1].sum() - np.log(precision).sum())
        return _Reduced(
            cost.h_w - np.einsum("rkl,rlm->km", cross, slope),
            cost.g_w - np.einsum("rlk,rl->k", slope, g_x),
            float(cost.c + (self.precision * self.mean**2).sum() - (g_x * apart).sum()),
            occam,
            apart[:, d:],
            slope[:, d:],
            np.einsum("rll->rl", inverse)[:, d:],
        )

    def _solve(
        self, slots: tuple[int, ...], effects: tuple[int, ...], omega: Array
    ) -> tuple[float, Array, Array, Array, Array]:
        """Log marginal likelihood at given omegas; deviations and effects with their spread."""
        own = self._reduced(slots, omega)
        free, held = np.nonzero(~self.held)[0], np.nonzero(self.held)[0]
        shared = np.array([*free, *(self.k + self.place[e] for e in effects)], np.int64)
        known = self.known[held]
        g = own.g[shared] - own.h[np.ix_(shared, held)] @ known
        apart = own.c + known @ own.h[np.ix_(held, held)] @ known - 2.0 * own.g[held] @ known
        slab = np.concatenate([self.slab[free], np.full(len(effects), EFFECT_SD**-2.0)])
        h = own.h[np.ix_(shared, shared)] + np.diag(slab)
        covariance = inverse_scaled(h)
        best = covariance @ g
        rest = float(apart - g @ best)
        freedom = self.cost.n + SCALE_FREEDOM
        scale = max((SCALE_FREEDOM + rest) / freedom, 1e-12)
        value = -0.5 * freedom * float(np.log(scale)) - 0.5 * own.occam
        value -= 0.5 * float(log_determinant(h)[1] - np.log(slab).sum())
        # A Cauchy slab in place of the normal one for the effects, as for all coefficients.
        b = best[free.size :]
        normal = -0.5 * b**2 / EFFECT_SD**2 - np.log(EFFECT_SD) - 0.5 * np.log(2.0 * np.pi)
        value += log_slab(np.full(b.size, EFFECT_SD**-2.0), b) - float(normal.sum())
        slope = own.slope[:, :, shared]
        mean = own.apart - slope @ best - own.slope[:, :, held] @ known
        variance = own.variance + np.einsum("rlk,km,rlm->rl", slope, covariance, slope)
        sd = np.sqrt(np.maximum(np.diag(covariance), 0.0) * scale)
        return float(value), mean / np.sqrt(scale), variance, b, sd[free.size :]

"""One start of the search: nudged continuation from the smooth to the free-running model.

At each nudging rate kappa the model is polished, linearised in all columns, and a new support is
selected; it is accepted if its penalised cost falls.  A guard refuses a kappa at which the fit
breaks away from the data, and inserts a smaller step instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .noise import Noise
from .problem import Problem
from .result import Gram
from .smoothing import Smooth
from .steps import (
    SCALE_FREEDOM,
    SCALE_FREEDOM_NUDGED,
    Fit,
    Frame,
    Point,
    Supports,
    conditional,
    linearise,
    n_parameters,
    polish_point,
    select,
)

Array = NDArray[np.float64]

#: Stages of one start; it is given up as soon as what is left to do would take more.
MAX_TRIES = 20
MAX_FREE_LOOPS = 5
POLISH_ITERATIONS = 10
#: Supports of each stage's posterior kept for the re-scoring.
MET_EACH_STAGE = 4
#: How often a model whose support stands still is let free before its time.
LEAPS = 1
#: Chi-square per point below which a model explains the data: only then are corners cut.  What
#: leaves more unexplained converges slowly, and has more to meet on the way.
EXPLAINED = 1.5
#: Bounds of the first nudging rate times the duration.
FIRST_KAPPA = (8.0, 150.0)
LAST_KAPPA = 0.6
KAPPA_RATIO = 2.5

#: Called before every kernel call with (words, kappa, chi2 per point or None, point or None).
Tick = Callable[[str, float, float | None, Point | None], None]


@dataclass(frozen=True)
class Outcome:
    """Where one start ended.

    Attributes
    ----------
    fit : Fit
    noise : Noise
    gram : Gram
        Linearisation at the last accepted kappa.
    supports : Supports
        Selection there.
    chi2_per_point : float
    kappa : float
        0 if the free-running model was reached.
    met : tuple of Point
        The best supports of every stage on the way, to be weighed when all starts have ended: a
        support that a later stage lost may be the right one.
    """

    frame: Frame
    fit: Fit
    noise: Noise
    gram: Gram
    supports: Supports
    chi2_per_point: float
    kappa: float
    met: tuple[Point, ...]


def kappa_schedule(problem: Problem, smooth: Smooth) -> list[float]:
    """Falling nudging rates: from following the fastest wiggle to a gentle pull."""
    first = np.clip(3.0 * problem.duration / smooth.length.min(), *FIRST_KAPPA)
    rates = [float(first)]
    while rates[-1] > LAST_KAPPA:
        rates.append(rates[-1] / KAPPA_RATIO)
    return [rate / problem.duration for rate in rates]


def run_start(
    frame: Frame,
    noise: Noise,
    start: Array,
    kappas: Sequence[float],
    seed: int,
    tick: Tick,
) -> Outcome | None:
    """Follow one schedule from the weak-form start.

    Parameters
    ----------
    frame : Frame
    noise : Noise
        Noise to begin with; it is re-estimated at kappa = 0.
    start : (n_column,) array
        Coefficients to begin with.
    kappas : sequence of float
        Falling nudging rates.
    seed : int
    tick : callable
        Told of every accepted stage; may raise ``Cancelled``.

    Returns
    -------
    Outcome or None
        None if no kappa could be fitted.
    """
    climb = Climb(frame, noise, seed, tick, start)
    if climb.follow(kappas) and climb.kappa > 0.0:
        climb.run_free()
    return climb.outcome()


class Climb:
    """State of one continuation: the accepted fit and how far it has come."""

    def __init__(self, frame: Frame, noise: Noise, seed: int, tick: Tick, start: Array) -> None:
        self.frame, self.noise, self.seed, self.tick = frame, noise, seed, tick
        columns = np.nonzero(start)[0].astype(np.int64)
        self.point = Point(columns, start[columns], frame.smooth.mean[:, 0, :].copy())
        self.fit: Fit | None = None
        self.gram: Gram | None = None
        self.supports: Supports | None = None
        self.kappa, self.chi2, self.level = np.inf, np.inf, np.nan
        self.still = False
        self.met: dict[bytes, Point] = {}

    def stand(self, fit: Fit) -> None:
        """Begin at a fit that runs free already."""
        n = max(float((self.frame.problem.count > 0).sum()), 1.0)
        self.point, self.fit, self.kappa, self.chi2 = fit, fit, 0.0, fit.cost / n
        self.level = float(np.clip(self.chi2, 0.7, 3.0))

    def follow(self, kappas: Sequence[float]) -> bool:
        """Go down falling nudging rates, by smaller steps where needed; whether all succeeded.

        Where the support of a model that explains the data stands still it is let free at once;
        only if it breaks away are the other rates gone through.
        """
        queue, tries, leaps = list(kappas), 0, LEAPS
        while queue and tries + len(queue) <= MAX_TRIES:
            tries += 1
            if self.try_kappa(queue[0]):
                queue.pop(0)
                if self.still and self.chi2 < EXPLAINED and queue and leaps:
                    leaps -= 1
                    if self.run_free():
                        return True
            elif self.fit is None:
                # Nothing fitted yet: pull harder.
                queue.insert(0, 2.0 * queue[0])
                if len(queue) > len(kappas) + 6:
                    return False
            else:
                middle = float(np.sqrt(queue[0] * self.kappa))
                if self.kappa < 1.08 * middle:
                    return False
                queue.insert(0, middle)
        return not queue

    def try_kappa(self, kappa: float) -> bool:
        """Fit at one nudging rate; accept unless the fit breaks away from the data."""
        self.tick(f"Nudging {kappa * self.frame.problem.duration:.2g}", kappa, None, None)
        stage = self.stage(kappa)
        if stage is None:
            return False
        fit, gram, supports, chi2, self.still = stage
        if self.fit is not None and not chi2 < 1.5 * self.level + 0.3:
            return False
        self.accept(kappa, fit, gram, supports, chi2)
        self.level = 1.0 if np.isnan(self.level) else float(np.clip(chi2, 0.7, 3.0))
        return True

    def accept(self, kappa: float, fit: Fit, gram: Gram, supports: Supports, chi2: float) -> None:
        """Make a stage the current one and tell about it."""
        self.point, self.fit, self.gram, self.supports = fit, fit, gram, supports
        self.kappa, self.chi2 = kappa, chi2
        misfit = f"{chi2:.2f}" if chi2 < 100.0 else "over 100"
        words = f"{len(fit.columns)} terms, chi-square per point {misfit}"
        self.tick(words, kappa, chi2, fit)

    def stage(self, kappa: float) -> tuple[Fit, Gram, Supports, float, bool] | None:
        """Polish, linearise, select, polish the newcomer; (…, chi2 per point, unchanged)."""
        frame, old = self.frame, self.fit
        if old is not None:
            old = polish_point(
                frame,
                self.point,
                self.noise,
                kappa,
                POLISH_ITERATIONS,
                roughly=self.chi2 < EXPLAINED,
            )
            if old is None:
                return None
        base: Point = old if old is not None else self.point
        gram = linearise(frame, base, self.noise, kappa)
        if gram is None:
            return None
        supports = select(
            gram,
            frame.precision,
            frame.prior,
            base.columns if old is not None else np.nonzero(frame.prior.required)[0],
            freedom=SCALE_FREEDOM_NUDGED if kappa > 0 else SCALE_FREEDOM,
            n_steps=frame.mcmc_steps,
            seed=self.seed,
        )
        if not supports.columns:
            return None
        for columns in supports.columns[:MET_EACH_STAGE]:
            mean, _ = conditional(gram, frame.precision, columns)
            # The last stage that met a support gives the better start.
            self.met[columns.tobytes()] = Point(columns, mean, base.initial)
        best = supports.columns[0]
        n = max(gram.n, 1.0)
        if old is not None and np.array_equal(best, old.columns):
            return old, gram, supports, old.cost / n, True
        self.tick("", kappa, None, None)
        mean, _ = conditional(gram, frame.precision, best)
        new = polish_point(
            frame, Point(best, mean, base.initial), self.noise, kappa, POLISH_ITERATIONS,
            roughly=self.chi2 < EXPLAINED,
        )  # fmt: skip
        if old is None:
            return None if new is None else (new, gram, supports, new.cost / n, False)
        if new is not None and self.penalised(new, n) < self.penalised(old, n):
            return new, gram, supports, new.cost / n, False
        return old, gram, supports, old.cost / n, True

    def rating(self) -> float:
        """Penalised cost where it stands."""
        assert self.fit is not None and self.gram is not None
        return self.penalised(self.fit, max(self.gram.n, 1.0))

    def penalised(self, fit: Fit, n: float) -> float:
        """Cost plus a price per term (extended BIC; Chen and Chen 2008, eq. 1, gamma = 1)."""
        price = np.log(n) + 2.0 * np.log(self.frame.problem.n_column)
        return (
            fit.cost
            + len(fit.columns) * price
            - 2.0 * self.frame.prior.search_odds[fit.columns].sum()
        )

    def run_free(self) -> bool:
        """At kappa = 0: repeat, re-estimating the noise, until the support stands still.

        Returns whether the model ran free at all.
        """
        for _ in range(MAX_FREE_LOOPS):
            self.tick("Free-running model", 0.0, None, None)
            stage = self.stage(0.0)
            if stage is None or stage[3] > 1.5 * max(self.level, 1.0) + 0.5:
                break
            fit, gram, supports, chi2, unchanged = stage
            self.accept(0.0, fit, gram, supports, chi2)
            before = self.noise.sd
            n = n_parameters(self.frame, fit)
            self.noise = self.noise.estimate(self.frame.problem, fit.x, n)
            self.level = 1.0
            if unchanged and np.allclose(self.noise.sd, before, rtol=0.02):
                break
        return self.kappa == 0.0

    def outcome(self) -> Outcome | None:
        """The accepted end of this start; None if no stage was accepted."""
        if self.fit is None or self.gram is None or self.supports is None:
            return None
        return Outcome(
            self.frame, self.fit, self.noise, self.gram, self.supports, self.chi2, self.kappa,
            tuple(self.met.values()),
        )  # fmt: skip

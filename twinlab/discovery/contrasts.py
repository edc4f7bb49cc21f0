"""Coefficients with a value of their own in one condition, sought together with the structure.

One fit for all conditions bends the structure until it describes the odd one too: terms are
invented.  So the regression around a model is given, beside all columns of the library, one more
column for each coefficient of the model in each condition, and supports are selected over both;
what looks best there is fitted and weighed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .covariates import Candidate
from .families import families_of
from .frame import Columns, Frame, Point
from .noise import Noise
from .search import Weighed, weigh
from .steps import SCALE_FREEDOM, conditional, inverse_scaled, linearise_everywhere, select
from .varying import EFFECT_SD, NORMAL90, Effect, Variation, Varying, VaryingEffect

Array = NDArray[np.float64]

#: Prior log-odds of any contrast at all, spread over the candidates.
CONTRAST = -1.0
#: Rounds of the search, and supports that are fitted in each.
ROUNDS, FITTED = 6, 8
#: A column of the library and a place among the candidates.
Contrast = tuple[int, int]


@dataclass(frozen=True)
class Contrasted:
    """A model with contrasts, weighed; `score` is its evidence with their prior odds."""

    contrasts: tuple[Contrast, ...]
    frame: Frame
    model: Weighed
    score: float


class ContrastSearch:
    """Models with contrasts met so far.

    Parameters
    ----------
    frame : Frame
        Under which nothing varies.
    made : sequence of Candidate
        Conditions.
    terms : (n_column,) bool array
        Columns that may have contrasts.
    seed : int
    check : callable
        Called before every fit; may raise ``Cancelled``.
    """

    def __init__(
        self,
        frame: Frame,
        made: Sequence[Candidate],
        terms: NDArray[np.bool_],
        seed: int,
        check: Callable[[], None],
    ) -> None:
        self.plain, self.made, self.terms = frame, made, terms
        self.seed, self.check = seed, check
        self.families = families_of(frame.problem.library)
        self.met: dict[tuple[bytes, tuple[Contrast, ...]], Contrasted | None] = {}

    def best(self, start: Weighed) -> Contrasted:
        """The best model with contrasts around a plain one; it may have none."""
        current = Contrasted((), self.plain, start, start.evidence)
        self.met[start.fit.columns.tobytes(), ()] = current
        for round_ in range(ROUNDS):
            trials = [self.weighed(*trial) for trial in self._proposed(current, round_)]
            better = max((t for t in trials if t is not None), key=_score, default=current)
            if not better.score > current.score:
                return current
            current = better
        return current

    def odds(self, columns: Columns) -> float:
        """Prior log-odds of one contrast of a model."""
        n = max(int(self.terms[columns].sum()), 1) * len(self.made)
        return CONTRAST - float(np.log(n))

    def frame(self, contrasts: Sequence[Contrast], size: Array) -> Frame:
        """The frame with some contrasts."""
        return self.plain.with_varying(self._varying(contrasts, size)) if contrasts else self.plain

    def _varying(self, contrasts: Sequence[Contrast], size: Array) -> Varying:
        columns = list(dict.fromkeys(c for c, _ in contrasts))
        slot = np.full(self.plain.problem.n_column, -1, np.int64)
        for v, column in enumerate(columns):
            slot[column] = v
            for family in self.families:
                if column in family.columns:
                    slot[list(family.columns)] = v
        effects = tuple(
            Effect(int(slot[c]), self.made[j].kind, self.made[j].name, self.made[j].value)
            for c, j in contrasts
        )
        return Varying(slot, len(columns), np.zeros(0), effects, size)

    def weighed(
        self, point: Point, noise: Noise, contrasts: tuple[Contrast, ...]
    ) -> Contrasted | None:
        """Fit and weigh a model with contrasts, once; `point` holds their sizes."""
        key = point.columns.tobytes(), contrasts
        if key not in self.met:
            self.check()
            frame = self.frame(contrasts, point.effects)
            model = weigh(frame, point, noise)
            self.met[key] = None
            if model is not None:
                score = model.evidence + self.odds(point.columns) * len(contrasts)
                self.met[key] = Contrasted(contrasts, frame, model, score)
        return self.met[key]

    def _proposed(
        self, current: Contrasted, round_: int
    ) -> list[tuple[Point, Noise, tuple[Contrast, ...]]]:
        """Supports over columns and contrasts by the regression around a model."""
        fit, noise, plain = current.model.fit, current.model.noise, self.plain
        own = fit.columns[self.terms[fit.columns] & ~plain.prior.held[fit.columns]]
        # The first of a family stands for all of it.
        alike = {c: tuple(f.columns) for f in self.families for c in f.columns}
        first = {alike.get(int(c), (int(c),)): int(c) for c in own[::-1]}
        every = [(c, j) for c in sorted(first.values()) for j in range(len(self.made))]
        order = [*current.contrasts, *(x for x in every if x not in current.contrasts)]
        if not order:
            return []
        # The same slots for the model as for the candidates: those without contrasts are idle.
        varying = self._varying(order, np.zeros(len(order)))
        chosen = len(current.contrasts)
        now = Varying(
            varying.slot, varying.n_slot, np.zeros(0), varying.effects[:chosen], fit.effects
        )
        gram = linearise_everywhere(plain.with_varying(now), fit, noise, 0.0, varying)
        if gram is None:
            return []
        n, m = plain.problem.n_column, len(order)
        none = np.zeros(m, bool)
        prior = plain.prior._replace(
            log_odds=np.append(plain.prior.log_odds, np.zeros(m)),
            spread=np.append(plain.prior.spread, np.zeros(m)),
            required=np.append(plain.prior.required, none),
            excluded=np.append(plain.prior.excluded, none),
            sign=np.append(plain.prior.sign, np.zeros(m, np.int64)),
            lower=np.append(plain.prior.lower, np.full(m, -np.inf)),
            upper=np.append(plain.prior.upper, np.full(m, np.inf)),
        )
        precision = np.append(plain.precision, np.full(m, EFFECT_SD**-2.0))
        supports = select(
            gram, precision, prior, np.append(fit.columns, n + np.arange(chosen)),
            freedom=SCALE_FREEDOM, n_steps=plain.mcmc_steps, seed=self.seed + 277 + round_,
        )  # fmt: skip
        out: dict[object, tuple[Point, Noise, tuple[Contrast, ...]]] = {}
        for support in supports.columns[: 4 * FITTED]:
            columns = support[support < n]
            acting = [i for i in support[support >= n] - n if order[i][0] in columns]
            contrasts = tuple(sorted(order[i] for i in acting))
            key = columns.tobytes(), contrasts
            if not contrasts or key in self.met or key in out or len(out) >= FITTED:
                continue
            mean, _ = conditional(gram, precision, support)
            sizes = {order[i]: mean[np.searchsorted(support, n + i)] for i in acting}
            effects = np.clip([sizes[c] for c in contrasts], -1.5, 1.5)
            point = Point(columns, mean[: columns.size], fit.initial, effects=effects)
            out[key] = point, noise, contrasts
        return list(out.values())

    def variation(self, found: Contrasted) -> Variation:
        """What was found, in numbers for people."""
        library, fit = self.plain.problem.library, found.model.fit
        covariance = inverse_scaled(fit.schur)
        m = len(found.contrasts)
        sd = np.sqrt(np.maximum(np.diag(covariance)[len(covariance) - m :], 0.0))
        effects = []
        for j, (column, _) in enumerate(found.contrasts):
            rest = tuple(c for c in found.contrasts if c != found.contrasts[j])
            point = Point(
                fit.columns, fit.coefficients, fit.initial, effects=np.delete(fit.effects, j)
            )
            without = self.weighed(point, found.model.noise, rest)
            gain = 50.0 if without is None else found.score - without.score
            size = float(fit.effects[j])
            effects.append(
                VaryingEffect(
                    column,
                    library.column_label(column),
                    j,
                    size,
                    size + NORMAL90 * sd[j] * np.array([-1.0, 1.0]),
                    float(1.0 / (1.0 + np.exp(-np.clip(gain, -500.0, 500.0)))),
                )
            )
        free = fit.columns[self.terms[fit.columns]]
        tested = tuple(library.column_label(int(c)) for c in free)
        return Variation("condition", tested, (), tuple(effects))


def _score(model: Contrasted) -> float:
    return model.score

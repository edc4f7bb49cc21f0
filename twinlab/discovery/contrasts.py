"""Coefficients with a value of their own in one condition, sought together with the structure.

One fit for all conditions bends the structure until it describes the odd one too: terms are
invented.  So the regression around a model is given, beside all columns of the library, one more
column for each coefficient of the model in each condition, and supports are selected over both;
what looks best there is fitted and weighed.  Where a coefficient falls far, that it is off there
(zero, which no factor reaches) is weighed too: it costs prior odds, and no parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .covariates import candidates_of
from .families import families_of
from .frame import Columns, Frame, Point
from .measured import told_apart
from .noise import Noise
from .search import Weighed, weigh
from .steps import (
    SCALE_FREEDOM,
    Supports,
    conditional,
    inverse_scaled,
    linearise_everywhere,
    select,
)
from .switching import Begun, conditions_of, varying_of, widened
from .varying import EFFECT_SD, NORMAL90, SwitchedOff, Variation, Varying, VaryingEffect

Array = NDArray[np.float64]

#: Prior log-odds of any contrast at all, spread over the candidates.
CONTRAST = -1.0
#: Rounds of the search, and supports that are fitted in each.
ROUNDS, FITTED = 6, 8
#: Nats behind the plain model, from which on what was begun with is not looked around.
BEHIND = 5.0
#: Nats by which a support may be worse than the model around which the regression has it, and is
#: yet fitted: on three data sets in which nothing varies it was wrong by 3 at most.
UNPROMISING = 4.0
#: Log factor below which a coefficient may be off altogether: as the regression around a model in
#: which it is not says, and as fitted.
FALLEN, NOTHING = -0.6, -2.0
#: A column of the library and a place among the candidates, or among the conditions.
Contrast = tuple[int, int]
Contrasts = tuple[Contrast, ...]
Trial = tuple[Point, Noise, Contrasts, Contrasts]


@dataclass(frozen=True)
class Contrasted:
    """A model with contrasts, weighed; `score` is its evidence with their prior odds."""

    contrasts: Contrasts
    off: Contrasts
    frame: Frame
    model: Weighed
    score: float


class ContrastSearch:
    """Models with contrasts met so far.

    Parameters
    ----------
    frame : Frame
        Under which nothing varies.
    terms : (n_column,) bool array
        Columns that may have contrasts.
    seed : int
    check : callable
        Called before every fit; may raise ``Cancelled``.
    """

    def __init__(
        self,
        frame: Frame,
        terms: NDArray[np.bool_],
        seed: int,
        check: Callable[[], None],
    ) -> None:
        self.plain, self.terms = frame, terms
        self.made = candidates_of(frame.problem.study, True, ())
        self.conditions = conditions_of(frame.problem.study)
        own = np.array([made.value for made in self.made])
        self.told = told_apart(frame.problem.study, frame.problem.library, own)
        self.seed, self.check = seed, check
        # The first of a family stands for all of it.
        families = families_of(frame.problem.library)
        self.alike = {c: tuple(f.columns) for f in families for c in f.columns}
        self.met: dict[tuple[bytes, Contrasts, Contrasts], Contrasted | None] = {}

    def best(
        self, start: Weighed, begun: Sequence[Begun] = (), plainly: bool = False
    ) -> Contrasted:
        """The best model with contrasts around a plain one and the best begun; it may have none.

        Where those in which something is off are `plainly` better, around them alone.
        """
        plain = Contrasted((), (), self.plain, start, start.evidence)
        self.met[start.fit.columns.tobytes(), (), ()] = plain
        others = [self.weighed(*self._begun(b)) for b in begun]
        other = max((o for o in others if o is not None), key=_score, default=plain)
        if plainly and other is not plain:
            return self._improved(other)
        found = self._improved(plain)
        if other is plain or other.score < plain.score - BEHIND:
            return found
        return max(found, self._improved(other), key=_score)

    def _improved(self, current: Contrasted) -> Contrasted:
        """A model after rounds of proposals around it, each from the best met."""
        for round_ in range(ROUNDS):
            trials = [self.weighed(*trial) for trial in self._proposed(current, round_)]
            better = max((t for t in trials if t is not None), key=_score, default=current)
            if not better.score > current.score:
                break
            current = better
        return self._pared(current)

    def _pared(self, current: Contrasted) -> Contrasted:
        """The model without the contrasts that it does better without.

        They are weighed from its own fit: one that was met first, under the noise of a fit for all,
        may have stopped far from its optimum.
        """
        while current.contrasts:
            fewer = [self._without(current, j) for j in range(len(current.contrasts))]
            better = max((f for f in fewer if f is not None), key=_score, default=current)
            if not better.score > current.score:
                break
            current = better
        return current

    def _without(self, found: Contrasted, j: int) -> Contrasted | None:
        """A model with one contrast less, weighed from where it stands."""
        fit = found.model.fit
        rest = tuple(c for c in found.contrasts if c != found.contrasts[j])
        point = replace(fit, effects=np.delete(fit.effects, j))
        return self.weighed(point, found.model.noise, rest, found.off, again=True)

    def odds(self, columns: Columns) -> float:
        """Prior log-odds of one contrast of a model."""
        n = max(int(self.terms[columns].sum()), 1) * len(self.made)
        return CONTRAST - float(np.log(n))

    def frame(self, contrasts: Sequence[Contrast], size: Array, off: Sequence[Contrast]) -> Frame:
        """The frame with some contrasts, and some coefficients off."""
        if not contrasts and not off:
            return self.plain
        return self.plain.with_varying(self._varying(contrasts, size, off))

    def _varying(
        self, contrasts: Sequence[Contrast], size: Array, off: Sequence[Contrast]
    ) -> Varying:
        own = [(c, self.made[j]) for c, j in contrasts]
        return varying_of(self.plain, own, size, [(c, self.conditions[j]) for c, j in off])

    def _begun(self, begun: Begun) -> Trial:
        place = {condition.name: j for j, condition in enumerate(self.conditions)}
        fit = begun.model.fit
        off = self.acting([(c, place[name]) for c, name in begun.off], fit.columns)
        return fit, begun.model.noise, (), off

    def acting(self, off: Iterable[Contrast], columns: Columns) -> Contrasts:
        """What is off among the columns of a model, each family by its first one there."""
        own: set[int] = set(columns.tolist())
        out: set[Contrast] = set()
        for c, j in off:
            here = [a for a in self.alike.get(c, (c,)) if a in own]
            out |= {(min(here), j)} if here else set()
        return tuple(sorted(out))

    def weighed(
        self,
        point: Point,
        noise: Noise,
        contrasts: Contrasts,
        off: Contrasts = (),
        again: bool = False,
    ) -> Contrasted | None:
        """Fit and weigh a model with contrasts; `point` holds their sizes.

        Once, unless it is asked for `again`: then the better of both answers counts.
        """
        key = point.columns.tobytes(), contrasts, off
        if key not in self.met or again:
            self.check()
            frame = self.frame(contrasts, point.effects, off)
            model, before = weigh(frame, point, noise), self.met.get(key)
            if model is not None:
                prior = self.odds(point.columns) * (len(contrasts) + len(off))
                new = Contrasted(contrasts, off, frame, model, model.evidence + prior)
                before = new if before is None else max(before, new, key=_score)
            self.met[key] = before
        return self.met[key]

    def _switched(self, current: Contrasted) -> list[Trial]:
        """The model with one coefficient less that is off, or all off that are next to nothing."""
        fit, noise = current.model.fit, current.model.noise
        fewer = (tuple(o for o in current.off if o != out) for out in current.off)
        out: list[Trial] = [(fit, noise, current.contrasts, off) for off in fewer]
        gone = fit.effects < NOTHING
        if gone.any():
            pairs = list(zip(current.contrasts, gone, strict=True))
            off = [*current.off, *((c, self._whole(j)) for (c, j), g in pairs if g)]
            kept = tuple(c for c, g in pairs if not g)
            point = replace(fit, effects=fit.effects[~gone])
            out.append((point, noise, kept, self.acting(off, fit.columns)))
        return out

    def _proposed(self, current: Contrasted, round_: int) -> list[Trial]:
        """Supports over columns and contrasts by the regression around a model."""
        fit, noise, plain = current.model.fit, current.model.noise, self.plain
        own = fit.columns[self.terms[fit.columns] & ~plain.prior.held[fit.columns]]
        first = {self.alike.get(int(c), (int(c),)): int(c) for c in own[::-1]}
        silent = {(c, self.conditions[j].name) for c, j in current.off}
        every = [
            (c, j)
            for c in sorted(first.values())
            for j in range(len(self.made))
            if self.told[j, c] and (c, self.made[j].name) not in silent
        ]
        order = [*current.contrasts, *(x for x in every if x not in current.contrasts)]
        if not order:
            return self._switched(current)
        # The same slots for the model as for the candidates: those without contrasts are idle.
        varying = self._varying(order, np.zeros(len(order)), current.off)
        chosen = len(current.contrasts)
        now = replace(varying, effects=varying.effects[:chosen], size=fit.effects)
        gram = linearise_everywhere(plain.with_varying(now), fit, noise, 0.0, varying)
        if gram is None:
            return self._switched(current)
        n, m = plain.problem.n_column, len(order)
        precision = np.append(plain.precision, np.full(m, EFFECT_SD**-2.0))
        supports = select(
            gram, precision, widened(plain.prior, m), np.append(fit.columns, n + np.arange(chosen)),
            freedom=SCALE_FREEDOM, n_steps=plain.mcmc_steps, seed=self.seed + 277 + round_,
        )  # fmt: skip
        out: dict[object, Trial] = {}
        promise = self._promise(current, supports)
        for support, gain in zip(supports.columns[: 4 * FITTED], promise, strict=False):
            if gain < -UNPROMISING:
                continue
            columns = support[support < n]
            acting = [i for i in support[support >= n] - n if order[i][0] in columns]
            contrasts = tuple(sorted(order[i] for i in acting))
            off = self.acting(current.off, columns)
            mean, _ = conditional(gram, precision, support)
            sizes = {order[i]: float(mean[np.searchsorted(support, n + i)]) for i in acting}
            fallen = [c for c in contrasts if sizes[c] < FALLEN]
            kept = tuple(c for c in contrasts if c not in fallen)
            more = self.acting((*off, *((c, self._whole(j)) for c, j in fallen)), columns)
            for some, zero in dict.fromkeys([(contrasts, off), (kept, more)]):
                key = columns.tobytes(), some, zero
                nothing = not some and not zero
                if nothing or key in self.met or key in out or len(out) >= FITTED:
                    continue
                effects = np.clip([sizes[c] for c in some], -1.5, 1.5)
                point = Point(columns, mean[: columns.size], fit.initial, effects=effects)
                out[key] = point, noise, some, zero
        return [*out.values(), *self._switched(current)]

    def _promise(self, current: Contrasted, supports: Supports) -> Array:
        """By how much the regression around a model has each support better than the model."""
        n, own = self.plain.problem.n_column, current.model.fit.columns
        odds = self.odds(own)
        value = supports.log_posterior + odds * np.array([(s >= n).sum() for s in supports.columns])
        chosen = np.append(own, n + np.arange(len(current.contrasts)))
        same = [np.array_equal(s, chosen) for s in supports.columns]
        return value - value[same] if any(same) else np.full(value.size, np.inf)

    def _whole(self, made: int) -> int:
        """Place of a candidate among the conditions."""
        return [c.name for c in self.conditions].index(self.made[made].name)

    def variation(self, found: Contrasted) -> Variation:
        """What was found, in numbers for people."""
        library, fit = self.plain.problem.library, found.model.fit
        covariance = inverse_scaled(fit.schur)
        m = len(found.contrasts)
        sd = np.sqrt(np.maximum(np.diag(covariance)[len(covariance) - m :], 0.0))
        effects = []
        for j, (column, _) in enumerate(found.contrasts):
            without = self._without(found, j)
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
        off = tuple(self._switched_off(found, place) for place in range(len(found.off)))
        return Variation("condition", tested, (), tuple(effects), off)

    def _switched_off(self, found: Contrasted, place: int) -> SwitchedOff:
        """One coefficient that is off, against it being as elsewhere, or merely smaller."""
        fit, noise, library = found.model.fit, found.model.noise, self.plain.problem.library
        column, j = found.off[place]
        rest = tuple(o for o in found.off if o != (column, j))
        others = [self.weighed(fit, noise, found.contrasts, rest)]
        made = [c.name for c in self.made]
        if self.conditions[j].name in made:
            own = column, made.index(self.conditions[j].name)
            contrasts = tuple(sorted((*found.contrasts, own)))
            size = np.insert(fit.effects, contrasts.index(own), -1.5)
            others.append(self.weighed(replace(fit, effects=size), noise, contrasts, rest))
        scores = [o.score - found.score for o in others if o is not None]
        odds = float(np.exp(np.clip(scores, -500.0, 500.0)).sum())
        return SwitchedOff(column, library.column_label(column), place, 1.0 / (1.0 + odds))


def _score(model: Contrasted) -> float:
    return model.score

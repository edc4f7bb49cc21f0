"""Coefficients that differ between conditions or patients: which, by how much, and why.

A coefficient varies only where the evidence asks for it: every deviation, every condition's own
value and every covariate has prior odds against it.  Choices are compared on the quadratic cost
around a fit (`mixed`); what is chosen is then fitted, and must raise the model's own evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .contrasts import ContrastSearch
from .covariates import Candidate, candidates_of
from .families import families_of
from .frame import Frame
from .mixed import OMEGA_MEDIAN, OMEGA_RANGE, Choice, Mixed, quadratic
from .noise import Noise
from .question import Question
from .scaled import inverse_scaled
from .search import Weighed
from .steps import Fit, log_evidence, n_parameters, polish_point
from .switching import Begun
from .varying import NORMAL90, Effect, Variation, Varying, VaryingEffect, VaryingTerm

Array = NDArray[np.float64]

#: Prior log-odds that a coefficient varies between subjects.
VARIES = -2.0
#: Prior log-odds of any effect at all, spread over the candidates.
EFFECT = -1.0
#: Models that are refitted with deviations at most, and by how many nats the promise of one may
#: lie below the best promise.
MOST_REFITTED, HOPELESS = 3, 15.0
#: A coefficient that varies by less is taken to be the same for all.
SMALLEST_TOLD = 0.02
#: Iterations of a fit between updates of its noise and its omegas.
ITERATIONS = (12, 8, 6)
#: Rounds of such updates at most, and the relative change at which they end.
ROUNDS, STANDSTILL = 25, 0.02
#: The most coefficients that are let vary at once.
MAX_SLOTS = 30


@dataclass(frozen=True)
class Varied:
    """A model with what varies in it, its fit under that, and the evidence of both."""

    frame: Frame
    fit: Fit
    noise: Noise
    variation: Variation
    evidence: float = np.nan


def find_variation(
    frame: Frame,
    best: Weighed,
    others: Sequence[Weighed],
    question: Question,
    seed: int,
    check: Callable[[], None],
    begun: Sequence[Begun] = (),
    plainly: bool = False,
) -> Varied | None:
    """What varies in a model; None where nothing does, or the data cannot say.

    Parameters
    ----------
    frame : Frame
        Under which nothing varies.
    best : Weighed
        At its optimum.
    others : sequence of Weighed
        Models that may be better than `best` once coefficients vary: one fit for all often needs
        more terms than a model whose coefficients differ between subjects.
    question : Question
    seed : int
    check : callable
        Called before every fit; may raise ``Cancelled``.
    begun : sequence of Begun
        Further models to look around where conditions are compared; around them alone where they
        are `plainly` better.
    """
    if not question.by_subject:
        search = ContrastSearch(frame, question.terms, seed, check)
        found = search.best(best, begun, plainly)
        if not found.contrasts and not found.off:
            return None
        model = found.model
        return Varied(
            found.frame, model.fit, model.noise, search.variation(found), float(found.score)
        )
    studies = [_Study(frame, model, question, check) for model in (best, *others)]
    promise = [study.promise() for study in studies]
    order = sorted(range(len(studies)), key=lambda i: -promise[i])
    worth = [i for i in order[:MOST_REFITTED] if promise[i] > promise[order[0]] - HOPELESS]
    # A promise is an extrapolation, which may be far off: the best model is always refitted.
    tried = [i for i in dict.fromkeys((*worth, 0)) if promise[i] > best.evidence]
    answers = [studies[i].by_subject() for i in tried]
    better = [a for a in answers if a is not None and a.evidence > best.evidence]
    return max(better, key=lambda a: a.evidence) if better else None


def begun_again(varied: Varied, top: Weighed) -> tuple[Begun, ...]:
    """A neighbour of what was found, to look around with the same off; none if nothing is."""
    own = varied.frame.varying.off
    off = tuple((o.column, own[o.off].name) for o in varied.variation.off)
    return (Begun(varied.frame, top, off),) if off else ()


def vary_model(
    frame: Frame, model: Weighed, question: Question, check: Callable[[], None]
) -> Varied | None:
    """What varies by subject in one model, fitted from where it stands; None if nothing does."""
    return _Study(frame, model, question, check).by_subject()


def gain(frame: Frame, best: Weighed, question: Question) -> float:
    """Nats that deviations promise around a fit without any, prior odds included.

    Judged on one linearisation: it costs no more than a step of a fit.  What the frame has off
    stays off.
    """
    return _Study(frame, best, question, lambda: None).promise() - best.evidence


class _Study:
    """One model whose coefficients each have a slot."""

    def __init__(
        self, frame: Frame, best: Weighed, question: Question, check: Callable[[], None]
    ) -> None:
        self.plain, self.best, self.question, self.check = frame, best, question, check
        columns = best.fit.columns
        free = question.terms[columns] & ~frame.prior.held[columns]
        self.slots = columns[free][:MAX_SLOTS]
        slot = np.full(frame.problem.n_column, -1, np.int64)
        slot[self.slots] = np.arange(self.slots.size)
        self.slot = slot
        own = frame.varying
        self.off = tuple(
            replace(off, slot=int(slot[c]))
            for off in own.off
            for c in self.slots
            if own.slot[c] == off.slot
        )
        made = candidates_of(frame.problem.study, question.by_condition, question.covariates)
        self.effects = tuple(
            _effect(candidate, s) for s in range(self.slots.size) for candidate in made
        )
        self.odds = EFFECT - np.log(max(len(self.effects), 1))

    def frame(self, omega: Array, effects: tuple[int, ...], size: Array) -> Frame:
        """The frame in which the first slots deviate and some effects act."""
        chosen = tuple(self.effects[e] for e in effects)
        varying = Varying(self.slot, self.slots.size, omega, chosen, size, self.off)
        return self.plain.with_varying(varying)

    def mixed(self, frame: Frame, fit: Fit, noise: Noise, order: tuple[int, ...]) -> Mixed | None:
        """Quadratic cost around a fit, with all deviations and all candidate effects."""
        # Deviations of every slot, those the frame has not at zero; its effects come first.
        omega = np.full(self.slots.size, OMEGA_MEDIAN)
        rest = [e for e in range(len(self.effects)) if e not in order]
        order = (*order, *rest)
        every = tuple(self.effects[e] for e in order)
        varying = Varying(self.slot, self.slots.size, omega, every, np.zeros(len(every)), self.off)
        known = replace(varying, effects=every[: len(order) - len(rest)])
        cost = quadratic(self.plain.with_varying(known), fit, noise, varying)
        return Mixed(self.plain, fit, cost, order) if cost is not None else None

    def promise(self) -> float:
        """Log evidence that deviations promise around the plain fit; -inf where none does."""
        mixed = self.mixed(
            self.frame(np.zeros(0), (), np.zeros(0)), self.best.fit, self.best.noise, ()
        )
        if mixed is None or not self.slots.size:
            return -np.inf
        nothing = mixed.choice((), ()).evidence
        slots: tuple[int, ...] = self._grown(mixed, ())
        if not slots:
            return -np.inf
        return self.best.evidence + self._score(mixed, slots, ()) - nothing

    def fitted(
        self, deviating: tuple[int, ...], omega: Array, effects: tuple[int, ...], size: Array
    ) -> tuple[Frame, Fit, Noise] | None:
        """Fit with some deviations and effects, noise and omegas by turns."""
        full = np.full(self.slots.size, OMEGA_RANGE[0])
        full[list(deviating)] = np.clip(omega, SMALLEST_TOLD, None)
        fit, noise = self.best.fit, self.best.noise
        frame = self.frame(full, effects, size)
        for _ in range(ROUNDS):
            self.check()
            new = polish_point(frame, fit, noise, 0.0, ITERATIONS[-1])
            if new is None:
                return None
            fit, before = new, (noise.sd, full)
            noise = noise.estimate(frame.problem, fit.x, n_parameters(frame, fit))
            if deviating:
                full = full.copy()
                full[list(deviating)] = self._updated(frame, fit, full)[list(deviating)]
                frame = self.frame(full, effects, fit.effects)
            # Noise and omegas feed each other: from a pooled fit they part slowly.
            if all(
                np.allclose(a, b, rtol=STANDSTILL)
                for a, b in zip(before, (noise.sd, full), strict=True)
            ):
                break
        return frame, polish_point(frame, fit, noise, 0.0, ITERATIONS[-1]) or fit, noise

    def _updated(self, frame: Frame, fit: Fit, omega: Array) -> Array:
        """Omegas by MacKay's update from deviations and their variances."""
        d = frame.problem.n_state
        variance = np.einsum("rll->rl", inverse_scaled(fit.h_x))[:, d:]
        kept = np.clip(1.0 - variance / omega**2, 1e-6, 1.0).sum(axis=0)
        return np.clip(np.sqrt((fit.initial[:, d:] ** 2).sum(axis=0) / kept), *OMEGA_RANGE)

    def by_subject(self) -> Varied | None:
        """Deviations by backward elimination from all, then what explains them."""
        everything = tuple(range(self.slots.size))
        state = self.fitted(everything, np.full(self.slots.size, OMEGA_MEDIAN), (), np.zeros(0))
        if state is None:
            return None
        mixed = self.mixed(*state, ())
        if mixed is None:
            return None
        deviating = self._eliminated(mixed, everything)
        if not deviating:
            return None
        chosen = mixed.choice(deviating, ())
        state = self.fitted(deviating, chosen.omega, (), np.zeros(0))
        mixed = self.mixed(*state, ()) if state is not None else None
        if state is None or mixed is None:
            return None
        deviating = self._eliminated(mixed, self._grown(mixed, deviating))
        effects = self._explained(mixed, deviating, ())
        return self._answer(deviating, effects, mixed.choice(deviating, effects), mixed)

    def _score(self, mixed: Mixed, slots: tuple[int, ...], effects: tuple[int, ...]) -> float:
        prior = VARIES * len(slots) + self.odds * len(effects)
        return mixed.choice(slots, effects).evidence + prior

    def _eliminated(self, mixed: Mixed, slots: tuple[int, ...]) -> tuple[int, ...]:
        """Take out deviations as long as that raises the score."""
        omega = mixed.choice(slots, ()).omega
        # Those that shrank to nothing go together.
        slots = tuple(s for s, o in zip(slots, omega, strict=True) if o > SMALLEST_TOLD)
        while slots:
            fewer = [tuple(s for s in slots if s != out) for out in slots]
            best = max(fewer, key=lambda trial: self._score(mixed, trial, ()))
            if self._score(mixed, best, ()) < self._score(mixed, slots, ()):
                break
            slots = best
        return slots

    def _grown(self, mixed: Mixed, slots: tuple[int, ...]) -> tuple[int, ...]:
        """Put in deviations as long as that raises the score."""
        while True:
            more = [tuple(sorted((*slots, s))) for s in range(self.slots.size) if s not in slots]
            best = max(more, key=lambda trial: self._score(mixed, trial, ()), default=slots)
            if not self._score(mixed, best, ()) > self._score(mixed, slots, ()):
                return slots
            slots = best

    def _explained(
        self, mixed: Mixed, slots: tuple[int, ...], effects: tuple[int, ...], most: int = 8
    ) -> tuple[int, ...]:
        """Add effects (on slots that deviate, where any does) while that raises the score."""
        for _ in range(most):
            more = [
                tuple(sorted((*effects, e)))
                for e, effect in enumerate(self.effects)
                if e not in effects and (not slots or effect.slot in slots)
            ]
            best = max(more, key=lambda trial: self._score(mixed, slots, trial), default=effects)
            if not self._score(mixed, slots, best) > self._score(mixed, slots, effects):
                break
            effects = best
        return effects

    def _answer(
        self, slots: tuple[int, ...], effects: tuple[int, ...], choice: Choice, mixed: Mixed
    ) -> Varied | None:
        """The frame in which just what was chosen varies, and the model's fit in it."""
        moved = sorted({*slots, *(self.effects[e].slot for e in effects)} - set(slots))
        order = (*slots, *moved)
        place = {s: i for i, s in enumerate(order)}
        slot = np.full(self.slot.size, -1, np.int64)
        families = families_of(self.plain.problem.library)
        for s, i in place.items():
            column = int(self.slots[s])
            slot[column] = i
            for family in families:
                if column in family.columns:
                    slot[list(family.columns)] = i
        chosen = tuple(replace(self.effects[e], slot=place[self.effects[e].slot]) for e in effects)
        omega = np.clip(choice.omega, SMALLEST_TOLD, None)
        varying = Varying(slot, len(order), omega, chosen, choice.effects)
        frame, fit, noise = self.plain, self.best.fit, self.best.noise
        for count in ITERATIONS:
            self.check()
            frame = self.plain.with_varying(varying)
            new = polish_point(frame, fit, noise, 0.0, count)
            if new is None:
                return None
            fit = new
            noise = noise.estimate(frame.problem, fit.x, n_parameters(frame, fit))
            varying = replace(
                varying, omega=self._updated(frame, fit, varying.omega), size=fit.effects
            )
        told = tuple(s for s, o in zip(slots, varying.omega, strict=True) if o > SMALLEST_TOLD)
        if told != slots:
            effects = tuple(e for e in effects if self.effects[e].slot in told)
            return self._answer(told, effects, mixed.choice(told, effects), mixed) if told else None
        frame = self.plain.with_varying(varying)
        fit = polish_point(frame, fit, noise, 0.0, ITERATIONS[-1]) or fit
        hyper = float(
            (np.log(choice.omega_log_sd) - 0.5 * np.log(choice.omega / OMEGA_MEDIAN) ** 2).sum()
        )
        hyper += VARIES * len(slots) + self.odds * len(effects)
        evidence = log_evidence(frame, fit, noise) + hyper
        variation = self._variation(slots, effects, varying, choice, mixed, fit)
        return Varied(frame, fit, noise, variation, evidence)

    def _variation(
        self,
        slots: tuple[int, ...],
        effects: tuple[int, ...],
        varying: Varying,
        choice: Choice,
        mixed: Mixed,
        fit: Fit,
    ) -> Variation:
        library, score = self.plain.problem.library, self._score(mixed, slots, effects)
        alone = mixed.choice(slots, ())

        def chance(gain: float) -> float:
            return float(1.0 / (1.0 + np.exp(-np.clip(gain, -500.0, 500.0))))

        terms = []
        for i, s in enumerate(slots):
            without = tuple(o for o in slots if o != s)
            column = int(self.slots[s])
            spread = np.exp(NORMAL90 * choice.omega_log_sd[i] * np.array([-1.0, 1.0]))
            explained = 1.0 - min(float((choice.omega[i] / alone.omega[i]) ** 2), 1.0)
            has = any(self.effects[e].slot == s for e in effects)
            terms.append(
                VaryingTerm(
                    column,
                    library.column_label(column),
                    float(varying.omega[i]),
                    varying.omega[i] * spread,
                    chance(score - self._score(mixed, without, effects)),
                    explained if has else 0.0,
                )
            )
        out = []
        for j, e in enumerate(effects):
            without = tuple(o for o in effects if o != e)
            column, sd = int(self.slots[self.effects[e].slot]), float(choice.effects_sd[j])
            size = float(fit.effects[j])
            out.append(
                VaryingEffect(
                    column,
                    library.column_label(column),
                    j,
                    size,
                    size + NORMAL90 * sd * np.array([-1.0, 1.0]),
                    chance(score - self._score(mixed, slots, without)),
                )
            )
        tested = tuple(library.column_label(int(c)) for c in self.slots)
        return Variation("subject", tested, tuple(terms), tuple(out))


def _effect(candidate: Candidate, slot: int) -> Effect:
    return Effect(
        slot, candidate.kind, candidate.name, candidate.value, candidate.level,
        candidate.centre, candidate.scale,
    )  # fmt: skip

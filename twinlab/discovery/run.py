"""The search of one discovery: starts, weighing, pieces, fitted constants."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from twinlab.errors import UserError
from twinlab.knowledge import Knowledge

from .apart import NOISE_APART, conditions_apart, found_apart, may_be_off, starts_apart
from .continuation import Outcome
from .exchange import exchanges, hidden_faster
from .extension import extend
from .found import PLAIN_IS_HOPELESS, Found, stuck, with_noise
from .latent_run import run_guesses
from .latent_search import in_display_units, latent_starts
from .noise import Noise, compared_models, make_noise
from .noise_evidence import compare_noise, problem_sd
from .problem import Problem
from .progress import Teller
from .question import question_of
from .refinement import refine
from .result import Gram, Settings
from .search import (
    MAX_ROUNDS,
    Start,
    Weighed,
    credible,
    leaders,
    models_met,
    prepare_starts,
    rescore,
    run_starts,
    weigh,
)
from .segments import MOST_JOINED, cut_problem, join, piece_share
from .steps import Frame, Point, linearise
from .switching import Switches
from .variation import begun_again, find_variation, gain

Array = NDArray[np.float64]

#: Log evidence by which another noise model must win before the search is repeated under it.
NOISE_MARGIN = 3.0
#: How often variation is sought, each time in the best model found under the last, and rounds of
#: neighbours weighed under it.
VARIATION_ROUNDS, VARIED_ROUNDS = 2, 4
#: Nats by which deviations of conditions must beat contrasts of single ones.
BETTER_APART = 10.0
#: Share of each record that a piece holds when a search that ended stuck is tried again, and the
#: fewest times of a record for which that is done.
RESCUE_SHARE, FEWEST_RESCUED = 0.5, 15


@dataclass(frozen=True)
class Run:
    """One discovery's search, and what every step of it needs."""

    settings: Settings
    knowledge: Knowledge
    seed: int
    teller: Teller
    pool: Executor
    n_candidates: int
    patient: bool = False  #: the search for one model of all subjects is not cut short

    def find(self, problem: Problem, noise_models: tuple[str, ...]) -> Found:
        """Search, in pieces where records are long, and fit the constants of saturating terms."""
        if problem.unseen_states.size:
            return self.find_hidden(problem, noise_models)
        starts = prepare_starts(problem, self.settings)
        share = piece_share(problem, starts[0].frame.smooth)
        if share < 1.0:
            cut = cut_problem(problem, self.knowledge, self.settings, share)
            starts = prepare_starts(cut, self.settings)
        found = self.search(starts, noise_models, share == 1.0)
        if share < 1.0:
            joined = self.joined(problem, found)
            found = joined if joined is not None else replace(found, in_pieces=True)
        elif self.subjects_differ(found):
            found = self.varied(found)
            if found.variation is None:  # the search was cut short in vain
                return self.less_hurried().find(problem, noise_models)
            return self.refine_constants(self.renoised(found, noise_models))
        elif stuck(found.outcomes, problem.n_state) and not found.plainly_off:
            found = self.rescued(problem, found, noise_models)
        return self.refine_constants(self.renoised(self.varied(found), noise_models))

    def varied(self, found: Found) -> Found:
        """Let coefficients vary where the data ask for it, and search around that once more.

        One fit for all takes differences for noise, so that terms are missed or invented.
        """
        frame, best = found.frame, found.weighed[0]
        question = question_of(frame.problem, self.settings)
        if question is None or found.in_pieces:
            return found
        if not question.by_subject:
            found = conditions_apart(
                found, question, self.settings, self.seed, self.teller, self.pool
            )
        before, begun, plainly, least = found, found.begun or (), found.plainly_off, -np.inf
        for _ in range(VARIATION_ROUNDS):
            self.teller.rescoring("Testing which coefficients vary", 1.0)
            other = found.leaders if found is before else ()
            varied = found.apart if found is before else None
            if varied is not None and not varied.evidence > best.evidence:
                varied = None
            if not (question.by_subject and found is before and found.plainly_apart):
                sought = find_variation(
                    frame, best, other, question, self.seed, self.teller.check, begun, plainly
                )
                # A condition that is named says more than a spread over all of them.
                bar = np.inf if varied is None else varied.evidence
                bar -= 0.0 if question.by_subject else BETTER_APART
                if varied is None or (sought is not None and sought.evidence > bar):
                    varied = sought
            if varied is None or (not question.by_subject and varied.evidence < least):
                break
            least = varied.evidence
            others = [(m.fit, varied.noise) for m in before.weighed[:MOST_JOINED]]
            weighed, gram = self.weigh(
                varied.frame, [(varied.fit, varied.noise), *others], VARIED_ROUNDS
            )
            if not weighed or gram is None:
                break
            found = replace(
                found, frame=varied.frame, weighed=weighed, gram=gram, variation=varied.variation
            )
            top = weighed[0]
            if np.array_equal(top.fit.columns, best.fit.columns):
                break
            begun, plainly = begun_again(varied, top), plainly or bool(varied.variation.off)
            if plainly and np.array_equal(top.fit.columns, varied.fit.columns):
                break  # all around it has been looked at
            if varied is before.apart and not question.by_subject:
                break  # all that varies has been sought
            states = np.ascontiguousarray(top.fit.initial[:, : frame.problem.n_state])
            start = Point(top.fit.columns, top.fit.coefficients, states)
            plain = weigh(frame, start, top.noise)
            if plain is None:
                break
            # The fit for all is a poor place to begin, and its noise holds the differences.
            near = replace(plain.fit, coefficients=start.coefficients, initial=states)
            best = Weighed(near, top.noise, plain.evidence)
        if found.variation is None:
            return found
        held = set(found.weighed[0].fit.columns.tolist())
        variation = replace(
            found.variation,
            terms=tuple(t for t in found.variation.terms if t.column in held),
            effects=tuple(e for e in found.variation.effects if e.column in held),
            off=tuple(o for o in found.variation.off if o.column in held),
        )
        return replace(found, variation=variation)

    def find_hidden(self, problem: Problem, noise_models: tuple[str, ...]) -> Found:
        """Search where some states were never measured, from guesses at their course."""
        self.teller.tell("prepare", "Guessing at the latent states", 0.0)
        _, starts = latent_starts(problem, self.settings)
        found = self.search(starts, noise_models, True)
        if not self.subjects_differ(found) and stuck(found.outcomes, problem.n_measured):
            found = self.relaxed(found, noise_models)
        weighed, gram = hidden_faster(found.frame, found.weighed), found.gram
        if weighed[0] is not found.weighed[0]:
            gram = linearise(found.frame, weighed[0].fit, weighed[0].noise, 0.0) or gram
        found = replace(found, weighed=weighed, gram=gram)
        question = question_of(problem, self.settings)
        if question is not None and question.by_subject:
            others = exchanges(found.frame, (weighed[0], *found.leaders))
            found = replace(found, leaders=(*found.leaders, *others))
        cut_short, found = self.subjects_differ(found), self.varied(found)
        if cut_short and found.variation is None:
            return self.less_hurried().find_hidden(problem, noise_models)
        found = self.refine_constants(self.renoised(found, noise_models))
        shown = in_display_units(found.frame, found.weighed, found.gram)
        frame, weighed, gram, gauges = shown
        return replace(found, frame=frame, weighed=weighed, gram=gram, gauges=gauges)

    def renoised(self, found: Found, noise_models: tuple[str, ...]) -> Found:
        """Compare noise models once more where coefficients vary.

        What differs between subjects looks like noise that grows with the level, or has tails.
        """
        if found.variation is None or len(noise_models) < 2:
            return found
        best, now = found.weighed[0], found.weighed[0].noise.model
        evidence = compare_noise(found.frame, best, noise_models, self.pool)
        found = replace(found, noise_evidence=evidence)
        winner = max(evidence, key=lambda name: evidence[name])
        if winner == now or not evidence[winner] > evidence[now] + NOISE_MARGIN:
            return found
        problem = found.frame.problem
        sd = problem_sd(problem, problem.measured - best.fit.x)
        points = [
            (m.fit, make_noise(problem, winner, sd, m.fit.x)) for m in found.weighed[:MOST_JOINED]
        ]
        weighed, gram = self.weigh(found.frame, points, VARIED_ROUNDS)
        if not weighed or gram is None or weighed[0].evidence < best.evidence:
            return found
        return replace(found, weighed=weighed, gram=gram)

    def joined(self, problem: Problem, found: Found) -> Found | None:
        """Models of pieces carried to the whole records; None if they cannot be followed."""
        self.teller.rescoring("Joining the pieces of long records", 0.9)
        joined = join(problem, self.settings, found.frame.precision, found.weighed, self.weigh)
        if joined is None:
            return None
        frame, weighed, gram = joined
        # Models of pieces have an initial state a piece: they cannot lead on whole records.
        return replace(found, frame=frame, weighed=weighed, gram=gram, leaders=())

    def rescued(self, problem: Problem, found: Found, noise_models: tuple[str, ...]) -> Found:
        """Search once more in pieces where every start ended stuck.

        The better answer counts, both weighed with the slab of the pieces.
        """
        if np.diff(problem.start).min() < FEWEST_RESCUED or problem.library.inputs:
            return self.relaxed(found, noise_models)
        self.teller.rescoring("Searching again in pieces", 0.5)
        cut = cut_problem(problem, self.knowledge, self.settings, RESCUE_SHARE)
        starts = prepare_starts(cut, self.settings)
        joined = self.joined(problem, self.search(starts, noise_models, False))
        if joined is None:
            return found
        points = [(m.fit, m.noise) for m in found.weighed[:MOST_JOINED]]
        before, _ = self.weigh(joined.frame, points, 0)
        if before and before[0].evidence >= joined.weighed[0].evidence:
            return found
        return replace(joined, starts=found.starts)

    def relaxed(self, found: Found, noise_models: tuple[str, ...]) -> Found:
        """Search once more under the noise that the best free-running model leaves.

        One model of subjects that differ leaves far more than a smooth curve through each of them:
        under the noise of the smooths every step away from the data looks like a break.
        """
        best, problem = found.weighed[0], found.frame.problem
        sd = best.noise.sd * best.noise.typical(problem)
        starts = [with_noise(start, sd) for start in found.starts]
        self.teller.rescoring("Searching again under more noise", 0.5)
        again = self.search(starts, noise_models, False)
        if again.weighed[0].evidence < best.evidence:
            return replace(found, outcomes=again.outcomes)
        return replace(again, starts=found.starts)

    def search(self, starts: list[Start], noise_models: tuple[str, ...], whole: bool) -> Found:
        """Starts and weighing, repeated under another noise model if the evidence asks for it.

        It ends early where subjects differ, unless records are not `whole`: pieces always do.
        """
        found = self.under(starts, noise_models[0], whole)
        evidence: dict[str, float] = {}
        differ = whole and found is not None and self.subjects_differ(found)
        differ = differ or (found is not None and found.plainly_off)
        if len(noise_models) > 1 and found and not differ:
            self.teller.rescoring("Comparing noise models", 1.0)
            evidence = compare_noise(found.frame, found.weighed[0], noise_models, self.pool)
            winner = max(evidence, key=lambda name: evidence[name])
            if evidence[winner] > evidence[noise_models[0]] + NOISE_MARGIN:
                again = self.under(starts, winner, whole, found.begun)
                if again and again.weighed[0].evidence > found.weighed[0].evidence:
                    found = again
        if found is None:
            raise UserError(
                "No model could be simulated on these data, not even one without terms.",
                mend="Check the data for extreme values, or relax the required terms.",
            )
        return replace(found, noise_evidence=evidence)

    def subjects_differ(self, found: Found) -> bool:
        """Whether one fit for all is beside the point, so plainly do subjects differ."""
        return found.plainly_apart or self.promising(found.frame, found.weighed)

    def less_hurried(self) -> Run:
        """A patient run; where this one is, a run in which nothing varies."""
        same = replace(self.settings, vary="nothing")
        return replace(self, settings=same) if self.patient else replace(self, patient=True)

    def promising(self, frame: Frame, weighed: list[Weighed]) -> bool:
        """Whether deviations promise more around the best model than all there is to find."""
        question = None if self.patient else question_of(frame.problem, self.settings)
        if question is None or not question.by_subject:
            return False
        return gain(frame, weighed[0], question) > PLAIN_IS_HOPELESS

    def under(
        self, starts: list[Start], noise_model: str, whole: bool, begun: Switches = None
    ) -> Found | None:
        """Starts and weighing under one noise model; None if no model could be simulated."""
        frame, varied = starts[0].frame, None
        if starts[0].common is not None:
            frame, tick = starts[0].common, self.teller.starts(starts)
            outcomes, best = run_guesses(starts, noise_model, self.seed, tick, self.pool)
        else:
            tick = self.teller.starts(starts)
            outcomes, best = run_starts(starts, noise_model, self.seed, tick, self.pool), []
            if whole:
                early = self.apart(starts, outcomes, noise_model)
                if early is not None and early.plainly_apart:
                    return early
                varied = early.apart if early is not None else None
                early = self.switched(starts, outcomes) if begun is None else None
                if early is not None and early.plainly_off:
                    return early
                begun = early.begun if early is not None else begun
        ranked, gram = self.ranked(
            frame, models_met(frame, outcomes), MAX_ROUNDS, best,
            lambda ranked: whole and self.promising(frame, ranked),
        )  # fmt: skip
        if not ranked or gram is None:
            return None
        return Found(
            frame, starts, outcomes, credible(ranked), gram, {}, leaders=leaders(ranked),
            apart=varied, begun=begun,
        )  # fmt: skip

    def switched(self, starts: list[Start], outcomes: list[Outcome]) -> Found | None:
        """Where starts for all have ended, and models in which something is off in a condition."""
        frame = starts[0].frame
        question = question_of(frame.problem, self.settings)
        if question is None or question.by_subject:
            return None
        ranked, gram = self.ranked(frame, [(o.fit, o.noise) for o in outcomes], 0)
        if not ranked or gram is None:
            return None
        begun, off = may_be_off(
            starts, ranked[0], question, self.settings, self.seed, self.teller, self.pool
        )
        return Found(frame, starts, outcomes, ranked[:1], gram, {}, begun=begun, plainly_off=off)

    def apart(self, starts: list[Start], outcomes: list[Outcome], noise_model: str) -> Found | None:
        """Where starts for all have ended, and a model whose coefficients deviated all along."""
        frame = starts[0].frame
        question = question_of(frame.problem, self.settings)
        apart = starts_apart(starts, question)
        if question is None or not apart:
            return None
        self.teller.rescoring("Trying models whose coefficients all vary", 0.0)
        if self.settings.noise == "auto" and NOISE_APART in compared_models(frame.problem):
            noise_model = NOISE_APART
        tick = self.teller.starts(apart)
        ended = run_starts(apart, noise_model, self.seed + 31, tick, self.pool)
        # Ends, and what is required alone: ends of one model for all may not run freely.
        ends = islice(models_met(frame, outcomes), len(outcomes) + 1)
        ranked, gram = self.ranked(frame, ends, 0)
        if not ranked or gram is None:
            return None
        best = ranked[0]
        if best.noise.model != noise_model:  # what both are compared under
            sd = problem_sd(frame.problem, frame.problem.measured - best.fit.x)
            noise = make_noise(frame.problem, noise_model, sd, best.fit.x)
            other = weigh(frame, best.fit, noise)
            best = best if other is None or other.evidence < best.evidence else other
        varied = found_apart(frame, ended, best.evidence, question, self.teller.check, self.pool)
        return Found(frame, starts, outcomes, [best], gram, {}, apart=varied)

    def weigh(
        self,
        frame: Frame,
        points: Iterable[tuple[Point, Noise]],
        rounds: int,
    ) -> tuple[list[Weighed], Gram | None]:
        """Weigh models and their neighbours; those that are not hopeless (`rescore`)."""
        ranked, gram = self.ranked(frame, points, rounds)
        return credible(ranked), gram

    def ranked(
        self,
        frame: Frame,
        points: Iterable[tuple[Point, Noise]],
        rounds: int,
        known: Iterable[Weighed] = (),
        pointless: Callable[[list[Weighed]], bool] | None = None,
    ) -> tuple[list[Weighed], Gram | None]:
        """Weigh models and their neighbours (`rescore`)."""
        teller = self.teller
        return rescore(
            frame, points, self.settings, self.seed, self.pool, teller.check, teller.rescoring,
            rounds, known, pointless,
        )  # fmt: skip

    def refine_constants(self, found: Found) -> Found:
        """Fit the constants of saturating terms; the library grows by the fitted terms."""
        self.teller.rescoring("Fitting the constants of saturating terms", 1.0)
        refined, weighed = refine(
            found.frame, found.weighed, self.settings, self.seed, self.pool, self.teller.check
        )
        if not refined:
            return replace(found, weighed=weighed)
        complexity = self.settings.complexity
        frame, weighed = extend(found.frame, refined, weighed, self.knowledge, complexity)
        gram = linearise(frame, weighed[0].fit, weighed[0].noise, 0.0) or found.gram
        return replace(found, frame=frame, weighed=weighed, gram=gram)

"""Prior against data, claim by claim: what the data say alone, and who has the last word.

For every claim of the knowledge the models with and without its columns are compared with the
claim's own odds taken out.  Less the odds that the columns have anyway (complexity and size), that
is the Bayes factor of the data alone (Kass and Raftery 1995, J. Am. Stat. Assoc. 90, 773).  Where
no model with, or none without, was weighed, the nearest one is fitted now, free of the claim.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twinlab.knowledge import Belief, Edge, Knowledge
from twinlab.knowledge.edges import any_probability, derivative_sign
from twinlab.knowledge.prior import as_belief

from .claims import Claim, claims_of
from .crossover import log_posterior
from .model_prior import log_told, size_prior
from .reliability import reliability_of
from .result import FitWarning, Gram, Settings
from .search import Weighed, credible, rescore, weigh
from .signs import nonnegative_names
from .steps import SCALE_FREEDOM, Frame, Point, conditional, select
from .verdict import PriorVerdict

Array = NDArray[np.float64]
Columns = NDArray[np.int64]

#: Log Bayes factor beyond which data speak strongly (Kass and Raftery), and below which they are
#: silent.
STRONG, SILENT = 3.0, 1.0
#: Supports fitted for the missing side of a claim, and claims for which that is done at most;
#: beyond, the linear regression around the best model answers.
FITTED, MOST_FITTED = 2, 40
#: Conflicts named in the warning.
MOST_NAMED = 6
#: Rounds of weighing neighbours where certain claims are lifted.
FREE_ROUNDS = 5
#: Proposals of a search on the regression for the nearest model without a claim's columns.
STEPS = 4000


@dataclass(frozen=True)
class _Model:
    """A support, its log evidence and coefficients."""

    columns: Columns
    evidence: float
    coefficients: Array


@dataclass(frozen=True)
class _Judge:
    """What every claim is judged with."""

    frame: Frame
    models: list[_Model]
    gram: Gram
    best: Weighed
    n_base: int
    seed: int
    check: Callable[[], None]
    reliability: float

    def sides(self, claim: Claim) -> tuple[list[_Model], list[_Model]]:
        """Weighed models with and without a claim's columns."""
        inside = [bool(np.isin(m.columns, claim.columns).any()) for m in self.models]
        with_ = [m for m, yes in zip(self.models, inside, strict=True) if yes]
        return with_, [m for m, yes in zip(self.models, inside, strict=True) if not yes]

    def nearest(self, claim: Claim, inside: bool, fit: bool) -> list[_Model]:
        """The nearest models with or without a claim's columns, fitted or from the regression."""
        self.check()
        frame, best = self.frame, self.best.fit.columns
        if inside:
            tried = [np.union1d(best, [c]).astype(np.int64) for c in claim.columns]
        else:
            # Whatever may take the place of the columns: another search without them.
            excluded = frame.prior.excluded.copy()
            excluded[claim.columns] = True
            found = select(
                self.gram, frame.precision, frame.prior._replace(excluded=excluded),
                np.setdiff1d(best, claim.columns), freedom=SCALE_FREEDOM, n_steps=STEPS,
                seed=self.seed,
            )  # fmt: skip
            tried = [np.setdiff1d(best, claim.columns).astype(np.int64), *found.columns[:FITTED]]
        tried = list({c.tobytes(): c for c in tried}.values())
        here = log_posterior(frame, self.gram, best)
        scored = [(log_posterior(frame, self.gram, c) - here, k, c) for k, c in enumerate(tried)]
        out = []
        for gain, _, columns in sorted(scored, key=lambda item: (-item[0], item[1]))[:FITTED]:
            mean, _ = conditional(self.gram, frame.precision, columns)
            weighed = None
            if fit:
                weighed = weigh(frame, Point(columns, mean, self.best.fit.initial), self.best.noise)
            if weighed is not None and np.isfinite(weighed.evidence):
                out.append(_Model(columns, weighed.evidence, weighed.fit.coefficients))
            else:
                out.append(_Model(columns, self.best.evidence + gain, mean))
        return out

    def judge(self, claim: Claim, fit: bool) -> PriorVerdict | None:
        """Verdict on one claim; None where there is nothing to say."""
        with_, without = self.sides(claim)
        with_ = with_ or self.nearest(claim, True, fit)
        without = without or self.nearest(claim, False, fit)
        if not with_ or not without:
            return None
        taken = [self.taken_out(claim, side) for side in (with_, without)]
        anyway, believed = self.prior_odds(claim)
        data = taken[0] - taken[1] - anyway
        if claim.edge is not None:
            # What an edge is worth depends on how reliable the others prove.
            said = [_log_sum([m.evidence for m in side]) for side in (with_, without)]
            believed = said[0] - said[1] - data
        posterior = believed + data
        return PriorVerdict(
            kind=claim.kind,
            label=claim.label,
            source=claim.source,
            sentences=claim.sentences,
            prior=believed,
            data=data,
            posterior=posterior,
            evidence_with=taken[0],
            evidence_without=taken[1],
            columns=tuple(map(int, claim.columns)),
            verdict=_verdict(claim, believed - anyway, data, posterior),
            opposite=self.opposite(claim, with_) and posterior > 0,
        )

    def taken_out(self, claim: Claim, side: Sequence[_Model]) -> float:
        """Log of the summed evidence of models, what the claim itself says taken out."""
        table = self.frame.prior.table
        if claim.edge is not None and table is not None:
            rest, problem = table.without(claim.number), self.frame.problem
            return _log_sum(
                [
                    m.evidence
                    + log_told(problem, rest, m.columns, m.coefficients)
                    - log_told(problem, table, m.columns, m.coefficients)
                    for m in side
                ]
            )
        moved = dict(zip(claim.columns.tolist(), claim.moved, strict=True))
        return _log_sum(
            [m.evidence - sum(moved.get(c, 0.0) for c in m.columns.tolist()) for m in side]
        )

    def prior_odds(self, claim: Claim) -> tuple[float, float]:
        """Log-odds that some column of a claim is in, without the claim and with it.

        An edge's own are not known before those of the others are held against the data: for it
        both are those without.
        """
        prior = self.frame.prior
        size = len(self.best.fit.columns)
        sizes = size_prior(prior, size + 1)
        # Refined terms stand for atoms that are counted already.
        base = claim.columns < self.n_base
        odds = prior.log_odds
        if prior.table is not None:
            # What (other) edges say of these columns.
            table = prior.table if claim.edge is None else prior.table.without(claim.number)
            odds = odds + table.spread(self.reliability)
        own = odds[claim.columns[base]] + sizes[-1] - sizes[-2]
        anyway = _logit(any_probability(own - claim.moved[base]))
        if claim.kind == "required":
            return anyway, np.inf
        if claim.kind == "excluded":
            return anyway, -np.inf
        return anyway, _logit(any_probability(own))

    def judge_sign(self, claim: Claim, bounds: tuple[float, float]) -> PriorVerdict | None:
        """Whether the data want a coefficient outside the bounds given for it."""
        column = int(claim.columns[0])
        outside: list[_Model] = []
        inside: list[_Model] = []
        for model in self.models:
            w = model.coefficients[model.columns == column]
            within = not w.size or bounds[0] <= w[0] <= bounds[1]
            (inside if within else outside).append(model)
        if not outside:
            return None
        inside = inside or self.nearest(claim, False, True)
        ends = [
            float(np.logaddexp.reduce([m.evidence for m in side])) for side in (inside, outside)
        ]
        if ends[0] - ends[1] > -STRONG:
            return None
        best = max(outside, key=lambda m: m.evidence)
        return PriorVerdict(
            kind="sign", label=claim.label, source=claim.source, sentences=(),
            prior=np.inf, data=ends[0] - ends[1], posterior=np.inf, evidence_with=ends[0],
            evidence_without=ends[1], columns=(column,), verdict="refused",
            wanted=float(best.coefficients[best.columns == column][0]),
        )  # fmt: skip

    def opposite(self, claim: Claim, with_: Sequence[_Model]) -> bool:
        """Whether most models with an edge give it the other sign than was told."""
        if claim.edge is None or claim.edge.sign == 0:
            return False
        best = max(m.evidence for m in with_)
        score = sum(np.exp(m.evidence - best) * self.edge_sign(claim.edge, m) for m in with_)
        return bool(score * claim.edge.sign < 0)

    def edge_sign(self, edge: Edge, model: _Model) -> int:
        """1 or -1 where all of the edge's terms of a model have one sign, else 0."""
        library = self.frame.problem.library
        names = nonnegative_names(self.frame.problem.study)
        target, signs = library.state_index(edge.target), set()
        for c, w in zip(model.columns.tolist(), model.coefficients, strict=True):
            share = dict(library.columns[c].stoichiometry).get(target)
            if share is not None and edge.regulator in library.term_of(c).variables:
                slope = derivative_sign(library.term_of(c), edge.regulator, names)
                signs.add(int(np.sign(share * w)) * slope)
        return signs.pop() if len(signs) == 1 else 0


def prior_verdicts(
    frame: Frame,
    weighed: Sequence[Weighed],
    gram: Gram,
    n_base: int,
    knowledge: Knowledge,
    settings: Settings,
    seed: int,
    executor: Executor,
    check: Callable[[], None],
) -> tuple[PriorVerdict, ...]:
    """Hold every claim of the knowledge against the data.

    Parameters
    ----------
    frame, weighed, gram
        As the search left them; `weighed` by descending evidence.
    n_base : int
        Columns of the library that are not refined terms.
    knowledge, settings, seed
    executor : Executor
        Shares the claims out; the result does not depend on it.
    check : callable
        Called before every fit; may raise ``Cancelled``.

    Returns
    -------
    tuple of PriorVerdict
        Conflicts first, the strongest data first among equals; a missing edge of a complete
        table only where it is in the answer.
    """
    claims = [
        c
        for c in claims_of(
            knowledge, frame.prior.table, frame.problem.library, n_base, settings.complexity
        )
        if c.kind != "missing edge" or np.isin(c.columns, weighed[0].fit.columns).any()
    ]
    if not claims:
        return ()
    models = [(m.fit.columns, m.fit.coefficients, m.evidence) for m in weighed]
    trust = reliability_of(frame.problem, frame.prior, models)
    judge = _Judge(
        frame, _plain(weighed), gram, weighed[0], n_base, seed, check,
        0.0 if trust is None else trust.mean,
    )  # fmt: skip
    free = judge
    if any(c.hard for c in claims):
        free = _freed(judge, claims, weighed, settings, executor)
    prior = frame.prior

    def answer(item: tuple[int, Claim]) -> PriorVerdict | None:
        number, claim = item
        if claim.kind != "sign":
            return (free if claim.hard else judge).judge(claim, number < MOST_FITTED)
        if claim.columns.size > 1:
            return None
        column = int(claim.columns[0])
        return free.judge_sign(claim, (float(prior.lower[column]), float(prior.upper[column])))

    verdicts = [v for v in executor.map(answer, enumerate(claims)) if v is not None]
    return tuple(sorted(verdicts, key=lambda v: (not v.conflict, -abs(v.data))))


def still_claimed(
    verdicts: Sequence[PriorVerdict], old: Knowledge, new: Knowledge
) -> tuple[PriorVerdict, ...]:
    """Verdicts on what two pieces of knowledge have in common."""
    before, after = _claimed(old), _claimed(new)
    changed = {item.label for item in before ^ after}
    return tuple(v for v in verdicts if v.label not in changed and v.kind != "missing edge")


def _claimed(knowledge: Knowledge) -> set[Belief | Edge]:
    return {*knowledge.beliefs, *knowledge.edges, *map(as_belief, knowledge.reactions)}


def conflict_warning(verdicts: Sequence[PriorVerdict]) -> FitWarning | None:
    """The conflicts in words; None where there are none."""
    texts = [v.text for v in verdicts if v.conflict]
    if not texts:
        return None
    more = f" And {len(texts) - MOST_NAMED} more." if len(texts) > MOST_NAMED else ""
    words = " ".join(texts[:MOST_NAMED])
    together = ""
    if sum(v.verdict == "refused" for v in verdicts) > 1:
        together = " (All that is certain was lifted at once to see this.)"
    return FitWarning(
        "prior_conflict", f"Prior knowledge and data disagree. {words}{more}{together}"
    )


def _plain(weighed: Sequence[Weighed]) -> list[_Model]:
    return [_Model(m.fit.columns, m.evidence, m.fit.coefficients) for m in weighed]


def _freed(
    judge: _Judge,
    claims: Sequence[Claim],
    weighed: Sequence[Weighed],
    settings: Settings,
    executor: Executor,
) -> _Judge:
    """The judge over models that none of the certain claims is forced upon.

    They are freed together: where two certainties are wrong, each looks needed beside the other.
    """
    prior = judge.frame.prior
    required, excluded = prior.required.copy(), prior.excluded.copy()
    lower, upper, sign = prior.lower.copy(), prior.upper.copy(), prior.sign.copy()
    for claim in claims:
        if claim.hard:
            own = claim.columns[~prior.held[claim.columns]]
            required[own] &= claim.kind != "required"
            excluded[own] &= claim.kind != "excluded"
            if claim.kind == "sign":
                lower[own], upper[own], sign[own] = -np.inf, np.inf, 0
    freed = prior._replace(
        required=required, excluded=excluded, lower=lower, upper=upper, sign=sign
    )
    frame = replace(judge.frame, prior=freed)
    points = [(m.fit, m.noise) for m in weighed if not m.fit.free] or [
        (weighed[0].fit, weighed[0].noise)
    ]
    ranked, gram = rescore(
        frame, points, settings, judge.seed, executor, judge.check, lambda *_: None, FREE_ROUNDS
    )
    if not ranked or gram is None:
        return replace(judge, frame=frame)
    found = credible(ranked)
    known = {m.fit.columns.tobytes() for m in found}
    rest = [m for m in judge.models if m.columns.tobytes() not in known]
    return replace(judge, frame=frame, models=[*_plain(found), *rest], gram=gram, best=found[0])


def _log_sum(values: Sequence[float]) -> float:
    return float(np.logaddexp.reduce(values))


def _logit(p: float) -> float:
    return float(np.log(p) - np.log1p(-p))


def _verdict(claim: Claim, moved: float, data: float, posterior: float) -> str:
    """One word: who believes what, and who has the last word."""
    if claim.hard:
        against = data if claim.kind == "excluded" else -data
        return "refused" if against > STRONG else "silent" if against > -SILENT else "confirmed"
    if abs(data) < SILENT:
        return "silent"
    if data * moved > 0:
        return "confirmed"
    return "overruled" if posterior * moved < 0 else "prior decides"

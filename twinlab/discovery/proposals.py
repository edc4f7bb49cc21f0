"""Terms worth adding to a library: what each would do for the evidence of the best model.

Every term of the extension is put into the best model on the linearised regression, and terms
that it makes superfluous are taken out again: a library without the true term is often served
by several that imitate it, beside which the true one adds nothing.  The most promising are then
fitted in full and weighed with the same priors, the size prior over the wider library.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from twinlab.expressions import POWER, parse_term

from .continuation import kappa_schedule
from .model_prior import SLAB_SHARE, log_size_prior
from .noise import Noise, make_noise
from .problem import Problem
from .result import Gram, Proposal, Settings
from .scaled import JITTER
from .search import Weighed, slab_precision, weigh
from .steps import (
    SCALE_FREEDOM,
    Fit,
    Frame,
    Point,
    conditional,
    linearise,
    log_evidence,
    polish_point,
)
from .weak import weak_start
from .wider_library import extended

Array = NDArray[np.float64]
Columns = NDArray[np.int64]

#: Models fitted in full at each regression, and proposals kept.
FITTED, KEPT = 8, 5
#: A model is fitted if the regression promises it this many nats over the best one.
PROMISE = 1.0
ROUNDS, NUDGED_ITERATIONS = 3, 10
#: Multiplications spent on one elimination; larger models are tried with fewer candidates.
WORK = 4e7
#: An elimination ends when no candidate has gained by this many removals in a row.
PATIENCE = 4


def propose(
    frame: Frame,
    best: Weighed,
    settings: Settings,
    check: Callable[[], None],
    executor: Executor,
) -> tuple[Proposal, ...]:
    """Terms whose addition raises the log evidence of the best model, the largest gain first.

    The regression is taken along the best model, free and drawn to the smooth of the data: a
    model that lacks a term may run far from them.  It is taken again at the best model found,
    until that stands still.

    Parameters
    ----------
    frame : Frame
    best : Weighed
        At its optimum.
    settings : Settings
    check : callable
        Called before every fit; may raise ``Cancelled``.
    executor : Executor
        Threads.
    """
    active = best.fit.columns
    wider = extended(frame.problem, active, settings)
    if wider.n_column == active.size:
        return ()
    own, frame = frame, _wider_frame(frame, wider, active, settings)
    fit = replace(best.fit, columns=np.arange(active.size, dtype=np.int64))
    base = Weighed(fit, best.noise, log_evidence(frame, fit, best.noise))
    found = _climb(frame, base, check, executor)
    size = log_size_prior(own.problem.n_column + wider.n_column, wider.n_column)
    narrow = log_size_prior(wider.n_column, wider.n_column)
    proposals = []
    for new, model in found.items():
        k, before = len(model.fit.columns), active.size
        prior = size[k] - size[before] - (narrow[k] - narrow[before])
        gain = model.evidence - base.evidence + float(prior)
        gone = np.setdiff1d(fit.columns, model.fit.columns)
        proposals.append(_proposal(own.problem, wider, new, gain, active[gone]))
    proposals = [p for p in proposals if p.gain > 0.0]
    proposals.sort(key=lambda proposal: -proposal.gain)
    return _distinct(proposals, wider.library.names)[:KEPT]


def _wider_frame(frame: Frame, wider: Problem, active: Columns, settings: Settings) -> Frame:
    """The frame over the wider library: the slab of the model's own columns is kept."""
    slab = slab_precision([weak_start(wider, frame.smooth)], settings.slab_width, wider.prior)
    slab[: active.size] = frame.precision[active]
    varies = frame.varying.restricted(active, wider.n_column)
    # What is proposed begins at the best model: no long way that only pieces could go.
    own = replace(frame, problem=wider, precision=slab, prior=wider.prior, varies=varies)
    return replace(own, long=False)


def _climb(
    frame: Frame, base: Weighed, check: Callable[[], None], executor: Executor
) -> dict[int, Weighed]:
    """Best model with each column of the extension, around ever better models."""
    n_own = len(base.fit.columns)
    weighed: set[bytes] = {base.fit.columns.tobytes()}
    found: dict[int, Weighed] = {}
    centre = base
    for round_ in range(ROUNDS):
        for gram, initial in _regressions(frame, centre, executor, drawn=round_ == 0):
            supports = _supports(frame, gram, centre.fit.columns, n_own)
            new = [columns for columns in supports if columns.tobytes() not in weighed]
            weighed.update(columns.tobytes() for columns in new)
            weigh_one = partial(_weighed, frame, gram, initial, centre.noise, check)
            for columns, model in zip(new, executor.map(weigh_one, new), strict=True):
                if model is None or not model.evidence > base.evidence:
                    continue
                added = int(columns[-1])
                if added not in found or model.evidence > found[added].evidence:
                    found[added] = model
        top = max(found.values(), key=lambda model: model.evidence, default=centre)
        if top is centre:
            break
        centre = top
    return found


def _weighed(
    frame: Frame,
    gram: Gram,
    initial: Array,
    noise: Noise,
    check: Callable[[], None],
    columns: Columns,
) -> Weighed | None:
    """A support weighed from where a regression sees it."""
    check()
    start = Point(columns, conditional(gram, frame.precision, columns)[0], initial)
    return weigh(frame, start, noise)


def _regressions(
    frame: Frame, centre: Weighed, executor: Executor, *, drawn: bool
) -> list[tuple[Gram, Array]]:
    """Linearisations along a model, and the initial states they belong to."""
    # What the model leaves over is in its noise: near the data the smooth's own is right.
    smooth, rates = frame.smooth, kappa_schedule(frame.problem, frame.smooth)
    noise = make_noise(frame.problem, centre.noise.model, smooth.sd, smooth.at_data)

    def regression(kappa: float) -> tuple[Gram, Array] | None:
        fit: Fit | None = centre.fit
        if kappa > 0.0:
            fit = polish_point(frame, centre.fit, noise, kappa, NUDGED_ITERATIONS)
        if fit is None:
            return None
        gram = linearise(frame, fit, noise if kappa > 0.0 else centre.noise, kappa)
        return None if gram is None else (gram, fit.initial)

    kappas = (0.0, rates[0], rates[len(rates) // 2]) if drawn else (0.0,)
    return [found for found in executor.map(regression, kappas) if found is not None]


def _supports(frame: Frame, gram: Gram, active: Columns, n_own: int) -> list[Columns]:
    """The most promising supports with one column of the extension, their best first."""
    candidates = np.setdiff1d(np.arange(n_own, gram.vector.size), active)
    supports, gains = imitators_removed(frame, gram, active, candidates)
    order = [i for i in np.argsort(-gains, kind="stable") if gains[i] > PROMISE]
    return [supports[i] for i in order if (supports[i] >= n_own).sum() == 1][:FITTED]


def imitators_removed(
    frame: Frame, gram: Gram, active: Columns, candidates: Columns
) -> tuple[list[Columns], Array]:
    """Add each candidate to the active columns, then take out what the evidence does not want.

    Backward elimination on the regression, all candidates at once: taking out column j raises
    the squares by ``w_j^2 / (A^-1)_jj`` and multiplies ``|A|`` by ``(A^-1)_jj``.

    Parameters
    ----------
    frame : Frame
        Its columns are those of the regression.
    gram : Gram
    active : (k,) int array
    candidates : (n,) int array
        None of them active.

    Returns
    -------
    supports : list of int arrays
        Each holds its candidate.
    gains : (n,) array
        Log posteriors of the supports on the regression, less that of the active columns.
    """
    base = _Elimination(frame, gram, active[None])
    base.evaluate()
    candidates = _screened(frame, gram, active, candidates)
    columns = np.concatenate(
        [np.tile(active, (candidates.size, 1)), candidates[:, None]], axis=1
    ).astype(np.int64)
    trial = _Elimination(frame, gram, columns)
    fixed = np.append(frame.prior.required[active], True)
    best, value, idle = trial.kept.copy(), np.full(candidates.size, -np.inf), 0
    while idle < PATIENCE:
        now = trial.evaluate()
        better = now > value
        best[better], value[better] = trial.kept[better], now[better]
        idle = 0 if better.any() else idle + 1
        if not trial.remove_one(fixed):
            break
    supports = [np.sort(row[keep]) for row, keep in zip(columns, best, strict=True)]
    return supports, value - base.value


def _screened(frame: Frame, gram: Gram, active: Columns, candidates: Columns) -> Columns:
    """Candidates of the highest scores, as many as the work for so large a model allows."""
    most = max(int(WORK / (active.size + 1.0) ** 3), 40)
    if candidates.size <= most:
        return candidates
    matrix = gram.matrix[np.ix_(active, active)] + np.diag(frame.precision[active])
    cross = gram.matrix[np.ix_(active, candidates)]
    solved = np.linalg.solve(matrix, np.column_stack([cross, gram.vector[active]]))
    score = gram.vector[candidates] - cross.T @ solved[:, -1]
    own = gram.matrix[candidates, candidates] + frame.precision[candidates]
    variance = own - (cross * solved[:, :-1]).sum(axis=0)
    order = np.argsort(-(score**2) / np.maximum(variance, 1e-12 * own), kind="stable")
    return np.sort(candidates[order[:most]])


class _Elimination:
    """Many supports of one size, each losing the column it needs least, step by step.

    Parameters
    ----------
    frame : Frame
    gram : Gram
    columns : (n, k) int array
    """

    def __init__(self, frame: Frame, gram: Gram, columns: Columns) -> None:
        n, k = columns.shape
        self.gram, self.size = gram, log_size_prior(frame.problem.n_column, k)
        self.precision, self.odds = frame.precision[columns], frame.prior.search_odds[columns]
        matrix = gram.matrix[columns[:, :, None], columns[:, None, :]].reshape(n, k, k)
        matrix[:, np.arange(k), np.arange(k)] += self.precision
        self.unit = np.sqrt(np.einsum("nii->ni", matrix))
        scale = self.unit[:, :, None] * self.unit[:, None, :]
        self.matrix = matrix / scale + JITTER * np.eye(k)
        self.vector = gram.vector[columns] / self.unit
        self.kept = np.ones((n, k), bool)
        self.value = -np.inf

    def evaluate(self) -> Array:
        """Log posteriors (n,) of the supports as they stand, up to a constant."""
        inside = self.kept[:, :, None] & self.kept[:, None, :]
        matrix = np.where(inside, self.matrix, np.eye(self.kept.shape[1]))
        inverse = np.linalg.inv(matrix)
        self.w = np.einsum("nij,nj->ni", inverse, np.where(self.kept, self.vector, 0.0))
        self.diagonal = np.einsum("nii->ni", inverse)
        # Each column's prior, density of its coefficient, and part in Occam's factor.
        scale = SLAB_SHARE / np.sqrt(self.precision)
        cauchy = np.log(np.pi * scale) + np.log1p((self.w / self.unit / scale) ** 2)
        self.each = self.odds - np.log(self.unit) - cauchy + 0.5 * np.log(2.0 * np.pi)
        squares = self.gram.yy - np.where(self.kept, self.w * self.vector, 0.0).sum(axis=1)
        size = self.size[self.kept.sum(axis=1)]
        out = np.where(self.kept, self.each, 0.0).sum(axis=1) + size
        out -= 0.5 * np.linalg.slogdet(matrix)[1]
        freedom = self.gram.n + SCALE_FREEDOM
        out -= 0.5 * freedom * np.log(np.maximum(squares, 0.0) + SCALE_FREEDOM)
        self.value = float(out[0])
        return np.asarray(out, float)

    def remove_one(self, fixed: NDArray[np.bool_]) -> bool:
        """Take the least needed column out of every support; False where none may go."""
        loss = 0.5 * self.w**2 / self.diagonal + self.each + 0.5 * np.log(self.diagonal)
        loss = np.where(self.kept & ~fixed, loss, np.inf)
        out = np.argmin(loss, axis=1)
        free = np.isfinite(loss[np.arange(len(out)), out])
        self.kept[np.arange(len(out))[free], out[free]] = False
        return bool(free.any())


def _proposal(problem: Problem, wider: Problem, new: int, gain: float, gone: Columns) -> Proposal:
    column = wider.library.columns[new]
    return Proposal(
        problem.library.states[column.stoichiometry[0][0]],
        wider.library.terms[column.term].text,
        gain,
        tuple(problem.library.column_label(int(c)) for c in gone),
    )


def _distinct(proposals: list[Proposal], names: tuple[str, ...]) -> tuple[Proposal, ...]:
    """One proposal of each shape: Hill functions that differ in their constants are one idea."""
    kept: dict[tuple[object, ...], Proposal] = {}
    for proposal in proposals:
        factors = parse_term(proposal.term, names).factors
        shape = tuple((f.kind, f.variable, f.exponent if f.kind == POWER else 0.0) for f in factors)
        kept.setdefault((proposal.state, shape), proposal)
    return tuple(kept.values())

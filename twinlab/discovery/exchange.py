"""Two rates of a chain that could change places: one answer of two that fit alike.

A hidden state that decays and makes a measured one that decays leaves only the sum and the product
of the two rates in the data; with them exchanged, and the hidden course another, the fit is the
same (in pharmacokinetics the flip-flop of absorption and elimination: Godfrey and Chapman 1990,
J. Pharmacokinet. Biopharm. 18, 573).  Local ranks do not show it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinlab.expressions import Term

from .frame import Frame, Point
from .gauge import unit_powers
from .problem import Problem
from .search import POLISHED_BEFORE, Weighed, weigh

Columns = NDArray[np.int64]

#: Exchanged answers whose log likelihoods differ by less than this cannot be told apart.
ALIKE = 3.0
#: Models that are shown with the hidden state as the faster one: within so many nats of the best.
SHOWN = 7.0


class Pair(NamedTuple):
    """A hidden state that makes another: states, and places of their decays and of the making."""

    hidden: int
    fed: int
    own: int
    other: int
    link: int


def pairs(problem: Problem, columns: Columns) -> list[Pair]:
    """Chains among the active columns whose rates might be exchanged."""
    library, place = problem.library, {}
    for i, c in enumerate(columns):
        column = library.columns[int(c)]
        if not column.is_reaction:
            place[column.stoichiometry[0][0], library.terms[column.term]] = i
    linear = [Term.product({name: 1.0}) for name in library.states]
    out = []
    for e in problem.unseen_states.tolist():
        for i in range(problem.n_state):
            keys = ((e, linear[e]), (i, linear[i]), (i, linear[e]))
            if i != e and all(key in place for key in keys):
                out.append(Pair(e, i, *(place[key] for key in keys)))
    return out


def exchanged(frame: Frame, model: Weighed, pair: Pair) -> Weighed | None:
    """The model with the two rates in each other's place; None if it cannot be simulated.

    What reaches the fed state at first stays the same: ``a z + w y = a z* + w* y``.
    """
    problem, fit = frame.problem, model.fit
    w, link = fit.coefficients.copy(), fit.coefficients[pair.link]
    if link == 0.0:
        return None
    share = (w[pair.other] - w[pair.own]) / link
    w[[pair.own, pair.other]] = w[[pair.other, pair.own]]
    initial = fit.initial.copy()
    initial[:, pair.hidden] += share * initial[:, pair.fed]
    row = np.nonzero(problem.gauge[:, pair.hidden])[0]
    powers = unit_powers(problem, pair.hidden)
    if row.size:
        now = fit.x[row[0], pair.hidden] + share * fit.x[row[0], pair.fed]
        factor = problem.value[row[0], pair.hidden] / now if now else 0.0
        if powers is None or not factor > 0.0:
            return None
        w *= factor ** powers[fit.columns]
        initial[:, pair.hidden] *= factor
    point = Point(fit.columns, w, initial, effects=fit.effects)
    return weigh(frame, point, model.noise, POLISHED_BEFORE)


def alike(frame: Frame, model: Weighed, pair: Pair) -> Weighed | None:
    """The exchanged model if the data cannot tell it from this one."""
    other = exchanged(frame, model, pair)
    if other is None:
        return None
    w, v = model.fit.coefficients, other.fit.coefficients
    # It may have fallen back.
    moved = (w[pair.own] - w[pair.other]) * (v[pair.own] - v[pair.other]) < 0.0
    near = abs(_log_likelihood(frame, other) - _log_likelihood(frame, model)) < ALIKE
    return other if moved and near else None


def _log_likelihood(frame: Frame, model: Weighed) -> float:
    """Without the weak priors, around guesses at the hidden state, that the cost holds."""
    fit, prior = model.fit, frame.initial_prior
    priors = float(frame.precision[fit.columns] @ fit.coefficients**2)
    priors += float((prior.precision * (fit.initial - prior.mean) ** 2).sum())
    return model.noise.log_normaliser(frame.problem) - 0.5 * (fit.cost - priors)


def hidden_faster(frame: Frame, weighed: list[Weighed]) -> list[Weighed]:
    """Of two answers that fit alike the one in which the hidden state decays faster.

    As absorption is taken to be faster than elimination where nothing else is known.
    """
    out = []
    for model in weighed:
        near = model.evidence > weighed[0].evidence - SHOWN
        for pair in pairs(frame.problem, model.fit.columns) if near else []:
            w = model.fit.coefficients
            if w[pair.other] < w[pair.own] < 0.0:
                other = alike(frame, model, pair)
                # The same answer: the prior of initial states must not change the ranking.
                model = model if other is None else replace(other, evidence=model.evidence)
        out.append(model)
    return out


def exchanges(frame: Frame, models: Iterable[Weighed]) -> tuple[Weighed, ...]:
    """What fits as well as these models with two rates exchanged.

    Where rates differ between subjects they are no longer alike: one answer needs less variation.
    """
    found = (
        alike(frame, model, pair)
        for model in models
        for pair in pairs(frame.problem, model.fit.columns)
    )
    return tuple(other for other in found if other is not None)


def exchange_text(frame: Frame, best: Weighed) -> dict[str, str]:
    """What has to be said of hidden states whose rate might be another's, by state."""
    names, out = frame.problem.library.states, {}
    for pair in pairs(frame.problem, best.fit.columns):
        other = alike(frame, best, pair)
        if other is None:
            continue
        hidden, fed = names[pair.hidden], names[pair.fed]
        own, there = (abs(best.fit.coefficients[p]) for p in (pair.own, pair.other))
        out[hidden] = (
            f"Two answers fit alike: {hidden} decays at {own:.3g} and {fed} at {there:.3g}, or the "
            f"other way round, with another course of {hidden}. Shown is "
            f"{'that in which ' + hidden + ' is the faster' if own >= there else 'this one'}; "
            f"measurements of {hidden}, or its initial value, would tell."
        )
    return out

"""The unit of a state that was never measured: what is free of it, and priors that do not see it.

Nothing in the data tells the unit of such a state.  A model's evidence must not depend on the unit
in which a search happened to hold it, so its priors are taken in the model's own: that in which
the state's largest value is 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from twinlab.expressions import POWER
from twinlab.kernels import Initial

from .frame import Fit, Frame
from .problem import Problem

Array = NDArray[np.float64]

#: Prior precision of an initial state in a model's own unit, and in that of the search while
#: models are polished, where it is to hold nothing.
OWN_PRECISION, POLISHING_PRECISION = 1.0, 1e-4
#: A state's own size over `scale`, at least and at most: beyond, a fit is none.
SIZES = (1e-6, 1e6)
#: Log prior odds against a course that changes its sign beside others that do not, and the share
#: of its largest value beyond which it does.
SIGN_CHANGE, BEYOND = 3.0, 0.02
#: Least information of a direction, in units of the slabs' scales: one that the data do not
#: know at all then neither adds to the evidence nor takes from it, as its prior integrates to 1
#: (normal of this precision under the height ``1/pi`` of the Cauchy slab).
LEAST_INFORMATION = 2.0 / np.pi


def free_scales(problem: Problem) -> NDArray[np.int64]:
    """Latent states whose scale nothing fixes: no dose, no known amount, no observable."""
    schedule, library = problem.schedule, problem.library
    observed = problem.numerator[:, :-1].any(axis=0) | problem.denominator[:, :-1].any(axis=0)
    dosed = np.any(np.concatenate([schedule.given, schedule.rate]), axis=0)
    known = np.array([problem.study.initial.get(name, 0.0) != 0.0 for name in library.states])
    unseen = problem.unseen_states
    return unseen[~(observed | dosed | known)[unseen]]


def unit_powers(
    problem: Problem, state: int, columns: Sequence[int] | NDArray[np.int64] | None = None
) -> Array | None:
    """By which power of a state's unit the coefficients of columns change (all by default).

    None where one of them has none.
    """
    name, library = problem.library.states[state], problem.library
    asked = range(problem.n_column) if columns is None else columns
    out = np.zeros(len(asked))
    for i, c in enumerate(asked):
        column = library.columns[int(c)]
        shares = {e for e, _ in column.stoichiometry}
        if state in shares and len(shares) > 1:
            return None
        out[i] = float(state in shares)
        for factor in library.terms[column.term].factors:
            if factor.variable == name:
                if factor.kind != POWER:
                    return None
                out[i] -= factor.exponent
    return out


def log_sign_changes(problem: Problem, x: Array) -> float:
    """Log prior of hidden courses: beside others that keep their sign they do so too.

    The fitted courses are looked at: noise takes measured ones of an amount below zero.

    Parameters
    ----------
    problem : Problem
    x : (n_row, n_observable) array
    """
    low, high = x[:, : problem.n_state].min(axis=0), x[:, : problem.n_state].max(axis=0)
    changes = np.minimum(-low, high) > BEYOND * np.maximum(-low, high)
    hidden = np.zeros(problem.n_state, bool)
    hidden[problem.unseen_states] = True
    return 0.0 if changes[~hidden].any() else -SIGN_CHANGE * float(changes[hidden].sum())


def known_log_determinant(schur: Array, scale: Array) -> float:
    """Log determinant of half a Hessian whose unknown directions count as the prior does.

    Parameters
    ----------
    schur : (k, k) array
    scale : (k,) array
        Of the slabs.
    """
    information = schur * np.outer(scale, scale)
    if not np.isfinite(information).all():
        return np.inf
    values = np.linalg.eigvalsh(information)
    return float(np.log(np.maximum(values, LEAST_INFORMATION)).sum() - 2.0 * np.log(scale).sum())


def in_own_units(frame: Frame, fit: Fit, precision: Array) -> tuple[Frame, Fit, Array]:
    """A fit with the priors of states of unknown scale as wide as it makes these states itself.

    Parameters
    ----------
    frame : Frame
        Its priors belong to states whose largest value is ``problem.scale``.
    fit : Fit
        At its optimum, which is taken to stay.
    precision : (k,) array
        Of the slabs of the active coefficients.

    Returns
    -------
    frame, fit, precision
        The frame with other initial priors, the fit with their cost and curvature.
    """
    problem, k = frame.problem, len(fit.columns)
    for e in free_scales(problem).tolist():
        powers = unit_powers(problem, e, fit.columns)
        size = float(np.abs(fit.x[:, e]).max())
        if powers is None or not SIZES[0] < size / problem.scale[e] < SIZES[1]:
            continue
        own = precision[:k] * (problem.scale[e] / size) ** (2.0 * powers)
        w, start = fit.coefficients[:k], fit.initial[:, e]
        mean, before = frame.initial_prior
        after, centre = before.copy(), mean.copy()
        known = problem.library.states[e] in problem.study.initial
        if not known:
            after[:, e], centre[:, e] = OWN_PRECISION / size**2, 0.0
        cost = ((own - precision[:k]) * w**2).sum() + (
            after[:, e] * (start - centre[:, e]) ** 2
        ).sum()
        cost -= (before[:, e] * (start - mean[:, e]) ** 2).sum()
        h_w, h_x = fit.h_w.copy(), fit.h_x.copy()
        h_w[np.arange(k), np.arange(k)] += own - precision[:k]
        h_x[:, e, e] += after[:, e] - before[:, e]
        precision = np.concatenate([own, precision[k:]])
        frame = replace(frame, initial_prior=Initial(centre, after))
        fit = replace(fit, cost=fit.cost + float(cost), h_w=h_w, h_x=h_x)
    return frame, fit, precision

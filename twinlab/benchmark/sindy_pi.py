"""SINDy-PI as a peer (Kaheman, Kutz and Brunton 2020, Proc. R. Soc. A 476, 20200279).

Each equation is sought in the implicit form ``x' = sum a_k m_k(x) - x' sum b_k m_k(x)``, that is
``x' = N(x)/D(x)`` with polynomials N and D, by PySINDy's optimizer.  The L1 weight is chosen by
the error of x' on every fourth point, which the fit does not see; what is smaller than a
hundredth of the largest contribution is dropped and the rest refitted.

Where D is ``1 + b v^n`` of one variable the answer is written with Hill functions; N/D of any
other kind has no place in the term language: its forecasts count, its terms count as wrong.
"""

from __future__ import annotations

import contextlib
import os
import time
import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from twinlab.expressions import POWER, Term, parse_term
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study

from .integration import MAX_EVALUATIONS
from .lasso_peer import spline_states
from .peer_data import NotApplicable, PeerError, candidates
from .pysindy_peer import prepare as prepare
from .scoring import Answer

Array = NDArray[np.float64]
WEIGHTS = (3e-4, 3e-3, 3e-2)  #: L1 weights over the number of points, columns normalised
SMALL = 1e-2  #: contribution that is dropped, as a fraction of the largest
NEAR = 0.05  #: a constant part this small beside the Hill part counts as none
MAX_TERMS = 40
LIMIT = 1e6  #: a state beyond it counts as diverged


def answer(
    study: Study, library: Library, knowledge: Knowledge, seed: int, budget: float
) -> Answer:
    """Find a rational right-hand side for every state; no intervals come with it.

    Raises
    ------
    NotApplicable
        Inputs, or no rational candidates (nothing to gain over the plain form).
    PeerError
        Too many monomials, or different candidates in the equations.
    """
    began = time.perf_counter()
    allowed = candidates(library)
    if library.inputs:
        raise NotApplicable("the implicit form is not asked of driven systems")
    monomials = [t for t in library.terms if all(f.kind == POWER for f in t.factors)]
    monomials = [t for t in monomials if sum(f.exponent for f in t.factors) <= 2]
    if len(monomials) == len(library.terms) or not monomials:
        raise NotApplicable("no rational candidates: the implicit form is not asked")
    if not allowed.all():
        raise PeerError("the implicit form needs the same candidates in every equation")
    if len(monomials) > MAX_TERMS:
        raise PeerError(f"{len(monomials)} monomials are too many for the implicit form")
    states, slopes = spline_states(study, library)
    values = dict(zip(library.states, states.T, strict=True))
    features = np.stack([term.evaluate(values) for term in monomials], axis=1)
    equations: dict[str, dict[str, float]] = {}
    rational: list[tuple[Array, Array]] = []
    unwritten: dict[str, int] = {}
    for i, state in enumerate(library.states):
        above, below = _implicit(features, slopes[:, i], monomials)
        rational.append((above, below))
        written = _written(above, below, monomials, library.states)
        equations[state] = {} if written is None else written
        if written is None:
            unwritten[state] = int(np.count_nonzero(above) + np.count_nonzero(below))
    return Answer(
        equations,
        seconds=time.perf_counter() - began,
        remarks={"unwritten": float(sum(unwritten.values()))},
        unwritten=unwritten,
        simulator=_simulator(rational, monomials, library.states) if unwritten else None,
    )


def _implicit(features: Array, slope: Array, monomials: list[Term]) -> tuple[Array, Array]:
    """Coefficients of N, and of D without its leading 1, of one equation."""
    from pysindy.optimizers import SINDyPI

    moving = np.array([bool(term.factors) for term in monomials])
    columns = np.column_stack([slope, features, slope[:, None] * features[:, moving]])
    size = np.linalg.norm(columns, axis=0)
    if (size == 0.0).any():
        raise PeerError("a candidate is zero at every point")
    scaled = columns / size
    test = np.arange(len(slope)) % 4 == 3
    best: tuple[float, Array] | None = None
    for weight in WEIGHTS:
        optimizer = SINDyPI(reg_weight_lam=weight, regularizer="l1", tol=1e-6, model_subset=[0])
        with (
            warnings.catch_warnings(),
            open(os.devnull, "w", encoding="utf-8") as nowhere,
            contextlib.redirect_stdout(nowhere),
        ):
            warnings.simplefilter("ignore")
            optimizer.fit(scaled[~test], slope[~test])
        row = np.nan_to_num(np.asarray(optimizer.coef_, float)[0][1:])
        keep = np.abs(row) > SMALL * np.abs(row).max(initial=0.0)
        refitted = np.zeros_like(row)
        if keep.any():
            refitted[keep] = np.linalg.lstsq(
                scaled[~test][:, 1:][:, keep], scaled[~test][:, 0], rcond=None
            )[0]
        found = refitted * size[0] / size[1:]
        above, below = found[: len(monomials)], np.zeros(len(monomials))
        below[moving] = -found[len(monomials) :]
        error = _slope_error(features[test], slope[test], above, below)
        if best is None or error < best[0]:
            best = (error, np.stack([above, below]))
    assert best is not None
    return best[1][0], best[1][1]


def _slope_error(features: Array, slope: Array, above: Array, below: Array) -> float:
    with np.errstate(all="ignore"):
        predicted = features @ above / (1.0 + features @ below)
    error = float(np.mean((predicted - slope) ** 2))
    return error if np.isfinite(error) else np.inf


def _written(
    above: Array, below: Array, monomials: list[Term], states: tuple[str, ...]
) -> dict[str, float] | None:
    """N/D in the term language; None where it cannot be written."""
    numerator = {monomials[k]: float(above[k]) for k in np.flatnonzero(above)}
    lower = np.flatnonzero(below)
    if lower.size == 0:
        return {term.text: value for term, value in numerator.items()}
    if lower.size > 1 or below[lower[0]] <= 0.0 or len(monomials[lower[0]].factors) != 1:
        return None
    factor = monomials[lower[0]].factors[0]
    name, n = factor.variable, factor.exponent
    half = float(below[lower[0]]) ** (-1.0 / n)
    whole: dict[str, float] = {}
    repressed: dict[str, float] = {}
    for term, value in numerator.items():
        own = next((f.exponent for f in term.factors if f.variable == name), 0.0)
        rest = (
            "*".join(f"{f.variable}^{f.exponent:g}" for f in term.factors if f.variable != name)
            or "1"
        )
        while own >= n:  # v^k/D = K^n v^(k-n) (1 - 1/D)
            value *= half**n
            own -= n
            _add(whole, _product(name, own, rest), value)
            value = -value
        _add(repressed, _product(name, own, rest), value)
    out = dict(whole)
    for text, value in repressed.items():
        with_one = out.get(text, 0.0)
        activation = abs(with_one + value) < NEAR * abs(value)
        kind = "hill" if activation else "repress"
        if activation or abs(with_one) < NEAR * abs(value):  # c - c/D is c times the activation
            out.pop(text, None)
        _add(out, f"{text}*{kind}({name},{half:.6g},{n:g})", -value if activation else value)
    return {parse_term(text, states).text: value for text, value in out.items()}


def _product(name: str, exponent: float, rest: str) -> str:
    return rest if exponent == 0.0 else f"{rest}*{name}^{exponent:g}"


def _add(table: dict[str, float], text: str, value: float) -> None:
    table[text] = table.get(text, 0.0) + value


def _simulator(
    rational: list[tuple[Array, Array]], monomials: list[Term], states: tuple[str, ...]
) -> Callable[[Array, Array, Array], Array | None]:
    above = np.stack([pair[0] for pair in rational])
    below = np.stack([pair[1] for pair in rational])
    calls = 0

    def slope(_time: float, x: Array) -> Array:
        # Near a pole of the rational function the integrator would creep on for ever.
        nonlocal calls
        calls += 1
        if calls > MAX_EVALUATIONS or not (np.abs(x) < LIMIT).all():
            raise ArithmeticError("diverged")
        values = {state: np.atleast_1d(x[i]) for i, state in enumerate(states)}
        theta = np.array([float(np.ravel(term.evaluate(values))[0]) for term in monomials])
        out: Array = (above @ theta) / (1.0 + below @ theta)
        return out

    def simulate(start: Array, at: Array, _inputs: Array) -> Array | None:
        nonlocal calls
        calls = 0
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = solve_ivp(
                    slope, (at[0], at[-1]), start, "LSODA", t_eval=at, rtol=1e-6, atol=1e-9
                )
        except ArithmeticError:
            return None
        good = found.success and found.y.shape[1] == at.size and np.isfinite(found.y).all()
        return np.ascontiguousarray(found.y.T) if good else None

    return simulate

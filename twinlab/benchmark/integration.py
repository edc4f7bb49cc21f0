"""Simulation of discovered equations by SciPy, independent of the project's own integrators."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from twinlab.expressions import Factor, Term, parse_term
from twinlab.expressions.kinds import (
    COSINE,
    EXPONENTIAL,
    HILL_ACTIVATION,
    HILL_REPRESSION,
    LOGARITHM,
    POWER,
)

Array = NDArray[np.float64]
Signal = tuple[Array, Array]  #: times and values of an input, linear between the times
MAX_EVALUATIONS = 30_000  #: right-hand sides of one simulation before it counts as diverged
LIMIT = 1e6  #: a state beyond it counts as diverged


class _Diverged(Exception):
    """Too many evaluations, a state out of bounds, or a term that is not defined."""


def factor_value(factor: Factor, v: float) -> float:
    """Value of one factor in plain floats.

    A Hill function of a (numerically) negative concentration is that of zero.

    Raises
    ------
    ArithmeticError, ValueError
        Not defined or too large there.
    """
    n, c = factor.exponent, factor.constant
    if factor.kind == POWER:
        return v if n == 1.0 else math.pow(v, n)
    if factor.kind in (HILL_ACTIVATION, HILL_REPRESSION):
        repressed = 1.0 / (1.0 + (max(v, 0.0) / c) ** n)
        return repressed if factor.kind == HILL_REPRESSION else 1.0 - repressed
    if factor.kind == EXPONENTIAL:
        return math.exp(c * v)
    if factor.kind == LOGARITHM:
        return math.log(c * v)
    return math.cos(c * v) if factor.kind == COSINE else math.sin(c * v)


def _prepared(
    term: Term, names: Sequence[str]
) -> tuple[float, list[int], list[tuple[Factor, int]]]:
    """Scale of a term, indices of its plain variables, and its other factors with theirs."""
    plain = [f for f in term.factors if f.kind == POWER and f.exponent == 1.0]
    others = [(f, names.index(f.variable)) for f in term.factors if f not in plain]
    return term.scale, [names.index(f.variable) for f in plain], others


def right_hand_side(
    equations: Mapping[str, Mapping[str, float]],
    states: Sequence[str],
    inputs: Mapping[str, Signal] | None = None,
) -> Callable[[float, Array], Array]:
    """``f(t, x)`` of equations given as {state: {term text: coefficient}}; x follows `states`.

    A state without an equation stays constant.  Inputs are linear between their times and
    constant outside them.

    Raises
    ------
    twinlab.errors.ExpressionError
        A term that is not in the term language.
    """
    signals = dict(inputs or {})
    names = [*states, *signals]
    places: dict[Term, int] = {}
    entries: list[tuple[int, int, float]] = []
    for row, state in enumerate(states):
        for text, coefficient in equations.get(state, {}).items():
            place = places.setdefault(parse_term(text, names), len(places))
            entries.append((row, place, float(coefficient)))
    coefficients = np.zeros((len(states), len(places)))
    for row, place, coefficient in entries:
        coefficients[row, place] += coefficient
    products = [_prepared(term, names) for term in places]
    calls = 0

    def slope(time: float, x: Array) -> Array:
        nonlocal calls
        calls += 1
        if calls > MAX_EVALUATIONS or not np.abs(x).max() < LIMIT:
            raise _Diverged
        values = x.tolist()
        values += [float(np.interp(time, *signal)) for signal in signals.values()]
        theta = []
        for product, plain, others in products:
            for place in plain:
                product *= values[place]
            for factor, place in others:
                product *= factor_value(factor, values[place])
            theta.append(product)
        return coefficients.dot(theta)

    return slope


def simulate_equations(
    equations: Mapping[str, Mapping[str, float]],
    states: Sequence[str],
    start: Array,
    time: Array,
    *,
    relative: float = 1e-8,
    inputs: Mapping[str, Signal] | None = None,
) -> Array | None:
    """Integrate equations with SciPy's LSODA.

    Parameters
    ----------
    equations : mapping of state to mapping of term to coefficient
    states : sequence of str
    start : (n_state,) array
    time : (n_time,) array, increasing
    relative : float
        Relative tolerance; the absolute one is a hundredth of it times the size of the start.
    inputs : mapping of str to (times, values), optional
        Variables that drive; linear between their times.

    Returns
    -------
    (n_time, n_state) array or None
        None where the simulation diverged or could not be finished.
    """
    slope = right_hand_side(equations, states, inputs)
    absolute = 1e-2 * relative * max(float(np.max(np.abs(start))), 1e-3)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            solution = solve_ivp(
                slope,
                (float(time[0]), float(time[-1])),
                np.asarray(start, float),
                method="LSODA",
                t_eval=time,
                rtol=relative,
                atol=absolute,
            )
    except (_Diverged, ArithmeticError, ValueError):
        return None
    if not solution.success or solution.y.shape[1] != time.size:
        return None
    states_out = np.ascontiguousarray(solution.y.T)
    states_out[0] = start  # the solver's interpolation rounds it
    return states_out if np.isfinite(states_out).all() else None

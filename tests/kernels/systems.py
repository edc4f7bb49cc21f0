"""Small models in kernel form, and their plain NumPy right-hand sides, for the kernel tests."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twinlab.expressions.factor import Factor
from twinlab.expressions.kinds import HILL_ACTIVATION, POWER
from twinlab.expressions.table import TermTable, term_table
from twinlab.expressions.term import Term
from twinlab.kernels import Drive, Tolerance, eventless_drive
from twinlab.library import Entries


class Model(NamedTuple):
    terms: TermTable
    entries: Entries
    coefficients: np.ndarray
    listed: list[Term]
    names: list[str]

    def rhs(self, t, x, w=None):
        """Plain NumPy right-hand side."""
        w = self.coefficients if w is None else w
        values = dict(zip(self.names, x, strict=True))
        dx = np.zeros(len(x))
        for state, term, column, value in zip(*self.entries, strict=True):
            dx[state] += w[column] * value * float(self.listed[term].evaluate(values))
        return dx


def plain_entries(n_state: int, n_term: int) -> Entries:
    """One column per state and term."""
    n = n_state * n_term
    return Entries(
        np.repeat(np.arange(n_state), n_term),
        np.tile(np.arange(n_term), n_state),
        np.arange(n),
        np.ones(n),
    )


def predator_prey() -> Model:
    """Lotka-Volterra in a library of six terms."""
    names = ["x", "y"]
    powers = [{}, {"x": 1}, {"y": 1}, {"x": 2}, {"x": 1, "y": 1}, {"y": 2}]
    listed = [Term.product(p) for p in powers]
    w = np.zeros(12)
    w[[1, 4]] = 1.0, -0.5
    w[[6 + 2, 6 + 4]] = -1.0, 0.5
    return Model(term_table(listed, names), plain_entries(2, 6), w, listed, names)


def gene_network() -> Model:
    """Three states with a Hill step and a reaction column that touches two states."""
    names = ["a", "b", "c"]
    listed = [
        Term.product({"a": 1}),
        Term.product({"b": 1}),
        Term((Factor(HILL_ACTIVATION, "b", 3.0, 0.7),)),
        Term((Factor(POWER, "c", 1.0),)),
        Term.product({"a": 1, "c": 1}),
    ]
    # Columns: a -> b (touches two states), decay of b, Hill production of c, decay of c, a c -> .
    state = np.array([0, 0, 1, 1, 2, 2])
    column = np.array([0, 4, 0, 1, 2, 3])
    term = np.array([0, 4, 0, 1, 2, 3])
    value = np.array([-1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
    w = np.array([0.8, 0.5, 1.2, 0.6, 0.1])
    return Model(term_table(listed, names), Entries(state, term, column, value), w, listed, names)


def regular_drive(width: float, inputs, target, kappa) -> Drive:
    """Cubic pieces of inputs and target on cells of one width from time 0."""
    knot = width * np.arange(inputs.shape[1])[None]
    return eventless_drive(np.zeros(1), np.full(1, width), target, kappa, knot, inputs)


def tolerance(n_state: int, relative: float = 1e-9, max_steps: int = 20_000) -> Tolerance:
    """Tolerances for states of order one."""
    return Tolerance(relative, np.full(n_state, 1e-2 * relative), np.full(n_state, 1e8), max_steps)

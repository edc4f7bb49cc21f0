"""Stiff models in kernel form, and references for them by SciPy's Radau."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

from twinlab.expressions.table import term_table
from twinlab.expressions.term import Term
from twinlab.kernels import Tolerance
from twinlab.library import Entries

from .systems import Model


class Case(NamedTuple):
    model: Model
    initial: np.ndarray
    time: np.ndarray
    scale: np.ndarray

    def tolerance(self, relative: float, max_steps: int = 20_000) -> Tolerance:
        """As ``Problem.tolerance`` makes it."""
        d = self.scale.size
        return Tolerance(relative, 1e-2 * relative * self.scale, np.full(d, 1e8), max_steps)


def model(names: list[str], products: list[dict[str, int]], rows, coefficients) -> Model:
    """Rows are (state, term, column, value), sorted by state."""
    listed = [Term.product(p) for p in products]
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    entries = Entries(*columns[:3], columns[3].astype(float))
    return Model(term_table(listed, names), entries, np.array(coefficients), listed, names)


def robertson() -> Case:
    """Autocatalytic reactions of Robertson (1966); the second state is fast and 4e-5 in size."""
    rows = [(0, 0, 0, -1), (0, 1, 1, 1), (1, 0, 0, 1), (1, 1, 1, -1), (1, 2, 2, -1), (2, 2, 2, 1)]
    made = model(["a", "b", "c"], [{"a": 1}, {"b": 1, "c": 1}, {"b": 2}], rows, [0.04, 1e4, 3e7])
    time = np.r_[0.0, np.geomspace(1e-5, 1e4, 31)]
    return Case(made, np.array([1.0, 0, 0]), time, np.array([1.0, 4e-5, 1.0]))


def drug_and_target(binding: float = 1000.0) -> Case:
    """Target-mediated drug disposition: ligand, receptor and complex bind within a millisecond."""
    rows = [
        (0, 1, 0, -1), (0, 4, 1, -1), (0, 3, 2, 1),
        (1, 0, 3, 1), (1, 2, 4, -1), (1, 4, 1, -1), (1, 3, 2, 1),
        (2, 4, 1, 1), (2, 3, 2, -1), (2, 3, 5, -1),
    ]  # fmt: skip
    products = [{}, {"l": 1}, {"r": 1}, {"c": 1}, {"l": 1, "r": 1}]
    made = model(["l", "r", "c"], products, rows, [0.3, binding, binding, 0.5, 0.5, 0.2])
    time = np.r_[0.0, np.geomspace(1e-5, 10, 31)]
    return Case(made, np.array([5.0, 1, 0]), time, np.array([5.0, 1, 1]))


def van_der_pol(damping: float = 1000.0) -> Case:
    """Relaxation oscillator: long stiff phases and jumps."""
    rows = [(0, 1, 0, 1), (1, 1, 1, 1), (1, 2, 2, -1), (1, 0, 3, -1)]
    products = [{"x": 1}, {"y": 1}, {"x": 2, "y": 1}]
    made = model(["x", "y"], products, rows, [1.0, damping, damping, 1.0])
    return Case(made, np.array([2.0, 0]), np.linspace(0, 1000, 41), np.array([2.0, 1e3]))


class Plain:
    """Right-hand side and Jacobian of products of powers in plain NumPy, independent of tables."""

    def __init__(self, made: Model) -> None:
        self.powers = np.array(
            [
                [sum(f.exponent for f in term.factors if f.variable == name) for name in made.names]
                for term in made.listed
            ]
        )
        self.weight = np.zeros((len(made.names), len(made.listed)))
        for state, term, column, value in zip(*made.entries, strict=True):
            self.weight[state, term] += value * made.coefficients[column]

    def terms(self, x):
        return (x**self.powers).prod(axis=1)

    def rhs(self, t, x):
        return self.weight @ self.terms(x)

    def jacobian(self, t, x):
        out = np.empty((x.size, x.size))
        for m in range(x.size):
            lowered = self.powers.copy()
            lowered[:, m] = np.maximum(lowered[:, m] - 1, 0)
            out[:, m] = self.weight @ (self.powers[:, m] * (x**lowered).prod(axis=1))
        return out


def radau(case: Case) -> np.ndarray:
    """States (n_time, n_state) at a tight tolerance."""
    plain = Plain(case.model)
    solution = solve_ivp(
        plain.rhs, (0, case.time[-1]), case.initial, "Radau", case.time, rtol=1e-9,
        atol=1e-12 * case.scale, jac=plain.jacobian,
    )  # fmt: skip
    assert solution.success
    return solution.y.T


def radau_sensitivity(case: Case) -> np.ndarray:
    """Sensitivities (n_time, n_state, n_entry + n_state) by the augmented system."""
    made, d, n = case.model, case.initial.size, case.model.entries.state.size
    plain, place = Plain(made), (made.entries.state, np.arange(n))

    def rhs(t, packed):
        x, s = packed[:d], packed[d:].reshape(d, n + d)
        slope = plain.jacobian(t, x) @ s
        slope[place] += plain.terms(x)[made.entries.term] * made.entries.value
        return np.r_[plain.rhs(t, x), slope.ravel()]

    start = np.zeros((d, n + d))
    start[:, n:] = np.eye(d)
    unit = np.r_[1 / made.coefficients[made.entries.column], 1 / case.scale]
    absolute = np.r_[1e-11 * case.scale, (1e-8 * np.outer(case.scale, unit)).ravel()]
    packed = np.r_[case.initial, start.ravel()]
    solution = solve_ivp(
        rhs, (0, case.time[-1]), packed, "Radau", case.time, rtol=1e-7, atol=absolute
    )
    assert solution.success
    return solution.y.T[:, d:].reshape(-1, d, n + d)

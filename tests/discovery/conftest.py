"""Studies with known truth and discoveries made once for several tests."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from twinlab.discovery import Discovery, Settings, discover
from twinlab.library import Library
from twinlab.study import Study


def predator_prey(seed: int = 0, n_condition: int = 2, n: int = 40, noise: float = 0.05) -> Study:
    """Lotka-Volterra with additive noise in fractions of each state's sd."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 10, n)

    def rhs(t, x):
        return [x[0] - 0.5 * x[0] * x[1], -x[1] + 0.5 * x[0] * x[1]]

    clean = [
        solve_ivp(rhs, (0, 10), rng.uniform(0.5, 3, 2), "DOP853", time, rtol=1e-9, atol=1e-9).y.T
        for _ in range(n_condition)
    ]
    sd = np.concatenate(clean).std(axis=0)
    values = [x + noise * sd * rng.standard_normal(x.shape) for x in clean]
    return Study.from_arrays("predator_prey", ["prey", "predator"], [time] * n_condition, values)


TRUTH = {
    ("prey", "prey"): 1.0,
    ("prey", "predator*prey"): -0.5,
    ("predator", "predator"): -1.0,
    ("predator", "predator*prey"): 0.5,
}


def true_columns(library: Library) -> dict[int, float]:
    return {library.find(state, term): value for (state, term), value in TRUTH.items()}


@pytest.fixture(scope="session")
def study() -> Study:
    return predator_prey()


@pytest.fixture(scope="session")
def found(study) -> Discovery:
    return discover(
        study, Library.polynomial(study, degree=2), seed=3, settings=Settings(draws=100)
    )

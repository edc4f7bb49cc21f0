"""Methods that test the benchmark itself: the truth, nothing, and bands that lie."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from twinlab.discovery import QUANTILES
from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study

from .cells import BenchmarkCase
from .integration import simulate_equations
from .scoring import Answer, Forecaster
from .systems import Equations

Array = NDArray[np.float64]
Simulator = Callable[[Array, Array, Array], Array | None]
OFF = 1.02  #: the narrow method's coefficients over the true ones


def truth(
    study: Study, library: Library, knowledge: Knowledge, seed: int, budget: float, *,
    case: BenchmarkCase,
) -> Answer:  # fmt: skip
    """Return the truth: every score but time is perfect."""
    return _answer(case, case.truth, width=0.1)


def nothing(
    study: Study, library: Library, knowledge: Knowledge, seed: int, budget: float
) -> Answer:
    """Return an empty model, sure of itself."""
    return Answer({state: {} for state in library.states}, inclusion={})


def narrow(
    study: Study, library: Library, knowledge: Knowledge, seed: int, budget: float, *,
    case: BenchmarkCase,
) -> Answer:  # fmt: skip
    """Return a nearly true model whose intervals and bands have next to no width."""
    shifted = {s: {t: OFF * c for t, c in row.items()} for s, row in case.truth.items()}
    return _answer(case, shifted, width=1e-6)


def _answer(case: BenchmarkCase, equations: Equations, width: float) -> Answer:
    """Equations with intervals and bands of the relative half `width` around them."""
    intervals = {
        (state, term): (value - width * abs(value), value + width * abs(value))
        for state, row in equations.items()
        for term, value in row.items()
    }
    simulate = _with_hidden(case) if case.hidden else _simulator(case, equations)
    return Answer(
        equations,
        intervals,
        alternatives=((1.0, equations),),
        intervals50=intervals,
        inclusion=dict.fromkeys(intervals, 1.0),
        forecaster=_forecaster(simulate, width),
        hidden={
            name: tuple(values[:, k] for values in case.hidden_states)
            for k, name in enumerate(case.hidden)
        },
        simulator=simulate if case.hidden else None,
    )


def _simulator(case: BenchmarkCase, equations: Equations) -> Simulator:
    def simulate(start: Array, time: Array, inputs: Array) -> Array | None:
        pairs = zip(case.inputs, inputs.T, strict=True)
        signals = {name: (time, column) for name, column in pairs}
        return simulate_equations(
            equations, case.states, start, time, relative=1e-9, inputs=signals
        )

    return simulate


def _with_hidden(case: BenchmarkCase) -> Simulator:
    """Forecasts where states are hidden, whose start only the truth knows."""

    def simulate(start: Array, time: Array, inputs: Array) -> Array | None:
        test = next((t for t in case.tests if np.array_equal(t.start, start)), None)
        return None if test is None else test.clean

    return simulate


def _forecaster(simulate: Simulator, width: float) -> Forecaster:
    def quantiles(start: Array, time: Array, inputs: Array) -> Array:
        x = simulate(start, time, inputs)
        if x is None:
            return np.full((len(QUANTILES), len(time), start.size), np.nan)
        reach = width * (np.abs(x) + x.std(axis=0))
        return np.stack([x + np.sign(q - 0.5) * reach for q in QUANTILES])

    return quantiles

"""A truth that varies: rates drawn around the values of a system."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..systems import BenchmarkSystem
from .streams import stream

TRIALS = 20  #: draws of which one must be solvable


def drawn_truth(system: BenchmarkSystem, spread: float, seed: int) -> BenchmarkSystem:
    """System whose rates are log-normal around the standard ones.

    Simulation-based calibration asks for a truth drawn from a prior (Talts et al. 2018, arXiv
    1804.06788).  Constants written in terms stay, so that the candidates hold the truth.  Draws
    that cannot be integrated from the middle of the initial states are drawn again.

    Parameters
    ----------
    system : BenchmarkSystem
    spread : float
        Standard deviation of the logarithms; 0 gives the system itself.
    seed : int

    Raises
    ------
    ArithmeticError
        No draw could be integrated.
    """
    if spread == 0.0:
        return system
    middle = np.array([0.5 * sum(system.initial[state]) for state in system.states])
    time = np.linspace(0.0, system.horizon, 20)
    for trial in range(TRIALS):
        rng = stream("truth", system.name, seed, trial)
        factors = {name: float(np.exp(spread * rng.standard_normal())) for name in system.rates}
        parameters = {
            name: parameter._replace(value=parameter.value * factors.get(name, 1.0))
            for name, parameter in system.parameters.items()
        }
        drawn = replace(system, parameters=parameters)
        try:
            drawn.trajectory(middle, time, inputs=drawn.input_values(time))
        except ArithmeticError:
            continue
        return drawn
    raise ArithmeticError(f"no truth drawn around {system.name} could be integrated")

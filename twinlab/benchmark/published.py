"""Figures of other studies on the settings of the suites that repeat them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Published:
    """A published exact-support rate; what success and noise mean is in the suite's note."""

    method: str
    exact: float


#: By (suite, level label).
PUBLISHED: Mapping[tuple[str, str], Published] = MappingProxyType(
    {
        ("esindy", "2.5 %, 300 points"): Published("E-SINDy (Fasel 2022)", 0.80),
        ("esindy", "5 %, 1000 points"): Published("E-SINDy (Fasel 2022)", 0.81),
        ("odrbindy", "20 %, 400 points"): Published("ODR-BINDy (Fung 2025)", 0.54),
        ("odrbindy", "20 %, 1000 points"): Published("ODR-BINDy (Fung 2025)", 1.00),
        ("odrbindy", "30 %, 1000 points"): Published("ODR-BINDy (Fung 2025)", 0.90),
        ("odrbindy", "40 %, 1000 points"): Published("ODR-BINDy (Fung 2025)", 0.71),
    }
)

ESINDY_NOTE = (
    "Lorenz (10, 28, 8/3) from (-8, 7, 27), one trajectory, time step 0.01; library: all monomials "
    "of degree 1 to 5, 55 terms; normal noise with one sd for all states, a fraction of the root "
    "mean square of the clean states over 10 time units; success: the exact support of all three "
    "equations; published over 1000 repeats."
)
ODRBINDY_NOTE = (
    "Lorenz (10, 28, 8/3) from (-8, 8, 27), one trajectory, time step 0.01; library: all monomials "
    "up to degree 2, 10 terms; normal noise with one sd for all states, a fraction of the standard "
    "deviation of the clean states, pooled, over 10 time units; success: the exact support of all "
    "three equations; published over 128 repeats.  The data give the sd of the noise, which the "
    "published method was told; PySINDy has no use for it."
)
FOUR_NOTE = (
    "Lotka-Volterra, SEIR, three-gene repressilator and two-compartment PK with Michaelis-Menten "
    "elimination; 50 x 1, 100 x 3 and 200 x 5 points x conditions; the library holds the truth.  "
    "F1 measured elsewhere, by noise of 1/5/10/20 %: PySINDy default .49/.44/.39/.39, best "
    ".77/.71/.61/.52, threshold picked with the truth .86/.82/.77/.67."
)

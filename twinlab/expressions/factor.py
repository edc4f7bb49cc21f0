"""A factor of a term, and the canonical form of a product of factors."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from .kinds import (
    COSINE,
    EXPONENTIAL,
    HILL_ACTIVATION,
    HILL_REPRESSION,
    LOGARITHM,
    POWER,
    SINE,
)
from .numbers import tidy

#: Exponents beyond this overflow on ordinary data and are refused.
MAX_EXPONENT = 100.0
SATURATING = (HILL_ACTIVATION, HILL_REPRESSION)


@dataclass(frozen=True)
class Factor:
    """A function of one variable; `kinds` says what `exponent` and `constant` mean.

    Attributes
    ----------
    kind : int
        A code of ``twinlab.expressions.kinds``.
    variable : str
        Name of a state, input or covariate.
    exponent : float
        The power of a power, the Hill coefficient of a Hill function; else 1.
    constant : float
        Half saturation of a Hill function (in the variable's unit), the number inside
        ``exp``, ``log``, ``sin`` and ``cos`` (in the inverse of it); else 1.

    Raises
    ------
    ValueError
        A kind, exponent or constant that no term can have.
    """

    kind: int
    variable: str
    exponent: float = 1.0
    constant: float = 1.0

    def __post_init__(self) -> None:
        if not POWER <= self.kind <= COSINE:
            raise ValueError(f"unknown kind of factor: {self.kind}")
        if not (math.isfinite(self.exponent) and math.isfinite(self.constant)):
            raise ValueError("the numbers of a factor must be finite")
        if abs(self.exponent) > MAX_EXPONENT:
            raise ValueError(f"an exponent beyond {MAX_EXPONENT:g} cannot be computed reliably")
        if self.kind in SATURATING and (self.exponent <= 0 or self.constant <= 0):
            raise ValueError("half saturation and Hill coefficient must be positive")
        if self.kind == POWER and self.constant != 1.0:
            raise ValueError("a power has no constant; use the scale of the term")
        if self.kind not in (POWER, *SATURATING) and self.exponent != 1.0:
            raise ValueError("exp, log, sin and cos have no exponent; repeat the factor")
        if self.kind == LOGARITHM and self.constant == 0.0:
            raise ValueError("the logarithm of zero is not defined")

    @property
    def sort_key(self) -> tuple[int, str, float, float]:
        """Order of factors in a term: powers first, then by variable, then by constants."""
        return self.kind, self.variable, self.constant, self.exponent


def canonical(factors: Iterable[Factor], scale: float) -> tuple[tuple[Factor, ...], float]:
    """Bring a product to the one form all equal products share.

    Powers and exponentials of one variable merge, signs leave ``sin`` and ``cos``, and a power
    beside one Hill function of the same variable is absorbed: ``x^n * repress(x, K, n)`` is
    ``K^n * hill(x, K, n)``.  Products of several Hill functions of one variable stay as written.

    Returns
    -------
    factors : tuple of Factor
        Sorted; may be longer than a term allows (the caller checks).
    scale : float
        May be 0 (``sin(0*x)``) or infinite (the caller checks).
    """
    power: dict[str, float] = {}
    rate: dict[str, float] = {}
    saturating: dict[str, list[Factor]] = {}
    other: list[Factor] = []
    for factor in factors:
        name = factor.variable
        if factor.kind == POWER:
            power[name] = round(power.get(name, 0.0) + factor.exponent, 12)
        elif factor.kind == EXPONENTIAL:
            rate[name] = tidy(rate.get(name, 0.0) + factor.constant)
        elif factor.kind in SATURATING:
            saturating.setdefault(name, []).append(factor)
        else:
            unsigned, sign = _without_sign(factor)
            scale *= sign
            other += [unsigned] if unsigned else []
    for name, found in saturating.items():
        if len(found) == 1 and power.get(name):
            found[0], power[name], by = _absorb(found[0], power[name])
            scale = tidy(scale * by)
        other += found
    other += [Factor(POWER, name, exponent) for name, exponent in power.items() if exponent]
    other += [Factor(EXPONENTIAL, name, 1.0, c) for name, c in rate.items() if c]
    return tuple(sorted(other, key=lambda factor: factor.sort_key)), scale


def _without_sign(factor: Factor) -> tuple[Factor | None, float]:
    """Make the constant of sin and cos positive; a constant of zero makes a number of them."""
    if factor.kind == LOGARITHM or factor.constant > 0:
        return factor, 1.0
    if factor.constant == 0:
        return None, 0.0 if factor.kind == SINE else 1.0
    positive = Factor(factor.kind, factor.variable, 1.0, -factor.constant)
    return positive, -1.0 if factor.kind == SINE else 1.0


def _absorb(factor: Factor, power: float) -> tuple[Factor, float, float]:
    """Merge a power with the only Hill function of its variable: (factor, power left, scale)."""
    half, n = factor.constant, factor.exponent
    if factor.kind == HILL_REPRESSION and power >= n:
        return Factor(HILL_ACTIVATION, factor.variable, n, half), round(power - n, 12), half**n
    if factor.kind == HILL_ACTIVATION and power < 0:
        return Factor(HILL_REPRESSION, factor.variable, n, half), round(power + n, 12), half**-n
    return factor, power, 1.0

"""A candidate term: a number times a product of at most three factors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import printing
from .factor import Factor, canonical
from .kinds import (
    COSINE,
    EXPONENTIAL,
    HILL_ACTIVATION,
    HILL_REPRESSION,
    LOGARITHM,
    MAX_FACTORS,
    POWER,
    SINE,
)
from .numbers import tidy


@dataclass(frozen=True)
class Term:
    """A number times a product of at most three factors; ``Term()`` is the constant 1.

    Any order of factors may be given: they are brought to a canonical form, so that equal terms
    are equal objects (``==`` and ``hash``).

    Attributes
    ----------
    factors : tuple of Factor
    scale : float
        Finite and not zero.

    Raises
    ------
    ValueError
        More than three factors, or a scale that is zero or not finite.
    """

    factors: tuple[Factor, ...] = ()
    scale: float = 1.0

    def __post_init__(self) -> None:
        factors, scale = canonical(self.factors, float(self.scale))
        scale = tidy(scale) if math.isfinite(scale) else scale
        if len(factors) > MAX_FACTORS:
            raise ValueError(f"a term has at most {MAX_FACTORS} factors")
        if scale == 0 or not math.isfinite(scale):
            raise ValueError("the scale of a term must be finite and not zero")
        object.__setattr__(self, "factors", factors)
        object.__setattr__(self, "scale", scale)

    @staticmethod
    def product(powers: Mapping[str, float]) -> Term:
        """Make a product of powers: ``Term.product({"x": 2, "y": 1})`` is ``x^2*y``."""
        return Term(tuple(Factor(POWER, name, float(n)) for name, n in powers.items()))

    @property
    def variables(self) -> tuple[str, ...]:
        """Names the term depends on, sorted."""
        return tuple(sorted({factor.variable for factor in self.factors}))

    @property
    def complexity(self) -> float:
        """Factors counted with their powers: 3 for ``x^2*y``, 2 for a Hill function, 0 for 1.

        A fractional power counts its size rounded up; every other function counts 2.
        """
        return float(
            sum(math.ceil(abs(f.exponent)) if f.kind == POWER else 2 for f in self.factors)
        )

    def sign_without(self, name: str) -> int:
        """Sign of the term where the variable `name` is just above zero, all others positive.

        An outflow of a quantity that is never negative has to cease there: else it would run below
        zero.

        Returns
        -------
        int
            -1 or 1; 0 where the term vanishes, or its sign depends on the other variables.
        """
        sign = int(np.sign(self.scale))
        for f in self.factors:
            own = f.variable == name
            if own and (f.kind in (HILL_ACTIVATION, SINE) or (f.kind == POWER and f.exponent > 0)):
                return 0
            if own and f.kind == LOGARITHM:
                sign = -sign
            elif not own and f.kind in (LOGARITHM, SINE, COSINE):
                return 0
        return sign

    @property
    def text(self) -> str:
        """Canonical text in the term language; parsing it gives an equal term."""
        return printing.term_text(self)

    @property
    def mathml(self) -> str:
        """Presentation MathML, a whole ``<math>`` element."""
        return f"<math>{printing.term_mathml(self)}</math>"

    @property
    def latex(self) -> str:
        """LaTeX for math mode, without delimiters."""
        return printing.term_latex(self)

    @property
    def html(self) -> str:
        """Inline HTML, escaped."""
        return printing.term_html(self)

    def __str__(self) -> str:
        return self.text

    def evaluate(self, values: Mapping[str, ArrayLike]) -> NDArray[np.float64]:
        """Evaluate with NumPy, the reference for the kernels.

        Parameters
        ----------
        values : mapping of str to array
            One array per variable; shapes broadcast.

        Returns
        -------
        array
            NaN or infinite where the term is not defined (no warning is given).

        Raises
        ------
        KeyError
            A variable without values.
        """
        shape = np.broadcast_shapes(*(np.shape(value) for value in values.values()))
        result = np.full(shape, self.scale)
        for factor in self.factors:
            value = np.asarray(values[factor.variable], float)
            part = evaluate_factor(factor.kind, value, factor.exponent, factor.constant)
            with np.errstate(all="ignore"):
                result = result * part
        return result


def evaluate_factor(
    kind: int, value: NDArray[np.float64], exponent: float, constant: float
) -> NDArray[np.float64]:
    """Evaluate one factor; NaN or infinite where it is not defined.

    Hill functions are written as 1/(1 + ratio^n), which does not overflow to inf/inf; they take
    a negative value for 0.
    """
    if kind in (HILL_ACTIVATION, HILL_REPRESSION):
        value = np.maximum(value, 0.0)
    with np.errstate(all="ignore"):
        if kind == POWER:
            return np.asarray(value**exponent)
        if kind == HILL_ACTIVATION:
            return np.asarray(1.0 / (1.0 + (constant / value) ** exponent))
        if kind == HILL_REPRESSION:
            return np.asarray(1.0 / (1.0 + (value / constant) ** exponent))
        functions = {EXPONENTIAL: np.exp, LOGARITHM: np.log, SINE: np.sin, COSINE: np.cos}
        return np.asarray(functions[kind](constant * value))

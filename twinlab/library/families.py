"""Lists of terms: polynomials, mass action, Hill and Michaelis-Menten families."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import combinations_with_replacement, product

import numpy as np

from twinlab.errors import UserError
from twinlab.expressions import (
    HILL_ACTIVATION,
    HILL_REPRESSION,
    MAX_FACTORS,
    Factor,
    Term,
    shown,
)
from twinlab.study import Study

from .assembly import check_size

MAX_DEGREE = 10
ROLES = {
    "activation": (HILL_ACTIVATION,),
    "repression": (HILL_REPRESSION,),
    "both": (HILL_ACTIVATION, HILL_REPRESSION),
}
AUTO_QUANTILES = (0.25, 0.5, 0.75)


def polynomial_size(n_names: int, degree: int, interactions: bool) -> int:
    """How many monomials `polynomial_terms` would make at most."""
    if degree == 0:
        return 0
    return math.comb(n_names + degree, degree) if interactions else 1 + n_names * degree


def polynomial_terms(names: Sequence[str], degree: int, interactions: bool) -> list[Term]:
    """All monomials up to a total degree, constant first, then by degree and name order.

    Products of more than three different variables are left out: a term has three factors.
    """
    if degree == 0:
        return []
    terms = [Term()]
    for total in range(1, degree + 1):
        for combination in combinations_with_replacement(names, total):
            powers = {name: combination.count(name) for name in combination}
            if len(powers) <= MAX_FACTORS and (interactions or len(powers) == 1):
                terms.append(Term.product(powers))
    return terms


def check_degree(degree: object) -> int:
    """Return `degree` if it is a whole number that makes sense.

    Raises
    ------
    UserError
        It is not.
    """
    if isinstance(degree, bool) or not isinstance(degree, int | np.integer):
        raise UserError(f"The polynomial degree must be a whole number, not {shown(degree)}.")
    if not 0 <= degree <= MAX_DEGREE:
        raise UserError(f"The polynomial degree must be 0 to {MAX_DEGREE}, not {degree}.")
    return int(degree)


def hill_terms(
    name: str,
    half_saturation: object,
    coefficient: object,
    role: str,
    data: object,
    repeats: int,
) -> list[Term]:
    """Hill functions of one variable over a grid; activation and repression side by side.

    Parameters
    ----------
    name : str
    half_saturation : numbers or "auto"
        Positive, in the variable's unit; "auto" takes quartiles of `data`.
    coefficient : numbers
        Hill coefficients, positive.
    role : str
        'activation', 'repression' or 'both'.
    data : Study or anything else
    repeats : int
        How many columns each term becomes, for the limit on the size.
    """
    if role not in ROLES:
        raise UserError(
            f"The role of a Hill function must be {', '.join(ROLES)}, not {shown(role)}."
        )
    if isinstance(half_saturation, str) and half_saturation != "auto":
        raise UserError(
            f"half_saturation must be positive numbers or auto, not '{half_saturation}'."
        )
    if isinstance(half_saturation, str):
        half = auto_half_saturation(data, name)
    else:
        half = positive_numbers(half_saturation, "half_saturation")
    coefficients = positive_numbers(coefficient, "coefficient")
    check_size(len(half) * len(coefficients) * len(ROLES[role]) * repeats, "A Hill library")
    grid = product(half, coefficients, ROLES[role])
    return [Term((Factor(kind, name, n, k),)) for k, n, kind in grid]


def positive_numbers(values: object, what: str) -> tuple[float, ...]:
    """Return one number or a list of numbers as a tuple, refusing all that is not positive."""
    listed = [values] if isinstance(values, int | float | str | np.number) else values
    if not isinstance(listed, Iterable):
        raise UserError(f"{what} must be a list of positive numbers, not {shown(values)}.")
    numbers = []
    for value in listed:
        good = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        if not good or not math.isfinite(float(value)) or value <= 0:
            raise UserError(f"{what} must hold positive numbers, not {shown(value)}.")
        if what == "coefficient" and value > 100:
            raise UserError(f"A Hill coefficient beyond 100 is refused: {shown(value)}.")
        numbers.append(float(value))
    if not numbers:
        raise UserError(f"{what} is an empty list.", mend="Give at least one positive number.")
    return tuple(dict.fromkeys(numbers))


def auto_half_saturation(study: object, name: str) -> tuple[float, ...]:
    """Quartiles of the positive values measured, rounded to three digits."""
    if not isinstance(study, Study) or name not in study.variables:
        raise UserError(
            f"half_saturation 'auto' needs measured values of '{name}'.",
            mend="Give numbers instead, for example [0.2, 0.5, 1.0].",
        )
    index = study.variables.index(name)
    values = np.concatenate([t.value[:, index] for t in study.trajectories] or [np.empty(0)])
    positive = values[np.isfinite(values) & (values > 0)]
    if not positive.size:
        raise UserError(
            f"half_saturation 'auto' needs positive values of '{name}', and there are none.",
            mend="Give numbers instead, for example [0.2, 0.5, 1.0].",
        )
    quartiles = np.quantile(positive, AUTO_QUANTILES)
    return tuple(dict.fromkeys(float(f"{value:.3g}") for value in quartiles))

"""Sums of terms, each with a number in front: parts of an equation, measured combinations."""

from __future__ import annotations

from collections.abc import Iterable

from twinlab.errors import ExpressionError, UserError

from .messages import shown
from .normal import Sum, normalise
from .term import Term


def parse_sum(text: str, names: Iterable[str]) -> tuple[tuple[float, Term], ...]:
    """Parse a sum of terms such as ``"-0.5*x + 2*hill(y, 1, 2)"``.

    Parameters
    ----------
    text : str
        In the term language; like terms are added up.
    names : iterable of str
        Variables that may appear.

    Returns
    -------
    tuple of (float, Term)
        Coefficient and term of scale 1, in the order written.

    Raises
    ------
    ExpressionError
        The text is not a sum of products of known variables, or it is always zero.
    """
    if not isinstance(text, str):
        raise UserError(f"A sum must be text, not {shown(text)}.", mend='Write it in quotes: "x".')
    normaliser, value, clean = normalise(text, tuple(names))
    if isinstance(value, Sum) and value.exponent != 1:
        normaliser.not_a_product(value)
    parts = value.parts if isinstance(value, Sum) else (value,)
    terms = [normaliser.merged(part, 0) for part in parts if part.scale != 0]
    if not terms:
        raise ExpressionError("The sum is always zero.", clean, 0)
    return tuple((term.scale, Term(term.factors)) for term in terms)

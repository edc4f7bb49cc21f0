"""One belief about one candidate term, held before seeing data."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from twinlab.errors import ExpressionError, UserError
from twinlab.expressions import FUNCTIONS, parse_term
from twinlab.library.reactions import parse_reactions

#: Largest log-odds that anything but a person may give a term, so that data can win.
MACHINE_CAP = 4.0
#: `Belief.source` of machine-made beliefs begins with this word.
MACHINE = "machine"

#: Anything that could be the name of a variable.
NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Belief:
    """What is believed about one term in the equation of one state, or about one reaction.

    Attributes
    ----------
    state : str
        Whose equation; empty for a reaction.
    term : str
        In the term language, any order of factors: it is stored in canonical form.  For a
        reaction its text, such as "S + E -> C".
    required, excluded : bool
        The term is in every model, or in none.
    sign : int
        -1 or 1 where the coefficient must be negative or positive, else 0.
    lower, upper : float or None
        Bounds of the coefficient, in the unit of the state over that of the term and time.
    log_odds : float
        Added to the prior log-odds of inclusion; 0 says nothing.  A belief whose `source`
        begins with "machine" is capped to 4 in size, so that data can win.
    source : str
        Where the belief comes from, for the report.
    place : (str, int) or empty
        File and line it was read from.

    Raises
    ------
    UserError
        The belief contradicts itself, or a number in it cannot be used.
    """

    state: str
    term: str
    required: bool = False
    excluded: bool = False
    sign: int = 0
    lower: float | None = None
    upper: float | None = None
    log_odds: float = 0.0
    source: str = ""
    place: tuple[str, int] | tuple[()] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "term", canonical_text(self.term))
        if not math.isfinite(self.log_odds):
            raise self._error(
                "the log-odds must be finite", "Use required or excluded for certainty."
            )
        if self.source.startswith(MACHINE):
            capped = max(-MACHINE_CAP, min(MACHINE_CAP, self.log_odds))
            object.__setattr__(self, "log_odds", capped)
        self._check()

    def _check(self) -> None:
        lower, upper = self.bounds
        if self.sign not in (-1, 0, 1):
            raise self._error("the sign must be -1, 0 or 1")
        if math.isnan(lower) or math.isnan(upper):
            raise self._error("a bound is not a number")
        if self.required and self.excluded:
            raise self._error("the term is both required and excluded", "Choose one.")
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise self._error(
                f"the lower bound {self.lower:g} is above the upper bound {self.upper:g}"
            )
        if self.sign > 0 and upper <= 0 or self.sign < 0 and lower >= 0:
            word, bound = ("positive", "upper") if self.sign > 0 else ("negative", "lower")
            value = upper if self.sign > 0 else lower
            raise self._error(f"the sign is {word} but the {bound} bound is {value:g}")
        if self.required and self.lower == 0 == self.upper:
            raise self._error("the term is required, but its bounds allow only 0")

    def _error(self, problem: str, mend: str | None = None) -> UserError:
        return UserError(f"Belief about {self.label}: {problem}.", mend=mend)

    @property
    def is_reaction(self) -> bool:
        """Whether the belief is about a reaction."""
        return "->" in self.term

    @property
    def label(self) -> str:
        """Name of what the belief is about, as a library labels its columns."""
        return self.term if self.is_reaction else f"d {self.state}/dt: {self.term}"

    @property
    def key(self) -> tuple[str, str]:
        """What the belief is about; beliefs of one key replace each other."""
        return ("", self.term) if self.is_reaction else (self.state, self.term)

    @property
    def bounds(self) -> tuple[float, float]:
        """Bounds with the sign left out; infinite where there is none."""
        return (
            -math.inf if self.lower is None else float(self.lower),
            math.inf if self.upper is None else float(self.upper),
        )


def canonical_text(text: str) -> str:
    """Canonical form of a term or reaction whose names are not known yet.

    A text that cannot be parsed is returned as it is: the error comes when it is matched with a
    library, where the names are known and the message can help.
    """
    names = [name for name in NAME.findall(text) if name not in FUNCTIONS]
    try:
        if "->" in text:
            return parse_reactions(text, names)[0].text if "<->" not in text else text
        return parse_term(text, names).text
    except ExpressionError:
        return text

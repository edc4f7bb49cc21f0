"""What can be known besides beliefs about terms: edges, parts of equations, reactions, totals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from twinlab.errors import UserError
from twinlab.expressions import parse_sum

from .belief import canonical_text

#: File and line an item was read from; empty for one made in Python.
Place = tuple[str, int] | tuple[()]


def error_at(place: Place, problem: str, mend: str | None = None) -> UserError:
    """A `UserError` that names the file and line of an item, where it has them."""
    file, line = place if place else (None, None)
    return UserError(problem, file=file or None, row=line, mend=mend)


def _placed() -> Place:
    made: Place = field(default=(), compare=False, repr=False)
    return made


@dataclass(frozen=True)
class Edge:
    """One state or input acts on the change of a state.

    Attributes
    ----------
    regulator, target : str
    sign : int
        1 where more of the regulator raises the target's rate of change, -1 where it lowers it,
        0 where that is not said.
    confidence : float
        Probability, 0 to 1, that the edge exists.
    source : str
        Where it comes from; one that begins with "machine" was not judged by a person.
    sentences : tuple of str
        What the sources say, word for word.

    Raises
    ------
    UserError
        A sign or confidence that cannot be used.
    """

    regulator: str
    target: str
    sign: int = 0
    confidence: float = 0.8
    source: str = ""
    sentences: tuple[str, ...] = ()
    place: Place = _placed()

    def __post_init__(self) -> None:
        if self.sign not in (-1, 0, 1):
            raise error_at(self.place, f"{self.label}: the sign must be -1, 0 or 1.")
        if not 0.0 <= self.confidence <= 1.0:  # catches a NaN too
            raise error_at(
                self.place,
                f"{self.label}: the confidence must lie between 0 and 1, not {self.confidence:g}.",
            )

    @property
    def key(self) -> tuple[str, str]:
        """Regulator and target; at most one edge has them."""
        return self.regulator, self.target

    @property
    def label(self) -> str:
        """The edge in words: "hare -> lynx"; "-|" where it lowers."""
        return f"{self.regulator} {'-|' if self.sign < 0 else '->'} {self.target}"


@dataclass(frozen=True)
class KnownPart:
    """A part of the dynamics whose coefficient is given: never selected, never fitted.

    Attributes
    ----------
    state : str
        Whose equation; empty for a reaction.
    rate : str
        A sum in the term language, such as "-0.5*x + 2*hill(y, 1, 2)"; for a reaction its text,
        such as "A -> B".
    coefficient : float
        Rate constant of a reaction; 1 for a sum, which holds its own coefficients.
    source : str
    """

    state: str
    rate: str
    coefficient: float = 1.0
    source: str = ""
    place: Place = _placed()

    def __post_init__(self) -> None:
        if self.is_reaction == bool(self.state):
            raise error_at(
                self.place, "A known part is a sum in an equation, or a reaction, not both."
            )
        if not math.isfinite(self.coefficient) or self.coefficient == 0:
            raise error_at(self.place, f"{self.label}: the coefficient must be finite and not 0.")

    @property
    def is_reaction(self) -> bool:
        """Whether it is a reaction."""
        return "->" in self.rate

    @property
    def label(self) -> str:
        """What is known, in words."""
        if self.is_reaction:
            return f"{self.rate} at {self.coefficient:g}"
        return f"d {self.state}/dt holds {self.rate}"


@dataclass(frozen=True)
class CuratedReaction:
    """A reaction that becomes a candidate column; its rate constant is not negative.

    Attributes
    ----------
    text : str
        "S + E -> C", or with its rate "S -> I : S*I"; stored in canonical form.
    name : str
        For the report; may be empty.
    required : bool
    log_odds : float
        Added to the prior log-odds of inclusion.
    source : str
    """

    text: str
    name: str = ""
    required: bool = False
    log_odds: float = 0.0
    source: str = ""
    place: Place = _placed()

    def __post_init__(self) -> None:
        if "->" not in self.text or "<->" in self.text:
            raise error_at(
                self.place,
                f"'{self.text}' is not a reaction in one direction.",
                'Write "S + E -> C"; the two directions of a reversible one as two reactions.',
            )
        if not math.isfinite(self.log_odds):
            raise error_at(self.place, f"{self.label}: the log-odds must be finite.")
        object.__setattr__(self, "text", canonical_text(self.text))

    @property
    def key(self) -> tuple[str, str]:
        """As that of a belief about the reaction."""
        return "", self.text

    @property
    def label(self) -> str:
        """Name and text."""
        return f"{self.name}: {self.text}" if self.name else self.text


@dataclass(frozen=True)
class Conserved:
    """A weighted sum of states that never changes.

    Attributes
    ----------
    name : str
    weights : tuple of (str, float)
        State and weight; a mapping may be given.
    total : float or None
        Its value in every trajectory; None where each has its own, to be estimated.
    source : str
    """

    name: str
    weights: tuple[tuple[str, float], ...]
    total: float | None = None
    source: str = ""
    place: Place = _placed()

    def __post_init__(self) -> None:
        given = self.weights
        pairs = given.items() if isinstance(given, Mapping) else given
        weights = tuple((str(state), float(weight)) for state, weight in pairs)
        object.__setattr__(self, "weights", weights)
        names = [state for state, _ in weights]
        if len(names) < 2 or len(set(names)) < len(names):
            raise error_at(
                self.place, f"{self.label}: a conserved total needs two different states or more."
            )
        if not all(math.isfinite(weight) and weight != 0 for _, weight in weights):
            raise error_at(self.place, f"{self.label}: the weights must be finite and not 0.")
        if self.total is not None and not math.isfinite(self.total):
            raise error_at(self.place, f"{self.label}: the total must be finite.")

    @staticmethod
    def parse(text: str, states: Sequence[str]) -> Conserved:
        """Read "N = S + 2*I", or "N = S + 2*I = 100" where the total is known.

        Raises
        ------
        UserError
            It is not of that form, or names something that is no state.
        """
        parts = [part.strip() for part in text.split("=")]
        if len(parts) not in (2, 3) or not parts[0].isidentifier():
            raise UserError(
                f"'{text}' is no conserved total.", mend='Write "N = S + I + R", or "... = 100".'
            )
        weights = []
        for weight, term in parse_sum(parts[1], states):
            if len(term.factors) != 1 or term.text not in states:
                raise UserError(
                    f"A conserved total is a sum of states; {term.text} is none.",
                    mend='Write "N = S + 2*I".',
                )
            weights.append((term.text, weight))
        try:
            total = float(parts[2]) if len(parts) == 3 else None
        except ValueError:
            raise UserError(f"The total must be a number, not '{parts[2]}'.") from None
        return Conserved(parts[0], tuple(weights), total)

    @property
    def label(self) -> str:
        """Name and formula: "N = S + 2*I"."""
        parts = [f"{'' if w == 1 else f'{w:g}*'}{state}" for state, w in self.weights]
        return f"{self.name} = {' + '.join(parts)}".replace("+ -", "- ")

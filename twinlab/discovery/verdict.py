"""What the data say about one claim of the knowledge."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class PriorVerdict:
    """One claim held against the data.

    Attributes
    ----------
    kind : str
        'edge', 'missing edge' (of a complete table), 'odds', 'required', 'excluded' or 'sign'.
    label, source : str
        What is claimed, and who says so.
    sentences : tuple of str
        What the sources say, word for word.
    prior : float
        Log-odds, in nats, that some of its terms are in the model, as believed; infinite for a
        certainty.
    data : float
        Log Bayes factor of the data alone for them; for a sign, for the sign.
    posterior : float
        Log-odds after the data.
    evidence_with, evidence_without : float
        Log evidence of the models with and without its terms, the claim's own odds taken out.
    columns : tuple of int
        Columns it is about.
    verdict : str
        'confirmed', 'silent' (the data do not tell), 'overruled' (the data win), 'prior decides'
        (against the data), or 'refused' (a certainty the data speak against, which stands).
    opposite : bool
        The edge is there, with the other sign than was told.
    wanted : float or None
        The coefficient that the data want, where a sign or bound is refused.
    """

    kind: str
    label: str
    source: str
    sentences: tuple[str, ...]
    prior: float
    data: float
    posterior: float
    evidence_with: float
    evidence_without: float
    columns: tuple[int, ...]
    verdict: str
    opposite: bool = False
    wanted: float | None = None

    @property
    def conflict(self) -> bool:
        """Whether prior and data disagree."""
        return self.opposite or self.verdict in ("overruled", "refused", "prior decides")

    @property
    def text(self) -> str:
        """One sentence for people."""
        if self.opposite and self.verdict != "refused":
            return f"The data find {self.label} with the opposite sign."
        size = f"{abs(self.data):.0f} nats"
        for_it = self.data > 0
        if self.verdict == "refused":
            if self.kind == "required":
                return f"The data speak against {self.label}, which is required: {size} against."
            if self.kind == "excluded":
                return f"The data ask for {self.label}, which is excluded: {size} for it."
            return (
                f"The data want {self.label} with the coefficient {self.wanted or 0:.3g}, which "
                f"its sign or bounds forbid: {size} against them."
            )
        if self.verdict == "overruled":
            if for_it:
                return f"The data ask for {self.label} against the prior: {size} for it."
            return f"The data overrule {self.label}: {size} against."
        if self.verdict == "prior decides":
            word = "left out" if for_it else "kept"
            return f"{self.label} is {word} by the prior alone: {size} {_side(for_it)}."
        if self.verdict == "silent":
            return f"The data do not tell whether {self.label} is there."
        return f"The data agree about {self.label}: {size} {_side(for_it)}."

    @property
    def probability(self) -> float:
        """Posterior probability that some of its terms are in the model."""
        return 0.5 * (1.0 + math.tanh(0.5 * self.posterior))


def _side(for_it: bool) -> str:
    return "for it" if for_it else "against it"

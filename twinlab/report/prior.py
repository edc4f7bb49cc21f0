"""What the report says about prior knowledge and where the data disagree."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .numbers import number, percent

if TYPE_CHECKING:
    from twinlab.discovery import PriorVerdict
    from twinlab.knowledge import Knowledge

CERTAIN = "certain"


@dataclass(frozen=True)
class VerdictRow:
    """One claim: what was believed, what the data say alone, and what came of it."""

    label: str
    prior: str
    data: str
    posterior: str
    text: str
    conflict: bool
    source: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class KnownRow:
    """One item of knowledge that is no belief about a term: its kind, what it says, its source."""

    kind: str
    text: str
    source: str
    sentences: tuple[str, ...] = ()


def verdict_rows(verdicts: Sequence[PriorVerdict]) -> list[VerdictRow]:
    """Every claim held against the data, conflicts first."""
    return [
        VerdictRow(
            v.label,
            _odds(v.prior),
            nats(v.data),
            CERTAIN if math.isinf(v.posterior) else percent(v.probability),
            v.text,
            v.conflict,
            v.source,
            v.sentences,
        )
        for v in verdicts
    ]


def nats(value: float) -> str:
    """Log odds with a sign and one decimal, none beyond ten."""
    return f"{value:+.{0 if abs(value) >= 10 else 1}f}".replace("-", "−")


def _odds(value: float) -> str:
    return CERTAIN if math.isinf(value) else nats(value)


def known_rows(knowledge: Knowledge) -> list[KnownRow]:
    """Edges, known parts, curated reactions and conserved totals, in words."""
    rows = [
        KnownRow(
            "Edge",
            f"{e.label}, confidence {percent(e.confidence)}"
            + {1: ", positive", -1: ", negative"}.get(e.sign, ""),
            e.source,
            e.sentences,
        )
        for e in knowledge.edges
    ]
    if knowledge.complete:
        rows.append(KnownRow("Edges", "the table is complete: missing ones are unlikely", ""))
    rows += [KnownRow("Known part", k.label, k.source) for k in knowledge.known]
    rows += [
        KnownRow(
            "Reaction",
            r.label
            + (", required" if r.required else "")
            + (f", log-odds {number(r.log_odds)}" if r.log_odds else ""),
            r.source,
        )
        for r in knowledge.reactions
    ]
    rows += [
        KnownRow(
            "Conserved",
            f"{c.label}" + ("" if c.total is None else f", in all {number(c.total)}"),
            c.source,
        )
        for c in knowledge.conserved
    ]
    return rows

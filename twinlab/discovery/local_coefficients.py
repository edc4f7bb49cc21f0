"""Coefficients that vary, in numbers: the population's value and each subject's or condition's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .draws import central_interval
from .result import Discovery
from .variation_words import effect_text, effect_words, off_text, off_words
from .varying import VaryingTerm

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LocalCoefficient:
    """One coefficient of the best model that is not the same everywhere.

    Attributes
    ----------
    column : int
    label : str
        Equation and term.
    value, interval90
        Of the population: what a subject without deviation and effects has; (2,) array.
    by : str
        'subject' or 'condition': what the entries below are.
    names, conditions : tuples of str
        Trajectories' labels (of the first of a condition, its condition) and their conditions.
    own : (n,) array
    own90 : (n, 2) array
    term : VaryingTerm or None
        How far it deviates from one to the next; None where conditions alone tell it apart.
    explained : tuple of str
        What conditions and covariates do to it, and where it is off, in words.
    probability : float
        That it varies: by subject or, where it does not, of the most certain effect.
    """

    column: int
    label: str
    value: float
    interval90: Array
    by: str
    names: tuple[str, ...]
    conditions: tuple[str, ...]
    own: Array
    own90: Array
    term: VaryingTerm | None
    explained: tuple[str, ...]
    probability: float

    @property
    def order(self) -> NDArray[np.int64]:
        """Entries by their own value."""
        return np.argsort(self.own, kind="stable")


def local_coefficients(discovery: Discovery) -> tuple[LocalCoefficient, ...]:
    """Coefficients of the best model that vary; empty where none does."""
    variation, varying = discovery.variation, discovery.varying
    best, drawn = discovery.best, discovery.posterior.local
    if variation is None or varying is None or best.local is None:
        return ()
    out = []
    for place, column in enumerate(best.columns.tolist()):
        slot = int(varying.slot[column])
        term = next((t for t in variation.terms if t.column == column), None)
        effects = [e for e in variation.effects if e.column == column]
        off = [o for o in variation.off if o.column == column]
        if slot < 0 or (term is None and not effects and not off):
            continue
        rows, by = _rows(discovery, subjects=variation.by == "subject")
        own = best.coefficients[place] * best.local.factor[rows, place] + 0.0
        own90 = np.stack([own, own], axis=1)
        if drawn is not None:
            values = (
                discovery.posterior.coefficients[:, [column]]
                * np.exp(drawn.log_factor[:, rows, slot])
                + 0.0
            )
            held = values[discovery.posterior.coefficients[:, column] != 0.0]
            if len(held):
                own90 = np.stack(central_interval(held, 0.9), axis=1)
        study = discovery.study
        conditions = tuple(study.trajectories[r].condition for r in rows)
        out.append(
            LocalCoefficient(
                column,
                discovery.library.column_label(column),
                float(best.coefficients[place]),
                best.interval90[place],
                by,
                conditions if by == "condition" else tuple(study.labels[r] for r in rows),
                conditions,
                own,
                own90,
                term,
                (
                    *(effect_words(varying.effects[e.effect], e) for e in effects),
                    *(off_words(varying.off[o.off], o) for o in off),
                ),
                term.probability
                if term
                else max([*(e.probability for e in effects), *(o.probability for o in off)]),
            )
        )
    return tuple(out)


def _rows(discovery: Discovery, *, subjects: bool) -> tuple[list[int], str]:
    """All trajectories, or the first of each condition, and what they stand for."""
    own = [t.condition for t in discovery.study.trajectories]
    if subjects:
        return list(range(len(own))), "subject"
    return [own.index(name) for name in discovery.study.conditions], "condition"


def variation_mapping(discovery: Discovery) -> dict[str, Any] | None:
    """Coefficients that vary, for ``discovery.json``: population and every trajectory's own."""
    variation, varying = discovery.variation, discovery.varying
    if variation is None or varying is None:
        return None
    own = {}
    for found in local_coefficients(discovery):
        entries = zip(found.names, found.own, found.own90, strict=True)
        own[found.label] = {
            name: {"coefficient": _number(v), "interval90": [_number(q) for q in interval]}
            for name, v, interval in entries
        }
    return {
        "by": variation.by,
        "tested": list(variation.tested),
        "terms": [
            {
                "term": t.label,
                "omega": _number(t.omega),
                "omega_interval90": [_number(v) for v in t.omega90],
                "probability": _number(t.probability),
                "explained": _number(t.explained),
            }
            for t in variation.terms
        ],
        "effects": [
            {
                "term": e.label,
                "kind": varying.effects[e.effect].kind,
                "name": varying.effects[e.effect].name,
                "level": varying.effects[e.effect].level,
                "size": _number(e.size),
                "interval90": [_number(v) for v in e.size90],
                "probability": _number(e.probability),
                "text": effect_text(varying.effects[e.effect], e),
            }
            for e in variation.effects
        ],
        "off": [
            {
                "term": o.label,
                "condition": varying.off[o.off].name,
                "probability": _number(o.probability),
                "text": off_text(varying.off[o.off], o),
            }
            for o in variation.off
        ],
        "trajectories": own,
    }


def _number(value: float) -> float | None:
    value = float(value)
    return float(f"{value:.10g}") if math.isfinite(value) else None

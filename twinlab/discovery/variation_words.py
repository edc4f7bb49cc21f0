"""What varies, in words and as plain mappings."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .result import Discovery
from .varying import Effect, Variation, Varying, VaryingEffect

Array = NDArray[np.float64]


def effect_text(effect: Effect, found: VaryingEffect) -> str:
    """One effect in a few words."""
    factor, low, high = np.exp([found.size, *found.size90])
    times = f"is {factor:.3g} times (90 % interval {low:.3g} to {high:.3g})"
    if effect.kind == "condition":
        return f"{found.label} {times} that of the other conditions in {effect.name}"
    if effect.kind == "group":
        return f"{found.label} {times} that of the others where {effect.name} is {effect.level}"
    if effect.kind == "power":
        low, high = found.size90
        return (
            f"{found.label} goes with ({effect.name}/{effect.centre:.3g})^{found.size:.2g} "
            f"(90 % interval of the power {low:.2g} to {high:.2g})"
        )
    return f"{found.label} {times} as large for each {effect.scale:.3g} of {effect.name}"


def variation_text(variation: Variation, varying: Varying) -> str:
    """One or more sentences: which coefficients differ, by how much, and what explains it."""
    parts = []
    for term in variation.terms:
        low, high = (f"{100 * v:.0f}" for v in term.omega90)
        words = f"{term.label} varies by {100 * term.omega:.0f} % ({low} to {high} %)"
        if term.explained > 0.0:
            own = [e for e in variation.effects if e.column == term.column]
            names = ", ".join(dict.fromkeys(varying.effects[e.effect].name for e in own))
            words += f", after {names} explained {100 * term.explained:.0f} % of its variance"
        parts.append(words)
    parts += [effect_text(varying.effects[e.effect], e) for e in variation.effects]
    return f"Coefficients differ between {variation.by}s: {'; '.join(parts)}."


def variation_mapping(discovery: Discovery) -> dict[str, Any] | None:
    """Coefficients that vary, for ``discovery.json``: population and every trajectory's own."""
    variation, varying = discovery.variation, discovery.varying
    if variation is None or varying is None:
        return None
    best, library = discovery.best, discovery.library
    own = {}
    for place, column in enumerate(best.columns.tolist()):
        slot = int(varying.slot[column])
        if slot < 0 or best.local is None:
            continue
        low_high: Array = np.zeros((len(best.local.factor), 2))
        if discovery.posterior.local is not None:
            drawn = np.exp(discovery.posterior.local.log_factor[:, :, slot])
            values = discovery.posterior.coefficients[:, [column]] * drawn
            held = values[(values != 0.0).all(axis=1)]
            if len(held):
                low_high = np.quantile(held, (0.05, 0.95), axis=0).T
        values = best.coefficients[place] * best.local.factor[:, place]
        own[library.column_label(column)] = {
            label: {"coefficient": _number(v), "interval90": [_number(q) for q in interval]}
            for label, v, interval in zip(discovery.study.labels, values, low_high, strict=True)
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
        "trajectories": own,
    }


def _number(value: float) -> float | None:
    value = float(value)
    return float(f"{value:.10g}") if math.isfinite(value) else None

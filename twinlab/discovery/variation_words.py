"""What varies, in words."""

from __future__ import annotations

import numpy as np

from .varying import Effect, Off, SwitchedOff, Variation, Varying, VaryingEffect


def effect_text(effect: Effect, found: VaryingEffect) -> str:
    """One effect in a sentence."""
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


def effect_words(effect: Effect, found: VaryingEffect) -> str:
    """One effect in a few words, for a table that names the coefficient."""
    factor, low, high = np.exp([found.size, *found.size90])
    times = f"{factor:.3g} times ({low:.3g} to {high:.3g})"
    if effect.kind == "condition":
        return f"{effect.name}: {times}"
    if effect.kind == "group":
        return f"{effect.name} {effect.level}: {times}"
    if effect.kind == "power":
        low, high = found.size90
        centre = f"({effect.name}/{effect.centre:.3g})"
        return f"{centre}^{found.size:.2g} (power {low:.2g} to {high:.2g})"
    return f"each {effect.scale:.3g} of {effect.name}: {times}"


def off_text(off: Off, found: SwitchedOff) -> str:
    """A coefficient that is off in one condition, in a sentence."""
    probability = _probability(found.probability)
    return f"{found.label} is off in condition {off.name} (probability {probability})"


def off_words(off: Off, found: SwitchedOff) -> str:
    """The same in a few words, for a table that names the coefficient."""
    return f"{off.name}: off (probability {_probability(found.probability)})"


def _probability(value: float) -> str:
    return "over 0.99" if value > 0.99 else f"{value:.2f}"


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
    parts += [off_text(varying.off[o.off], o) for o in variation.off]
    return f"Coefficients differ between {variation.by}s: {'; '.join(parts)}."

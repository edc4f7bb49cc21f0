"""Unit of a term as text, from the units of its variables."""

from __future__ import annotations

from collections.abc import Mapping

from twinlab.expressions import POWER, Term, number_text


def term_unit(term: Term, units: Mapping[str, str]) -> str:
    """Unit of a term such as "mg^2/L"; "1" for a pure number, empty where it cannot be known.

    Hill functions have no unit (their half saturation carries the variable's).  The unit of
    ``exp``, ``log``, ``sin`` and ``cos`` is taken as 1.  Units are text: they are not converted
    or simplified.
    """
    power: dict[str, float] = {}
    for factor in term.factors:
        if factor.kind != POWER:
            continue
        unit = units.get(factor.variable, "")
        if not unit:
            return ""
        power[unit] = power.get(unit, 0.0) + factor.exponent
    above = [_raised(unit, n) for unit, n in power.items() if n > 0]
    below = [_raised(unit, -n) for unit, n in power.items() if n < 0]
    text = "·".join(above) or "1"
    return text + "".join(f"/{unit}" for unit in below)


def _raised(unit: str, n: float) -> str:
    base = unit if unit.replace("_", "").isalnum() else f"({unit})"
    return (base if n != 1 else unit) if n == 1 else f"{base}^{number_text(n)}"

"""Numbers as text: exact for round trips, rounded for people."""

from __future__ import annotations

import math


def number_text(value: float) -> str:
    """Shortest text that reads back as the same float ('2', '0.5', '1e-05')."""
    value = float(value)
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


def tidy(value: float) -> float:
    """Remove rounding noise of the last digits: 0.30000000000000004 becomes 0.3.

    The value moves by at most one part in 1e13, else it is left alone.
    """
    short = float(f"{value:.12g}")
    return short if abs(short - value) <= 1e-13 * abs(value) else value


def format_number(value: float, digits: int = 3) -> str:
    """Round to `digits` significant digits for people: '0.0281', '12300', '1.2e-5', '-3'.

    Plain notation from 0.001 up to 100000, scientific notation beyond.
    """
    mantissa, power = split_number(value, digits)
    return mantissa if power is None else f"{mantissa}e{power}"


def split_number(value: float, digits: int = 3) -> tuple[str, int | None]:
    """Mantissa text and power of ten of a rounded number; the power is None in plain notation."""
    value = float(value)
    if not math.isfinite(value):
        return str(value), None
    rounded = float(f"{value:.{digits}g}")
    if rounded == 0.0:
        return "0", None
    if 1e-3 <= abs(rounded) < 1e5:
        return _positional(rounded, digits), None
    mantissa, power = f"{rounded:.{digits - 1}e}".split("e")
    return mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa, int(power)


def _positional(rounded: float, digits: int) -> str:
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    text = f"{rounded:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

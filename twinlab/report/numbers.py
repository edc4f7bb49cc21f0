"""Numbers as people read them."""

from __future__ import annotations

import math

import numpy as np

from twinlab.expressions.numbers import split_number

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float, digits: int = 3) -> str:
    """Write `value` to `digits` significant digits, with a real minus and powers of ten.

    Examples
    --------
    >>> number(-0.02814), number(1.25e-7), number(float("nan"))
    ('−0.0281', '1.25 × 10⁻⁷', '–')
    """
    if math.isnan(value):
        return "–"
    mantissa, power = split_number(value, digits)
    tail = "" if power is None else f" × 10{str(power).translate(_SUPERSCRIPT)}"
    return mantissa.replace("-", "−").replace("inf", "∞") + tail


def estimate(value: float, low: float, high: float) -> str:
    """Write an estimate to two digits of its interval's width: 1.0 in [0.967, 1.033] is '1.000'."""
    width, largest = abs(high - low), max(abs(low), abs(high))
    if not np.isfinite([value, low, high]).all() or width == 0:
        return number(value)
    if 1e-3 <= largest < 1e5:
        decimals = int(np.clip(1 - math.floor(math.log10(width)), 0, 8))
        return f"{value:.{decimals}f}".replace("-", "−")
    return number(value, int(np.clip(math.ceil(math.log10(largest / width)) + 2, 2, 8)))


def interval(low: float, high: float) -> str:
    """Write an interval to two digits of its width: '0.967 to 1.033'."""
    return f"{estimate(low, low, high)} to {estimate(high, low, high)}"


def percent(probability: float) -> str:
    """Write a probability in per cent, never rounding doubt away.

    Examples
    --------
    >>> percent(0.999), percent(0.42), percent(0.0004)
    ('99.9 %', '42 %', '< 0.1 %')
    """
    value = 100.0 * float(probability)
    if math.isnan(value):
        return "–"
    if 0 < value < 0.1:
        return "< 0.1 %"
    if 99.9 < value < 100:
        return "> 99.9 %"
    if 0 < value < 10 or 99 < value < 100:
        return f"{value:.1f} %"
    return f"{value:.0f} %"

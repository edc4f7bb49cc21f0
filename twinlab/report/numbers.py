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
    """Write an estimate with the digits its interval deserves, three at least: '0.481'."""
    return _with_digits(value, value, low, high)


def interval(low: float, high: float, value: float | None = None) -> str:
    """Write an interval, with the digits of the estimate `value` in it: '0.417 to 0.545'.

    Of a value that is held, not estimated: 'held'.
    """
    if low == high == value:
        return "held"
    middle = 0.5 * (low + high) if value is None else value
    return f"{_with_digits(low, middle, low, high)} to {_with_digits(high, middle, low, high)}"


def _with_digits(shown: float, value: float, low: float, high: float) -> str:
    """Two digits of the interval's width, and three of the value."""
    width, largest = abs(high - low), max(abs(value), abs(low), abs(high))
    if not np.isfinite([shown, value, low, high]).all() or width == 0 or value == 0:
        return number(shown)
    place = min(math.floor(math.log10(width)) - 1, math.floor(math.log10(abs(value))) - 2)
    if 1e-3 <= largest < 1e5:
        return f"{shown:.{min(max(-place, 0), 8)}f}".replace("-", "−")
    return number(shown, int(np.clip(math.floor(math.log10(largest)) - place + 1, 3, 8)))


def percent(probability: float) -> str:
    """Write a probability in per cent, never rounding doubt away: '42 %', '< 0.1 %', '99.6 %'.

    The space before the sign does not break.
    """
    value = 100.0 * float(probability)
    if math.isnan(value):
        return "–"
    if 0 < value < 0.1:
        return "< 0.1\u00a0%"
    if 99.9 < value < 100:
        return "> 99.9\u00a0%"
    if 0 < value < 10 or 99 < value < 100:
        return f"{value:.1f}\u00a0%"
    return f"{value:.0f}\u00a0%"

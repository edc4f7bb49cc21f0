"""Numbers and names as people read them; everything that came from a user is escaped here."""

from __future__ import annotations

import html
import math
import re

_SUPERSCRIPT = str.maketrans("0123456789-.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻·")


def escape(text: object) -> str:
    """Text that is safe inside HTML, quotes included."""
    return html.escape(str(text), quote=True)


def number(value: float, digits: int = 3) -> str:
    """A number to `digits` significant digits, with a true minus and no needless zeros.

    >>> number(-0.02481)
    '−0.0248'
    >>> number(123456.0)
    '1.23×10⁵'
    """
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if size < -3 or size >= 5:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa.replace('-', '−')}×10{str(int(exponent)).translate(_SUPERSCRIPT)}"
    decimals = max(0, digits - 1 - size)
    return f"{value:.{decimals}f}".replace("-", "−")


def percent(value: float) -> str:
    """A probability in words of two digits; never a rounded 0 % or 100 %.

    >>> percent(0.9999)
    '> 99 %'
    """
    if not math.isfinite(value):
        return "–"
    if 0 < value < 0.01:
        return "< 1 %"
    if 0.99 < value < 1:
        return "> 99 %"
    return f"{100 * value:.0f} %"


def seconds(value: float) -> str:
    """A duration: '320 ms', '4.2 s', '2 min 05 s'."""
    if value < 1:
        return f"{1000 * value:.0f} ms"
    if value < 90:
        return f"{value:.1f} s"
    return f"{int(value // 60)} min {int(value % 60):02d} s"


def pretty_term(text: str) -> str:
    """The canonical text of a term for labels: ``x^2*y`` becomes ``x²·y``."""
    powers = re.sub(r"\^(\d+(?:\.\d+)?)", lambda m: m[1].translate(_SUPERSCRIPT), text)
    return powers.replace("*", "·")


def shorten(text: str, length: int) -> str:
    """Cut at `length` characters with an ellipsis."""
    return text if len(text) <= length else text[: length - 1] + "…"


def plural(count: int, word: str, many: str | None = None) -> str:
    """'1 subject', '12 subjects'."""
    return f"{count:,} {word if count == 1 else many or word + 's'}".replace(",", "\u202f")

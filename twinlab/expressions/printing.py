"""Terms and equations as text, MathML, LaTeX and inline HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from typing import TYPE_CHECKING

from .kinds import (
    COSINE,
    EXPONENTIAL,
    HILL_ACTIVATION,
    HILL_REPRESSION,
    LOGARITHM,
    POWER,
    SINE,
)
from .numbers import number_text, split_number

if TYPE_CHECKING:
    from .factor import Factor
    from .term import Term

FUNCTION_NAMES = {EXPONENTIAL: "exp", LOGARITHM: "log", SINE: "sin", COSINE: "cos"}
Writer = Callable[["Factor", float], str]  # a factor and the size of its exponent


def term_text(term: Term) -> str:
    """Canonical text in the term language."""
    above, below = _split(term, _factor_text)
    number = number_text(abs(term.scale))
    if number != "1" or not above:
        above = [number, *above]
    text = "*".join(above)
    if below:
        text += "/" + (below[0] if len(below) == 1 else f"({'*'.join(below)})")
    return f"-{text}" if term.scale < 0 else text


def _split(term: Term, write: Writer) -> tuple[list[str], list[str]]:
    """Written factors of the numerator and of the denominator; repeated ones as powers."""
    count: dict[Factor, int] = {}
    for factor in term.factors:
        count[factor] = count.get(factor, 0) + 1
    above: list[str] = []
    below: list[str] = []
    for factor, times in count.items():
        if factor.kind == POWER:
            (above if factor.exponent > 0 else below).append(write(factor, abs(factor.exponent)))
        else:
            above.append(write(factor, float(times)))
    return above, below


def _factor_text(factor: Factor, power: float) -> str:
    name, half, n = factor.variable, number_text(factor.constant), number_text(factor.exponent)
    if factor.kind == POWER:
        if power == 0.5:
            return f"sqrt({name})"
        written = name
    elif factor.kind == HILL_ACTIVATION:
        written = f"mm({name},{half})" if n == "1" else f"hill({name},{half},{n})"
    elif factor.kind == HILL_REPRESSION:
        written = f"repress({name},{half},{n})"
    else:
        written = f"{FUNCTION_NAMES[factor.kind]}({_argument(factor, name, '*', number_text)})"
    return written if power == 1 else f"{written}^{number_text(power)}"


def _argument(factor: Factor, name: str, times: str, number: Callable[[float], str]) -> str:
    """``2*x`` inside exp, log, sin or cos."""
    sign = "-" if factor.constant < 0 else ""
    size = abs(factor.constant)
    return f"{sign}{name}" if size == 1 else f"{sign}{number(size)}{times}{name}"


# ---------------------------------------------------------------------------------- MathML


_TIMES = "<mo>⋅</mo>"  # an invisible product would run long names together
_MINUS = '<mo form="prefix">−</mo>'


def name_mathml(name: str) -> str:
    """A variable: one letter in italics, longer names upright."""
    upright = ' mathvariant="normal"' if len(name) > 1 else ""
    return f"<mi{upright}>{escape(name)}</mi>"


def number_mathml(value: float, digits: int = 6) -> str:
    """A number rounded to `digits` significant digits."""
    mantissa, power = split_number(abs(value), digits)
    number = f"<mn>{mantissa}</mn>"
    if power is not None:
        exponent = f"<mn>{abs(power)}</mn>"
        if power < 0:
            exponent = f"<mrow>{_MINUS}{exponent}</mrow>"
        number = f"{number}<mo>×</mo><msup><mn>10</mn>{exponent}</msup>"
    return f"<mrow>{_MINUS if value < 0 else ''}{number}</mrow>"


def term_mathml(term: Term, size: float | None = None, digits: int = 6) -> str:
    """A term as MathML without the ``<math>`` element.

    `size` stands in for the term's number, without a sign, and is then always written.
    """
    above, below = _split(term, _factor_mathml)
    number = number_mathml(abs(term.scale) if size is None else size, digits)
    body = _TIMES.join(above)
    if below:
        bottom = _TIMES.join(below)
        body = f"<mfrac><mrow>{body or number}</mrow><mrow>{bottom}</mrow></mfrac>"
    if above and (size is not None or abs(term.scale) != 1):
        body = f"{number}{_TIMES}{body}"
    minus = _MINUS if size is None and term.scale < 0 else ""
    return f"<mrow>{minus}{body or number}</mrow>"


def _power_mathml(base: str, exponent: float) -> str:
    return base if exponent == 1 else f"<msup>{base}<mn>{number_text(exponent)}</mn></msup>"


def _bracket_mathml(body: str) -> str:
    return f"<mrow><mo>(</mo>{body}<mo>)</mo></mrow>"


def _factor_mathml(factor: Factor, power: float) -> str:
    name = name_mathml(factor.variable)
    if factor.kind == POWER:
        return f"<msqrt>{name}</msqrt>" if power == 0.5 else _power_mathml(name, power)
    if factor.kind in (HILL_ACTIVATION, HILL_REPRESSION):
        half = _power_mathml(f"<mn>{number_text(factor.constant)}</mn>", factor.exponent)
        variable = _power_mathml(name, factor.exponent)
        top = variable if factor.kind == HILL_ACTIVATION else half
        written = f"<mfrac>{top}<mrow>{half}<mo>+</mo>{variable}</mrow></mfrac>"
        return written if power == 1 else _power_mathml(_bracket_mathml(written), power)
    argument = _argument(factor, name, _TIMES, lambda v: f"<mn>{number_text(v)}</mn>")
    argument = argument.replace("-<", f"{_MINUS}<", 1) if factor.constant < 0 else argument
    function = _power_mathml(f"<mi>{FUNCTION_NAMES[factor.kind]}</mi>", power)
    return f"<mrow>{function}<mo>⁡</mo>{_bracket_mathml(argument)}</mrow>"


# ----------------------------------------------------------------------------------- LaTeX


def name_latex(name: str) -> str:
    r"""A variable: one letter as it is, longer names in ``\mathrm`` with underscores escaped."""
    escaped = name.replace("_", r"\_")
    return name if len(name) == 1 and name != "_" else rf"\mathrm{{{escaped}}}"


def number_latex(value: float, digits: int = 6) -> str:
    """A number rounded to `digits` significant digits."""
    mantissa, power = split_number(value, digits)
    return mantissa if power is None else rf"{mantissa} \times 10^{{{power}}}"


def term_latex(term: Term, size: float | None = None, digits: int = 6) -> str:
    """A term as LaTeX for math mode; `size` as in `term_mathml`."""
    above, below = _split(term, _factor_latex)
    number = number_latex(abs(term.scale) if size is None else size, digits)
    body = r"\,".join(above)
    if below:
        bottom = r"\,".join(below)
        body = rf"\frac{{{body or number}}}{{{bottom}}}"
    if above and (size is not None or abs(term.scale) != 1):
        body = rf"{number}\,{body}"
    return f"-{body or number}" if size is None and term.scale < 0 else body or number


def _power_latex(base: str, exponent: float) -> str:
    return base if exponent == 1 else f"{base}^{{{number_text(exponent)}}}"


def _factor_latex(factor: Factor, power: float) -> str:
    name = name_latex(factor.variable)
    if factor.kind == POWER:
        return rf"\sqrt{{{name}}}" if power == 0.5 else _power_latex(name, power)
    if factor.kind in (HILL_ACTIVATION, HILL_REPRESSION):
        half = _power_latex(number_text(factor.constant), factor.exponent)
        variable = _power_latex(name, factor.exponent)
        top = variable if factor.kind == HILL_ACTIVATION else half
        written = rf"\frac{{{top}}}{{{half} + {variable}}}"
        return written if power == 1 else _power_latex(rf"\left({written}\right)", power)
    argument = _argument(factor, name, r"\,", number_text)
    function = _power_latex(rf"\{FUNCTION_NAMES[factor.kind]}", power)
    return rf"{function}\left({argument}\right)"


# ------------------------------------------------------------------------------------ HTML


def name_html(name: str) -> str:
    """A variable in italics, escaped."""
    return f"<i>{escape(name)}</i>"


def number_html(value: float, digits: int = 6) -> str:
    """A number rounded to `digits` significant digits, with a true minus sign."""
    mantissa, power = split_number(value, digits)
    text = mantissa if power is None else f"{mantissa}×10<sup>{power}</sup>"
    return text.replace("-", "−")


def term_html(term: Term, size: float | None = None, digits: int = 6) -> str:
    """A term as inline HTML; `size` as in `term_mathml`."""
    above, below = _split(term, _factor_html)
    if size is not None or abs(term.scale) != 1 or not above:
        above = [number_html(abs(term.scale) if size is None else size, digits), *above]
    body = " · ".join(above)
    if below:
        body += " / " + (below[0] if len(below) == 1 else f"({' · '.join(below)})")
    return f"−{body}" if size is None and term.scale < 0 else body


def _power_html(base: str, exponent: float) -> str:
    return base if exponent == 1 else f"{base}<sup>{number_text(exponent)}</sup>"


def _factor_html(factor: Factor, power: float) -> str:
    name = name_html(factor.variable)
    if factor.kind == POWER:
        return f"√{name}" if power == 0.5 else _power_html(name, power)
    if factor.kind in (HILL_ACTIVATION, HILL_REPRESSION):
        half, n = number_text(factor.constant), number_text(factor.exponent)
        function = "hill" if factor.kind == HILL_ACTIVATION else "repress"
        written = f"{function}({name}, {half}, {n})"
        if factor.kind == HILL_ACTIVATION and n == "1":
            written = f"mm({name}, {half})"
        return _power_html(written, power)
    argument = _argument(factor, name, " · ", number_text).replace("-", "−")
    return f"{_power_html(FUNCTION_NAMES[factor.kind], power)}({argument})"


# ------------------------------------------------------------------------------- equations

Parts = Iterable[tuple[float, "Term"]]


def _signed(parts: Parts) -> list[tuple[bool, float, Term]]:
    """(is negative, size, term) of every part that is not zero; the term's number folded in."""
    folded = [(coefficient * term.scale, term) for coefficient, term in parts]
    return [(value < 0, abs(value), term) for value, term in folded if value != 0]


def _join(
    written: list[tuple[bool, str]], minus: str, glue_minus: str, glue_plus: str, zero: str
) -> str:
    if not written:
        return zero
    first_negative, text = written[0]
    text = f"{minus}{text}" if first_negative else text
    for negative, part in written[1:]:
        text += (glue_minus if negative else glue_plus) + part
    return text


def equation_text(state: str, parts: Parts, digits: int = 3) -> str:
    """``d hare/dt = 0.55*hare - 0.028*hare*lynx``; no parts give 0.

    Parameters
    ----------
    state : str
    parts : iterable of (coefficient, Term)
        Coefficients of zero are left out.
    digits : int
        Significant digits of the coefficients.
    """
    return f"d {state}/dt = {sum_text(parts, digits)}"


def sum_text(parts: Parts, digits: int = 3) -> str:
    """The right-hand side alone, in the term language's notation."""
    written = []
    for negative, size, term in _signed(parts):
        mantissa, power = split_number(size, digits)
        number = mantissa if power is None else f"{mantissa}e{power}"
        above, below = _split(term, _factor_text)
        text = "*".join([number, *above])
        if below:
            text += "/" + (below[0] if len(below) == 1 else f"({'*'.join(below)})")
        written.append((negative, text))
    return _join(written, "-", " - ", " + ", "0")


def equation_mathml(state: str, parts: Parts, digits: int = 3) -> str:
    """The equation as one ``<math>`` element; arguments as in `equation_text`."""
    written = []
    for negative, size, term in _signed(parts):
        written.append((negative, term_mathml(term, size, digits)))
    total = _join(written, _MINUS, "<mo>−</mo>", "<mo>+</mo>", "<mn>0</mn>")
    change = f"<mrow><mi>d</mi>{name_mathml(state)}</mrow>"
    left = f"<mfrac>{change}<mrow><mi>d</mi><mi>t</mi></mrow></mfrac>"
    return f'<math display="block"><mrow>{left}<mo>=</mo>{total}</mrow></math>'


def equation_latex(state: str, parts: Parts, digits: int = 3) -> str:
    """The equation as LaTeX for math mode; arguments as in `equation_text`."""
    written = []
    for negative, size, term in _signed(parts):
        written.append((negative, term_latex(term, size, digits)))
    left = rf"\frac{{\mathrm{{d}}{name_latex(state)}}}{{\mathrm{{d}}t}}"
    return f"{left} = {_join(written, '-', ' - ', ' + ', '0')}"


def equation_html(state: str, parts: Parts, digits: int = 3) -> str:
    """The equation as inline HTML, escaped; arguments as in `equation_text`."""
    written = []
    for negative, size, term in _signed(parts):
        written.append((negative, term_html(term, size, digits)))
    return f"d{name_html(state)}/d<i>t</i> = {_join(written, '−', ' − ', ' + ', '0')}"

"""Printing of numbers, terms and equations."""

from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from twinlab.expressions import (
    Factor,
    Term,
    equation_html,
    equation_latex,
    equation_mathml,
    equation_text,
    format_number,
    number_text,
    parse_term,
)

NAMES = ("x", "y", "hare", "lynx", "x_1", "amp")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1, "1"),
        (-0.5, "-0.5"),
        (0.02814, "0.0281"),
        (0.00123456, "0.00123"),
        (0.000999, "9.99e-4"),
        (0.0009996, "0.001"),
        (12345.6, "12300"),
        (99999, "1e5"),
        (123456, "1.23e5"),
        (1.2e-12, "1.2e-12"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
    ],
)
def test_numbers_have_three_significant_digits(value, text):
    assert format_number(value) == text


def test_exact_numbers_read_back():
    for value in (1.0, -3.0, 0.1, 1 / 3, 1e-300, 1e300, 123456789012345680.0):
        assert float(number_text(value)) == value
    assert number_text(2.0) == "2"


def mathml(text):
    source = parse_term(text, NAMES).mathml
    return source, ElementTree.fromstring(source)


def test_mathml_of_powers_fractions_and_hill():
    source, root = mathml("2*x^2*hare/y")
    assert root.tag == "math"
    assert root.find(".//mfrac") is not None
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in source
    assert '<mi mathvariant="normal">hare</mi>' in source
    assert root.find(".//mfrac")[1].findtext(".//mi") == "y"
    source, root = mathml("hill(x,0.5,2)")
    over, under = root.find(".//mfrac")
    assert ElementTree.tostring(over).decode() == "<msup><mi>x</mi><mn>2</mn></msup>"
    assert [e.text for e in under.iter() if e.text] == ["0.5", "2", "+", "x", "2"]
    source, root = mathml("repress(x,0.5,1)")
    assert root.find(".//mfrac")[0].text == "0.5"
    assert "<msqrt><mi>x</mi></msqrt>" in mathml("sqrt(x)")[0]
    assert "<mi>exp</mi>" in mathml("exp(-2*x)")[0]
    assert '<mo form="prefix">−</mo><mn>2</mn>' in mathml("exp(-2*x)")[0]
    assert "-" not in mathml("-x*exp(-2*y)")[0]


def test_names_are_escaped_everywhere():
    term = Term((Factor(0, "a<b&c"),))
    assert "a&lt;b&amp;c" in term.mathml and "a&lt;b&amp;c" in term.html
    assert "a<b" not in term.mathml and "a<b" not in term.html
    assert parse_term("x_1", NAMES).latex == r"\mathrm{x\_1}"
    assert "a&lt;b" in equation_html("a<b", []) and "a&lt;b" in equation_mathml("a<b", [])


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("x*y", r"x\,y"),
        ("x^2/y", r"\frac{x^{2}}{y}"),
        ("1/(x*y)", r"\frac{1}{x\,y}"),
        ("hill(x,0.5,2)", r"\frac{x^{2}}{0.5^{2} + x^{2}}"),
        ("mm(hare,2)", r"\frac{\mathrm{hare}}{2 + \mathrm{hare}}"),
        ("repress(x,2,3)", r"\frac{2^{3}}{2^{3} + x^{3}}"),
        ("sqrt(x)", r"\sqrt{x}"),
        ("log(2*x)^2", r"\log^{2}\left(2\,x\right)"),
        ("-3*x", r"-3\,x"),
        ("1e-7*x", r"1 \times 10^{-7}\,x"),
        ("1", "1"),
    ],
)
def test_latex(text, latex):
    assert parse_term(text, NAMES).latex == latex


def test_html_is_balanced_and_readable():
    class Checker(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open, self.text = [], ""

        def handle_starttag(self, tag, attrs):
            self.open.append(tag)

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

        def handle_data(self, data):
            self.text += data

    for text, shown in [
        ("x^2*hare", "hare · x2"),
        ("-2*x/(y*hare)", "−2 · x / (hare · y)"),
        ("hill(x,0.5,2)", "hill(x, 0.5, 2)"),
        ("mm(x,0.5)^2", "mm(x, 0.5)2"),
        ("exp(-x)", "exp(−x)"),
    ]:
        checker = Checker()
        checker.feed(parse_term(text, NAMES).html)
        assert checker.text == shown and not checker.open


PARTS = [
    (0.5471, parse_term("hare", NAMES)),
    (-0.02812, parse_term("hare*lynx", NAMES)),
    (0.0, parse_term("x", NAMES)),
    (-1.5e-6, parse_term("2*x/y", NAMES)),
    (3.0, Term()),
]


def test_equation_text():
    assert equation_text("hare", PARTS) == (
        "d hare/dt = 0.547*hare - 0.0281*hare*lynx - 3e-6*x/y + 3"
    )
    assert equation_text("x", []) == "d x/dt = 0"
    assert equation_text("x", [(0.0, Term())]) == "d x/dt = 0"
    assert equation_text("x", [(-2.0, parse_term("1/x", NAMES))]) == "d x/dt = -2/x"
    assert equation_text("x", [(1.0, parse_term("-x", NAMES))]) == "d x/dt = -1*x"


def test_long_names_do_not_run_together_in_mathml():
    source = equation_mathml("hare", [(2.0, parse_term("hare*lynx", NAMES))])
    assert ">hare</mi><mo>⋅</mo><mi" in source and "<mn>2</mn></mrow><mo>⋅</mo><mi" in source


def test_equation_mathml_is_well_formed_with_true_minus_signs():
    source = equation_mathml("hare", PARTS)
    root = ElementTree.fromstring(source)
    signs = [e.text for e in root[0] if e.tag == "mo"]
    assert signs.count("−") == 2 and signs.count("+") == 1 and signs[0] == "="
    assert "-" not in source.replace("mathvariant", "")
    assert "<mn>0.547</mn>" in source and "<msup><mn>10</mn>" in source
    empty = ElementTree.fromstring(equation_mathml("x", []))
    assert empty[0][-1].text == "0"
    first = ElementTree.fromstring(equation_mathml("x", [(-1.0, Term())]))
    assert [e.text for e in first[0]][1:3] == ["=", "−"]


def test_equation_latex_and_html():
    assert equation_latex("hare", PARTS) == (
        r"\frac{\mathrm{d}\mathrm{hare}}{\mathrm{d}t} = 0.547\,\mathrm{hare} - "
        r"0.0281\,\mathrm{hare}\,\mathrm{lynx} - 3 \times 10^{-6}\,\frac{x}{y} + 3"
    )
    html = equation_html("x", PARTS)
    reciprocal = [(-4.0, parse_term("3/(x*y)", NAMES))]
    assert equation_html("x", reciprocal).endswith("= −12 / (<i>x</i> · <i>y</i>)")
    assert equation_latex("x", reciprocal).endswith(r"= -\frac{12}{x\,y}")
    fraction = ElementTree.fromstring(equation_mathml("x", reciprocal)).findall(".//mfrac")[1]
    assert fraction[0].findtext(".//mn") == "12"
    assert html.startswith("d<i>x</i>/d<i>t</i> = 0.547 · <i>hare</i> − 0.0281 · ")
    assert "10<sup>−6</sup>" in html
    assert equation_html("x", []).endswith("= 0")

"""What the term language accepts, what it makes of it, and where it points when it refuses."""

import itertools
import random

import numpy as np
import pytest

from twinlab.errors import ExpressionError, UserError
from twinlab.expressions import HILL_ACTIVATION, POWER, Factor, Term, parse_term

NAMES = ("x", "y", "z", "lynx", "x_a")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("y*x", "x*y"),
        ("x*x*y", "x^2*y"),
        ("x**2", "x^2"),
        ("x^2^0.5", "x^1.414213562373"),
        ("-x^2", "-x^2"),
        ("(-x)^2", "x^2"),
        ("+x", "x"),
        ("2*x*y/z", "2*x*y/z"),
        ("1/(x*y^0.5)", "1/(x*sqrt(y))"),
        ("x/y/z", "x/(y*z)"),
        ("x^-2", "1/x^2"),
        ("x*y/y", "x"),
        ("sqrt(x*y)", "sqrt(x)*sqrt(y)"),
        ("(2*x*y)^2", "4*x^2*y^2"),
        ("x^(1/2)", "sqrt(x)"),
        ("1e-3 * x", "0.001*x"),
        (".5*x", "0.5*x"),
        ("3", "3"),
        ("1", "1"),
        ("2^3*x/4", "2*x"),
        ("x + x", "2*x"),
        ("3*x - x", "2*x"),
        ("x_a*lynx", "lynx*x_a"),
        ("hill(x,1,1)", "mm(x,1)"),
        ("mm(2*x, 1)", "mm(x,0.5)"),
        ("hill( x , 1/2 , 2 )", "hill(x,0.5,2)"),
        ("x/(0.5+x)", "mm(x,0.5)"),
        ("y*x/(x+0.5)", "y*mm(x,0.5)"),
        ("3*x/(1+2*x)", "1.5*mm(x,0.5)"),
        ("x^2/(0.3^2+x^2)", "hill(x,0.3,2)"),
        ("x^2.5/(0.3^2.5+x^2.5)", "hill(x,0.3,2.5)"),
        ("1/(1+(x/0.7)^3)", "repress(x,0.7,3)"),
        ("1/(1+(0.7/x)^3)", "hill(x,0.7,3)"),
        ("0.5/(0.5+x)", "repress(x,0.5,1)"),
        ("(1+x)^-2", "repress(x,1,1)^2"),
        ("1/(1+x)^2", "repress(x,1,1)^2"),
        ("x*repress(x,2,1)", "2*mm(x,2)"),
        ("hill(x,2,2)/x^2", "0.25*repress(x,2,2)"),
        ("exp(-x/2)", "exp(-0.5*x)"),
        ("exp(x)*exp(-3*x)", "exp(-2*x)"),
        ("1/exp(x)", "exp(-x)"),
        ("log(2*x)^2", "log(2*x)^2"),
        ("sin(-x)", "-sin(x)"),
        ("cos(-2*x)", "cos(2*x)"),
        ("cos(0*x)", "1"),
        ("exp(0)*sqrt(4)*x", "2*x"),
        ("x\n*\ty", "x*y"),
    ],
)
def test_text_becomes_its_canonical_form(text, canonical):
    term = parse_term(text, NAMES)
    assert term.text == canonical
    assert parse_term(term.text, NAMES) == term


@pytest.mark.parametrize(
    ("text", "position", "part"),
    [
        ("x + y", 2, "A candidate term is one product; write x and y as two terms."),
        ("x - y", 2, "write x and y as two terms"),
        ("x + y + z", 2, "write x, y and z as separate terms"),
        ("x*(1+y)", 4, "write 1 and y as two terms"),
        ("x/(y+x)", 4, "Below a division bar only"),
        ("x/(1-x)", 4, "Below a division bar only"),
        ("(1+x)^0.5", 2, "one product"),
        ("(1+x)^2", 2, "one product"),
        ("", 0, "empty"),
        ("   ", 0, "empty"),
        ("lyn", 0, "Did you mean 'lynx'? Known names: x, y, z, lynx, x_a."),
        ("x*lyns*y", 2, "There is no variable 'lyns'"),
        ("foo(x)", 0, "There is no function 'foo'"),
        ("hil(x,1,2)", 0, "Did you mean 'hill'"),
        ("hill", 0, "Write hill(x, K, n)."),
        ("x(2)", 0, "is a variable, not a function"),
        ("__import__('os')", 0, "There is no function '__import__'"),
        ("x*'os'", 2, "without quotes"),
        ("x.real", 1, "A dot is allowed only inside a number"),
        ("x[0]", 1, "round parentheses"),
        ("x{0}", 1, "round parentheses"),
        ("lambda: 0", 0, "There is no variable 'lambda'"),
        ("x if y else z", 2, "An operator is missing before 'if'"),
        ("x; y", 1, "The character ; has no meaning"),
        ("x = 1", 2, "without an equation"),
        ("x @ y", 2, "The character @ has no meaning"),
        ("x\\y", 1, "has no meaning"),
        ("x² ", 1, "Write ^2 for a square."),
        ("2×x", 1, "Write * for a product."),
        ("−x", 0, "Write - for a minus sign."),
        ("x*ｘ", 2, "There is no variable 'ｘ'"),
        ("x*٣", 2, "has no meaning"),
        ("x\x00", 1, "has no meaning"),
        ("x\u200by", 1, "has no meaning"),
        ("2x", 1, "An operator is missing before 'x'"),
        ("x y", 2, "An operator is missing before 'y'"),
        ("1.2.3", 3, "An operator is missing before '.3'"),
        ("1e", 1, "An operator is missing"),
        ("(x", 0, "never closed"),
        ("x)", 1, "never opened"),
        ("()", 1, "is missing before ')'"),
        ("x*", 2, "missing at the end"),
        ("x^", 2, "missing at the end"),
        ("*x", 0, "is missing before '*'"),
        ("x,y", 1, "comma"),
        ("hill(x,,2)", 7, "is missing before ','"),
        ("hill(x,1)", 8, "takes 3 arguments, not 2"),
        ("hill()", 5, "takes 3 arguments, not 0"),
        ("mm(x,1,2)", 0, "takes 2 arguments, not 3"),
        ("exp()", 4, "takes 1 argument, not 0"),
        ("hill(x,1,2", 4, "never closed"),
        ("hill(x,-1,2)", 7, "must be positive, not -1"),
        ("hill(x,1,0)", 9, "must be positive, not 0"),
        ("hill(x,y,2)", 7, "must be a number"),
        ("hill(x*y,1,2)", 6, "must be a variable"),
        ("hill(2,1,2)", 5, "must be a variable"),
        ("hill(x,1,2)^4", 0, "only be raised to 1, 2 or 3"),
        ("hill(x,1,200)", 9, "beyond 100"),
        ("1/log(x)", 2, "only be raised to 1, 2 or 3"),
        ("exp(x*y)", 5, "there may be one variable"),
        ("exp(x^2)", 5, "there may be one variable"),
        ("1e999", 0, "too large"),
        ("x*1e-999", 2, "too small"),
        ("1e200*1e200", 5, "too large"),
        ("1e200^2*x", 5, "too large"),
        ("exp(1000)", 4, "too large"),
        ("x/0", 1, "divides by zero"),
        ("0^-1", 1, "divides by zero"),
        ("0*x", 1, "always zero"),
        ("x-x", 1, "always zero"),
        ("log(0)", 4, "not defined"),
        ("log(-2)", 4, "not defined"),
        ("(-8)^(1/3)", 4, "no fractional power"),
        ("sqrt(-2*x)", 7, "no fractional power"),
        ("sqrt(x^2)", 5, "absolute value"),
        ("x^y", 2, "must be a number"),
        ("x^200", 2, "beyond 100"),
        ("x^99*x^99", 4, "cannot be computed"),
        ("x*y*z*lynx", 6, "at most 3 factors"),
        ("x*y*exp(z)*log(x)", 11, "at most 3 factors"),
    ],
)
def test_what_is_refused_shows_a_caret(text, position, part):
    with pytest.raises(ExpressionError) as caught:
        parse_term(text, NAMES)
    error = caught.value
    assert part in error.message
    lines = str(error).splitlines()
    assert len(lines) == 3
    assert lines[2] == "  " + " " * error.position + "^"
    assert position == error.position


def test_depth_and_length_have_limits():
    for text in (
        "(" * 200 + "x" + ")" * 200,
        "-" * 400 + "x",
        "x" + "^x" * 200,
        "exp(" * 100 + "x",
    ):
        with pytest.raises(ExpressionError, match="nested deeper than 50"):
            parse_term(text, ["x"])
    with pytest.raises(ExpressionError, match="at most 500 characters; this one has 100000"):
        parse_term("x" * 100_000, ["x"])
    assert parse_term("(" * 45 + "x" + ")" * 45, ["x"]).text == "x"
    assert parse_term("*".join(["x"] * 90), ["x"]).text == "x^90"


@pytest.mark.parametrize("seed", range(4))
def test_random_text_is_parsed_or_refused_properly(seed):
    rng = random.Random(seed)
    letters = "xyz0123456789+-*/^(),. eE_[]{}'\"\\;:=@#%&|<>?!~²٣é∂\u200b😀\n\t\x00"
    words = ["hill(", "mm(", "exp(", "log(", "sqrt(", "repress(", "sin(", "x", "y", "(1+x)", "/",
             "^", "1e308", "1e-308", "-", "0", "**", ",", "2)", "0.5"]  # fmt: skip
    parsed = 0
    for number in range(4000):
        pieces = letters if number % 2 else words
        text = "".join(rng.choice(pieces) for _ in range(rng.randint(0, 10)))
        try:
            term = parse_term(text, ("x", "y", "z"))
        except ExpressionError as error:
            assert len(str(error).splitlines()) == 3
        else:
            parsed += 1
            assert parse_term(term.text, ("x", "y", "z")) == term
    assert parsed > 50


def test_every_short_string_is_parsed_or_refused_properly():
    """No text may end in anything but a term or an ExpressionError."""
    for length in (1, 2, 3, 4):
        for pieces in itertools.product(
            ("x", "(", ")", "^", "-", "/", "+", "2", ",", "mm"), repeat=length
        ):
            try:
                term = parse_term("".join(pieces), ["x"])
            except ExpressionError as error:
                assert 0 <= error.position <= len(error.text)
            else:
                assert parse_term(term.text, ["x"]) == term


def test_a_term_must_be_text():
    with pytest.raises(UserError, match="must be text, not 5"):
        parse_term(5, ["x"])


def test_many_known_names_are_not_all_listed():
    with pytest.raises(ExpressionError, match="and 28 more"):
        parse_term("q", [f"v{i}" for i in range(40)])


def test_equal_terms_are_equal_objects():
    a = Term((Factor(POWER, "y"), Factor(POWER, "x"), Factor(POWER, "x")))
    b = parse_term("x^2*y", NAMES)
    assert a == b and hash(a) == hash(b)
    assert Term() == parse_term("1", NAMES)
    assert a != Term(a.factors, 2.0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Factor(7, "x"),
        lambda: Factor(POWER, "x", float("nan")),
        lambda: Factor(POWER, "x", 101.0),
        lambda: Factor(POWER, "x", 1.0, 2.0),
        lambda: Factor(HILL_ACTIVATION, "x", 1.0, 0.0),
        lambda: Factor(3, "x", 2.0),
        lambda: Factor(4, "x", 1.0, 0.0),
        lambda: Term((), 0.0),
        lambda: Term((), float("inf")),
        lambda: Term(tuple(Factor(POWER, n) for n in "abcd")),
    ],
)
def test_impossible_factors_and_terms_are_refused(make):
    with pytest.raises(ValueError):
        make()


def test_complexity_counts_powers():
    counts = {"1": 0, "x": 1, "x^2": 2, "x^2*y": 3, "hill(x,1,2)": 2, "y*mm(x,1)": 3, "1/x": 1}
    assert {text: parse_term(text, NAMES).complexity for text in counts} == counts


def test_signs_just_above_zero():
    """Of finite and infinite limits alike; nothing is said where another variable decides."""
    signs = {
        "1": 1, "-2*y": -1, "1/x": 1, "repress(x,1,2)": 1, "cos(x)": 1, "log(x)": -1,
        "-y*log(x)": 1, "x": 0, "x*log(x)": 0, "hill(x,1,2)": 0, "sin(x)": 0, "log(y)": 0,
    }  # fmt: skip
    assert {text: parse_term(text, NAMES).sign_without("x") for text in signs} == signs
    for text in (t for t, sign in signs.items() if sign != 0):
        assert np.sign(parse_term(text, NAMES).evaluate({"x": 1e-9, "y": 0.3})) == signs[text]

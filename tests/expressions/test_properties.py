"""Random terms: round trips, and three ways of evaluating that must agree."""

import numpy as np
import pytest

from twinlab.expressions import (
    COSINE,
    EXPONENTIAL,
    HILL_ACTIVATION,
    HILL_REPRESSION,
    LOGARITHM,
    MAX_FACTORS,
    POWER,
    SINE,
    Factor,
    Term,
    parse_term,
    term_table,
)

NAMES = ("x", "y", "beta", "S_1")


def random_factor(rng):
    kind = int(rng.choice([POWER, POWER, POWER, *range(POWER, COSINE + 1)]))
    name = str(rng.choice(NAMES))
    constant = float(rng.choice([0.5, 1.0, 2.0, rng.lognormal()]))
    if kind == POWER:
        return Factor(kind, name, float(rng.choice([1, 2, 3, -1, -2, 0.5, 1.5, -0.5])))
    if kind in (HILL_ACTIVATION, HILL_REPRESSION):
        return Factor(kind, name, float(rng.choice([1, 2, 4, 1.5])), constant)
    sign = 1 if kind == LOGARITHM else float(rng.choice([-1, 1]))
    return Factor(kind, name, 1.0, sign * constant)


def random_terms(seed, count):
    rng = np.random.default_rng(seed)
    terms = []
    while len(terms) < count:
        factors = tuple(random_factor(rng) for _ in range(rng.integers(0, MAX_FACTORS + 1)))
        scale = float(rng.choice([1.0, 1.0, -1.0, 2.5, rng.normal(), 1e-7 * rng.normal()]))
        try:
            terms.append(Term(factors, scale))
        except ValueError:  # sin(0*x) and its like
            continue
    return terms


def direct(factors, scale, values):
    """The definition of `kinds`, written out with no canonical form in between."""
    result = np.full(next(iter(values.values())).shape, scale)
    for f in factors:
        v, n, c = values[f.variable], f.exponent, f.constant
        result = (
            result
            * {
                POWER: lambda v=v, n=n: v**n,
                HILL_ACTIVATION: lambda v=v, n=n, c=c: v**n / (c**n + v**n),
                HILL_REPRESSION: lambda v=v, n=n, c=c: c**n / (c**n + v**n),
                EXPONENTIAL: lambda v=v, c=c: np.exp(c * v),
                LOGARITHM: lambda v=v, c=c: np.log(c * v),
                SINE: lambda v=v, c=c: np.sin(c * v),
                COSINE: lambda v=v, c=c: np.cos(c * v),
            }[f.kind]()
        )
    return result


def from_table(table, row, matrix):
    """A reader of the table that knows nothing of `Term`."""
    result = np.full(len(matrix), table.scale[row])
    for slot in range(table.factor_count[row]):
        factor = Factor(
            int(table.factor_kind[row, slot]),
            "v",
            float(table.exponent[row, slot]),
            float(table.constant[row, slot]),
        )
        result = result * direct((factor,), 1.0, {"v": matrix[:, table.factor_variable[row, slot]]})
    return result


@pytest.mark.parametrize("seed", range(5))
def test_text_round_trips(seed):
    for term in random_terms(seed, 300):
        again = parse_term(term.text, NAMES)
        assert again == term, term.text
        assert again.text == term.text


@pytest.mark.parametrize("seed", range(5))
def test_table_term_and_definition_agree(seed):
    terms = random_terms(100 + seed, 200)
    matrix = np.random.default_rng(seed).uniform(0.2, 2.0, (7, len(NAMES)))
    values = dict(zip(NAMES, matrix.T, strict=True))
    table = term_table(terms, NAMES)
    for row, term in enumerate(terms):
        expected = direct(term.factors, term.scale, values)
        np.testing.assert_allclose(term.evaluate(values), expected, rtol=1e-12)
        np.testing.assert_allclose(from_table(table, row, matrix), expected, rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_canonical_form_keeps_the_value_and_forgets_the_order(seed):
    rng = np.random.default_rng(200 + seed)
    values = dict(zip(NAMES, rng.uniform(0.2, 2.0, (len(NAMES), 7)), strict=True))
    for _ in range(300):
        factors = [random_factor(rng) for _ in range(rng.integers(1, MAX_FACTORS + 1))]
        term = Term(tuple(factors), 2.0)
        np.testing.assert_allclose(
            term.evaluate(values), direct(factors, 2.0, values), rtol=1e-11, atol=1e-300
        )
        assert Term(tuple(factors[::-1]), 2.0) == term
        assert Term(term.factors, term.scale) == term


def test_table_layout():
    terms = [parse_term(t, NAMES) for t in ("1", "x*beta", "3*hill(y,0.5,2)")]
    table = term_table(terms, NAMES)
    assert table.factor_count.tolist() == [0, 2, 1]
    assert table.factor_kind.tolist() == [[0, 0, 0], [0, 0, 0], [HILL_ACTIVATION, 0, 0]]
    assert table.factor_variable.tolist() == [[0, 0, 0], [2, 0, 0], [1, 0, 0]]
    assert table.exponent.tolist() == [[1, 1, 1], [1, 1, 1], [2, 1, 1]]
    assert table.constant.tolist() == [[1, 1, 1], [1, 1, 1], [0.5, 1, 1]]
    assert table.scale.tolist() == [1, 1, 3]
    for array in table[:3]:
        assert array.dtype == np.int64 and array.flags.c_contiguous
    for array in table[3:]:
        assert array.dtype == np.float64 and array.flags.c_contiguous
    assert term_table([], NAMES).factor_kind.shape == (0, 3)
    with pytest.raises(KeyError):
        term_table(terms, ("x",))


def test_undefined_values_are_nan_without_warnings():
    values = {"x": np.array([-1.0, 0.0, 1e300])}
    assert np.isnan(parse_term("log(x)", ["x"]).evaluate(values)[0])
    assert np.isnan(parse_term("sqrt(x)", ["x"]).evaluate(values)[0])
    assert np.isinf(parse_term("1/x", ["x"]).evaluate(values)[1])
    hill = parse_term("hill(x,2,4)", ["x"]).evaluate(values)
    np.testing.assert_allclose(hill, [0, 0, 1])
    repress = parse_term("repress(x,2,1.5)", ["x"]).evaluate(values)
    np.testing.assert_allclose(repress, [1, 1, 0], atol=1e-300)
    with pytest.raises(KeyError):
        parse_term("x", ["x"]).evaluate({"y": np.ones(2)})

"""From an expression tree to the canonical `Term`, with a caret for all that is not a product."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

from twinlab.errors import ExpressionError, UserError

from .factor import MAX_EXPONENT, Factor, canonical
from .kinds import (
    COSINE,
    EXPONENTIAL,
    HILL_ACTIVATION,
    HILL_REPRESSION,
    LOGARITHM,
    MAX_FACTORS,
    POWER,
    SINE,
)
from .messages import shown
from .numbers import tidy
from .parser import parse_tree
from .term import Term
from .tree import Call, Chain, Name, Negate, Node, Number, Raise

_FUNCTIONS = {"exp": EXPONENTIAL, "log": LOGARITHM, "sin": SINE, "cos": COSINE}
_MATH = {"exp": math.exp, "log": math.log, "sqrt": math.sqrt, "sin": math.sin, "cos": math.cos}


def parse_term(text: str, names: Iterable[str]) -> Term:
    """Parse a candidate term.

    Parameters
    ----------
    text : str
        One product in the term language, for example ``"2*x*hill(y, 0.5, 2)"``.
    names : iterable of str
        Variables that may appear.

    Raises
    ------
    ExpressionError
        The text is not one product of at most three factors of known variables; its message
        ends with the text and a caret under the offending character.
    """
    if not isinstance(text, str):
        raise UserError(
            f"A term must be text, not {shown(text)}.", mend='Write it in quotes: "x*y".'
        )
    node, text = parse_tree(text, tuple(names))
    return Normaliser(text).term(node)


def normalise(text: str, names: tuple[str, ...]) -> tuple[Normaliser, Product | Sum, str]:
    """What a text is: a product or a sum of products, with the text as errors should show it."""
    node, text = parse_tree(text, names)
    normaliser = Normaliser(text)
    return normaliser, normaliser.walk(node), text


@dataclass(frozen=True)
class Product:
    """A number times factors, each with the place it was written at; any length."""

    scale: float
    factors: tuple[tuple[Factor, int], ...] = ()


@dataclass(frozen=True)
class Sum:
    """A sum of products to a whole power; only meaningful below a division bar."""

    parts: tuple[Product, ...]
    exponent: int
    position: int


class Normaliser:
    """Walks a tree; every error points into `text`."""

    def __init__(self, text: str) -> None:
        self.text = text

    def fail(self, problem: str, position: int, mend: str | None = None) -> NoReturn:
        raise ExpressionError(problem, self.text, position, mend=mend)

    def term(self, node: Node) -> Term:
        return self.merged(self.product(node), node.position)

    def merged(self, product: Product, position: int) -> Term:
        """The canonical term of a product; `position` is where errors point."""
        factors = [factor for factor, _ in product.factors]
        try:
            merged, scale = canonical(factors, product.scale)
        except (ValueError, OverflowError) as error:
            self.fail(f"The term cannot be computed: {error}.", position)
        if scale == 0:
            self.fail("The term is always zero.", position)
        if not math.isfinite(scale):
            self.fail("The number in front of the term is too large.", position)
        if len(merged) > MAX_FACTORS:
            self.too_many(product)
        return Term(merged, scale)

    def too_many(self, product: Product) -> NoReturn:
        factors = [factor for factor, _ in product.factors]
        position = next(
            place
            for i, (_, place) in enumerate(product.factors)
            if len(canonical(factors[: i + 1], 1.0)[0]) > MAX_FACTORS
        )
        self.fail(
            f"A term has at most {MAX_FACTORS} factors; this is one too many.",
            position,
            "Powers of one variable count as one factor.",
        )

    def product(self, node: Node) -> Product:
        """Normalise a node that must be one product."""
        value = self.walk(node)
        if isinstance(value, Sum):
            self.not_a_product(value)
        return value

    def not_a_product(self, value: Sum, mend: str | None = None) -> NoReturn:
        parts = [_shown(part) for part in value.parts]
        listed = f"{', '.join(parts[:-1])} and {parts[-1]}"
        how = "two" if len(parts) == 2 else "separate"
        self.fail(
            f"A candidate term is one product; write {listed} as {how} terms.",
            value.position,
            mend,
        )

    def constant(self, node: Node, what: str) -> float:
        product = self.product(node)
        if product.factors:
            self.fail(f"{what} must be a number.", product.factors[0][1])
        return product.scale

    def walk(self, node: Node) -> Product | Sum:
        if isinstance(node, Number):
            return Product(node.value)
        if isinstance(node, Name):
            return Product(1.0, ((Factor(POWER, node.name), node.position),))
        if isinstance(node, Negate):
            return self.multiply(Product(-1.0), self.walk(node.operand), node.position)
        if isinstance(node, Raise):
            return self.power(self.walk(node.base), node)
        if isinstance(node, Call):
            return self.call(node)
        return self.add(node) if node.steps[0].operator in "+-" else self.chain(node)

    def chain(self, node: Chain) -> Product | Sum:
        value = self.walk(node.first)
        for step in node.steps:
            other = self.walk(step.operand)
            if step.operator == "/":
                other = self.invert(other, step.position)
            value = self.multiply(value, other, step.position)
        return value

    def add(self, node: Chain) -> Product | Sum:
        """Add products; like terms are combined, and what is left may still be one product."""
        parts: dict[tuple[Factor, ...], Product] = {}
        for sign, operand in [("+", node.first), *((s.operator, s.operand) for s in node.steps)]:
            part = self.product(operand)
            key, scale = canonical((factor for factor, _ in part.factors), part.scale)
            before = parts[key].scale if key in parts else 0.0
            total = self.finite(before + (scale if sign == "+" else -scale), node.position)
            places = tuple((factor, operand.position) for factor in key)
            parts[key] = Product(tidy(total), places)
        left = tuple(part for part in parts.values() if part.scale != 0)
        if len(left) > 1:
            return Sum(left, 1, node.position)
        return left[0] if left else Product(0.0)

    def multiply(self, a: Product | Sum, b: Product | Sum, position: int) -> Product | Sum:
        if isinstance(a, Sum) and isinstance(b, Product) and b == Product(1.0):
            return a
        if isinstance(b, Sum) and isinstance(a, Product) and a == Product(1.0):
            return b
        for value in (a, b):
            if isinstance(value, Sum):
                self.not_a_product(value)
        assert isinstance(a, Product) and isinstance(b, Product)
        return Product(self.finite(a.scale * b.scale, position), a.factors + b.factors)

    def finite(self, value: float, position: int) -> float:
        if not math.isfinite(value):
            self.fail("The number is too large to compute with.", position)
        return value

    def invert(self, value: Product | Sum, position: int) -> Product:
        """1/value; ``1/(K + x)`` and its like become saturating factors."""
        if isinstance(value, Product):
            return self.raised(value, -1.0, position)
        saturating = self.saturation(value)
        return self.raised(saturating, float(value.exponent), position)

    def saturation(self, value: Sum) -> Product:
        """``1/(a + b*x^n) = repress(x, (a/b)^(1/n), n)/a`` for positive numbers a and b."""
        plain = [part for part in value.parts if not part.factors]
        moving = [part for part in value.parts if len(part.factors) == 1]
        mend = (
            "Below a division bar only K + x, K^n + x^n or 1 + (x/K)^n with positive numbers"
            " is known: Hill, Michaelis-Menten and repression."
        )
        if len(value.parts) != 2 or len(plain) != 1 or len(moving) != 1:
            self.not_a_product(value, mend)
        a, b = plain[0].scale, moving[0].scale
        factor, place = moving[0].factors[0]
        if factor.kind != POWER or a <= 0 or b <= 0:
            self.not_a_product(value, mend)
        n = factor.exponent
        half = tidy(math.exp(math.log(a / b) / n)) if n != 1 else tidy(a / b)
        half = _nicer_root(a / b, half, n)
        kind = HILL_REPRESSION if n > 0 else HILL_ACTIVATION
        if not (0 < half < math.inf):
            self.fail("The half saturation of this form cannot be computed.", value.position)
        return Product(1.0 / a, ((Factor(kind, factor.variable, abs(n), half), place),))

    def power(self, base: Product | Sum, node: Raise) -> Product | Sum:
        exponent = self.constant(node.exponent, "An exponent")
        if isinstance(base, Sum):
            power = base.exponent * exponent
            if power in (-1, -2, -3):
                return self.raised(self.saturation(base), -power, node.position)
            if power not in (1, 2, 3):
                self.not_a_product(base)
            return Sum(base.parts, int(power), base.position)
        if abs(exponent) > MAX_EXPONENT and base.factors:
            self.fail(f"An exponent beyond {MAX_EXPONENT:g} is refused.", node.exponent.position)
        return self.raised(base, exponent, node.position)

    def raised(self, base: Product, exponent: float, position: int) -> Product:
        """Raise a product to a number, factor by factor."""
        if base.scale == 0 and exponent < 0:
            self.fail("This divides by zero.", position)
        if base.scale < 0 and exponent != int(exponent):
            self.fail("A negative number has no fractional power.", position)
        try:
            scale = tidy(float(base.scale**exponent))
        except OverflowError:
            scale = math.inf
        factors: list[tuple[Factor, int]] = []
        for factor, place in base.factors:
            factors += [(raised, place) for raised in self.raised_factor(factor, exponent, place)]
        return Product(self.finite(scale, position), tuple(factors))

    def raised_factor(self, factor: Factor, exponent: float, place: int) -> list[Factor]:
        if exponent == 0:
            return []
        if factor.kind == POWER:
            n = round(factor.exponent * exponent, 12)
            if abs(n) > MAX_EXPONENT:
                self.fail(f"An exponent beyond {MAX_EXPONENT:g} is refused.", place)
            if exponent != int(exponent) and factor.exponent % 2 == 0 and n % 2 != 0:
                name = factor.variable
                self.fail(
                    f"The root of an even power of {name} is its absolute value.",
                    place,
                    f"Write {Term((Factor(POWER, name, n),)).text} if {name} is never negative.",
                )
            return [Factor(POWER, factor.variable, n)]
        if factor.kind == EXPONENTIAL:
            return [Factor(EXPONENTIAL, factor.variable, 1.0, factor.constant * exponent)]
        if exponent not in (1, 2, 3):
            self.fail(
                "Hill functions, log, sin and cos can only be raised to 1, 2 or 3.",
                place,
                "They cannot be divided by.",
            )
        return [factor] * int(exponent)

    def call(self, node: Call) -> Product:
        inner = self.product(node.arguments[0])
        name, place = node.function, node.arguments[0].position
        if name in ("hill", "repress", "mm"):
            return self.saturating_call(node, inner)
        if not inner.factors:
            return Product(self.number(name, inner.scale, place))
        if name == "sqrt":
            return self.raised(inner, 0.5, place)
        merged, scale = canonical((factor for factor, _ in inner.factors), inner.scale)
        if not merged and name != "sqrt":
            return Product(self.number(name, scale, place))
        if len(merged) != 1 or merged[0].kind != POWER or merged[0].exponent != 1:
            self.fail(
                f"Inside {name} there may be one variable, times a number.",
                place,
                f"Write for example {name}({'-0.5*' if name == 'exp' else '2*'}x).",
            )
        if scale == 0:
            return Product(self.number(name, 0.0, place))
        factor = Factor(_FUNCTIONS[name], merged[0].variable, 1.0, scale)
        return Product(1.0, ((factor, node.position),))

    def number(self, function: str, value: float, position: int) -> float:
        try:
            return _MATH[function](value)
        except OverflowError:
            self.fail("The number is too large to compute with.", position)
        except ValueError:
            self.fail(f"{function} of {value:g} is not defined.", position)

    def saturating_call(self, node: Call, inner: Product) -> Product:
        name = node.function
        merged, scale = canonical((factor for factor, _ in inner.factors), inner.scale)
        if len(merged) != 1 or merged[0].kind != POWER or merged[0].exponent != 1 or scale <= 0:
            self.fail(
                f"The first argument of {name} must be a variable.", node.arguments[0].position
            )
        what = ("", f"The half saturation of {name}", f"The Hill coefficient of {name}")
        numbers = []
        for i, argument in enumerate(node.arguments[1:], 1):
            value = self.constant(argument, what[i])
            if value <= 0:
                self.fail(f"{what[i]} must be positive, not {value:g}.", argument.position)
            numbers.append(value)
        half, n = (
            numbers[0] if scale == 1 else tidy(numbers[0] / scale),
            numbers[1] if len(numbers) == 2 else 1.0,
        )
        if n > MAX_EXPONENT:
            self.fail(f"A Hill coefficient beyond {MAX_EXPONENT:g} is refused.", place_of(node, 2))
        if not (0 < half < math.inf):
            self.fail("The half saturation cannot be computed.", place_of(node, 1))
        kind = HILL_REPRESSION if name == "repress" else HILL_ACTIVATION
        return Product(1.0, ((Factor(kind, merged[0].variable, n, half), node.position),))


def place_of(node: Call, argument: int) -> int:
    """Position of an argument of a call."""
    return node.arguments[argument].position


def _nicer_root(value: float, root: float, n: float) -> float:
    """Prefer the rounded root where it gives `value` back as well as the full one."""
    short = float(f"{root:.12g}")
    return short if abs(short**n - value) <= 1e-12 * abs(value) else root


def _shown(part: Product) -> str:
    """Text of a part of a sum, for messages; a sign is left out (a coefficient carries it)."""
    factors, scale = canonical((factor for factor, _ in part.factors), abs(part.scale))
    try:
        return Term(factors, scale).text
    except ValueError:
        return "each part"

"""The term language: whitelist parser, canonical terms, numeric tables, printing."""

from .factor import Factor
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
from .messages import known_names, shown, suggestion
from .normal import parse_term
from .numbers import format_number, number_text
from .parser import FUNCTIONS
from .printing import (
    equation_html,
    equation_latex,
    equation_mathml,
    equation_text,
    name_mathml,
    sum_text,
)
from .sums import parse_sum
from .table import TermTable, term_table
from .term import Term, evaluate_factor

__all__ = [
    "COSINE",
    "EXPONENTIAL",
    "FUNCTIONS",
    "HILL_ACTIVATION",
    "HILL_REPRESSION",
    "LOGARITHM",
    "MAX_FACTORS",
    "POWER",
    "SINE",
    "Factor",
    "Term",
    "TermTable",
    "equation_html",
    "equation_latex",
    "equation_mathml",
    "equation_text",
    "evaluate_factor",
    "format_number",
    "known_names",
    "name_mathml",
    "number_text",
    "parse_sum",
    "parse_term",
    "shown",
    "suggestion",
    "sum_text",
    "term_table",
]

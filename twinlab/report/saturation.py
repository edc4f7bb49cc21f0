"""What the report says of saturating terms: fitted constants, families, equivalent models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .numbers import estimate, interval, number

if TYPE_CHECKING:
    from twinlab.discovery import Discovery


@dataclass(frozen=True)
class ConstantRow:
    """Fitted constants of one Hill function, for reading."""

    equation: str
    term: str
    variable: str
    half_saturation: str
    half_interval: str
    hill_coefficient: str
    hill_interval: str


def constants(discovery: Discovery) -> list[ConstantRow]:
    """List the fitted constants of the best model with their 90 % intervals."""
    library, rows = discovery.library, []
    for shape in discovery.best.shapes:
        term, column = library.term_of(shape.column), library.columns[shape.column]
        half = (float(shape.half_saturation90[0]), float(shape.half_saturation90[1]))
        hill = (float(shape.hill_coefficient90[0]), float(shape.hill_coefficient90[1]))
        n = shape.hill_coefficient
        rows.append(
            ConstantRow(
                ", ".join(library.states[s] for s, _ in column.stoichiometry),
                term.text,
                term.factors[shape.factor].variable,
                estimate(shape.half_saturation, *half),
                interval(*half, value=shape.half_saturation),
                estimate(n, *hill) if shape.hill_free else number(n),
                interval(*hill, value=n) if shape.hill_free else "held",
            )
        )
    return rows


@dataclass(frozen=True)
class FamilyRow:
    """Probability that a saturating family is in an equation, whichever atom stands for it."""

    equation: str
    family: str
    atoms: int
    probability: float


def family_rows(discovery: Discovery, floor: float = 0.01) -> list[FamilyRow]:
    """List the saturating families by probability, down to `floor`."""
    rows = []
    for f in discovery.families:
        if f.probability >= floor:
            names = " and ".join(f"{r} by {v}" for v, r in zip(f.variables, f.roles, strict=True))
            text = f"{names}, times {f.times}" if f.times else names
            rows.append(FamilyRow(f.equation, text, len(f.columns), f.probability))
    return sorted(rows, key=lambda row: -row.probability)


def class_sentences(discovery: Discovery, floor: float = 0.05) -> list[tuple[float, str]]:
    """Probability and words of each class of models that the data cannot tell apart."""
    return [(c.probability, c.text) for c in discovery.classes if c.text and c.probability >= floor]

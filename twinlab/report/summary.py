"""The result as plain text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twinlab.discovery import NOISE_WORDS, withheld
from twinlab.discovery.dose_words import dosing_sentences

from .content import (
    STATUS,
    Equation,
    alternatives,
    equations,
    explained,
)
from .numbers import number, percent

if TYPE_CHECKING:
    from twinlab.discovery import Discovery


def summary_text(discovery: Discovery, limit: int = 5) -> str:
    """Write the equations with 90 % intervals, the alternatives, the fit and the warnings.

    Parameters
    ----------
    discovery : Discovery
    limit : int
        How many alternatives to list.
    """
    lines = [STATUS.get(discovery.status, discovery.status), ""]
    why = withheld(discovery)
    share = "" if why else f", probability {percent(discovery.best.probability)}"
    lines.append(f"Best of {len(discovery.models)} models{share}:")
    for equation in equations(discovery):
        lines += _equation_lines(equation, show_inclusion=not why)
    lines += ["", "Alternatives:"] if len(discovery.models) > 1 else []
    for item in alternatives(discovery, limit)[1:]:
        changes = [f"+ {t}" for t in item.added] + [f"- {t}" for t in item.removed]
        chance = "" if why else f"{percent(item.probability):>8}"
        lines.append(f"  {item.rank:>2} {chance}  {'; '.join(changes)}")
    lines += ["", "Fit:"]
    for name, value in explained(discovery).items():
        known = value == value  # not NaN
        shown = f"{value:.3f}" if known else "not defined: fewer than three values a subject"
        lines.append(f"  R2 {name}: {shown}")
    lines.append(f"  chi-square per point: {discovery.chi2_per_point:.2f}")
    sd = ", ".join(f"{name} {number(value)}" for name, value in discovery.noise_sd.items())
    lines.append(f"  noise: {NOISE_WORDS[discovery.noise_model]}, sd {sd}")
    if why:
        lines += ["", why]
    notes = dosing_sentences(discovery)
    lines += ["", *(f"Note: {text}" for text in notes)] if notes else []
    lines += [""] if discovery.warnings else []
    lines += [f"Warning: {warning.text}" for warning in discovery.warnings]
    return "\n".join(lines)


def _equation_lines(equation: Equation, *, show_inclusion: bool) -> list[str]:
    head = f"  d {equation.state}/dt ="
    if not equation.rows:
        return [f"{head} 0"]
    lines = [head]
    width = max(len(row.term) for row in equation.rows)
    for row in equation.rows:
        tail = f"  inclusion {percent(row.inclusion)}" if show_inclusion else ""
        sign = "−" if row.value.startswith("−") else "+"
        value = f"{sign} {row.value.removeprefix('−')}"
        lines.append(f"      {value:<10} {row.term:<{width}}  90 % interval {row.interval}{tail}")
    return lines

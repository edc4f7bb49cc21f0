"""Calibration over the rows of a suite: coverage at every level, ranks, probabilities."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .calibration_metrics import NOMINAL
from .results import Results, Row
from .statistics import Reliability, clustered, wilson
from .suites import Suite
from .uniformity import ecdf_excess

Array = NDArray[np.float64]
Rate = tuple[float, float, float]  #: a share and the ends of its 95 % interval


@dataclass(frozen=True)
class Calibration:
    """What the answers to some data sets say of their own uncertainty.

    Attributes
    ----------
    label : str
    n, withheld : int
        Data sets answered with a posterior, and how many of these withheld probabilities.
    pit : (n_coefficient,) array
        Positions of the true coefficients among the draws that hold their term.
    held : float
        Mean share of the draws that hold a true term.
    coefficients, fitted, fresh : mapping of level in per cent to (share, low, high)
        Coverage of central intervals given that the term is in the draw, of bands of the data's
        own conditions, and of bands from unseen initial states; data sets are resampled whole.
    pit_fresh : (n,) array
        Positions of true forecasts.
    inclusion, models, top : Reliability or None
        Of the terms' inclusion probabilities, of all ranked models and of the first alone.
    """

    label: str
    n: int
    withheld: int
    pit: Array
    held: float
    coefficients: Mapping[int, Rate]
    fitted: Mapping[int, Rate]
    fresh: Mapping[int, Rate]
    pit_fresh: Array
    inclusion: Reliability | None
    models: Reliability | None
    top: Reliability | None


def calibration(label: str, rows: Sequence[Row]) -> Calibration | None:
    """Sum up rows of one method; None where none holds posterior draws."""
    metrics = [row["metrics"] for row in rows if row["metrics"].get("calibration")]
    if not metrics:
        return None
    parts = [m["calibration"] for m in metrics]
    pits = [np.array(list(part["pit"].values()), float) for part in parts]
    ranked = [m["models"] for m in metrics if m["models"]]
    tables = [Reliability.from_json(m["reliability"]) for m in metrics if m["reliability"]]
    held = [share for part in parts for share in part["held"].values()]
    return Calibration(
        label=label,
        n=len(parts),
        withheld=sum(not m["reliability"] for m in metrics),
        pit=np.concatenate(pits),
        held=float(np.mean(held)) if held else math.nan,
        coefficients={
            level: _rate([_inside(p, level) for p in pits], [p.size for p in pits])
            for level in NOMINAL
        },
        fitted=_bands([part["fitted"] for part in parts]),
        fresh=_bands([part["fresh"] for part in parts]),
        pit_fresh=np.array([p for part in parts for p in part["pit_fresh"]], float),
        inclusion=sum(tables[1:], tables[0]) if tables else None,
        models=_reliability([pair for pairs in ranked for pair in pairs]),
        top=_reliability([pairs[0] for pairs in ranked]),
    )


def _inside(pit: Array, level: int) -> int:
    return int((np.abs(2.0 * pit - 1.0) <= level / 100.0).sum())


def _rate(hits: Sequence[float], sizes: Sequence[float]) -> Rate:
    if not sum(sizes):
        return math.nan, math.nan, math.nan
    return sum(hits) / sum(sizes), *clustered(hits, sizes)


def _bands(counts: Sequence[Mapping[str, Any]]) -> dict[int, Rate]:
    sizes = [count["n"] for count in counts]
    return {level: _rate([count[str(level)] for count in counts], sizes) for level in NOMINAL}


def _reliability(pairs: Sequence[Sequence[float]]) -> Reliability | None:
    return Reliability.of((p, bool(true)) for p, true in pairs) if pairs else None


def calibrations(suite: Suite, method: str, results: Results) -> list[Calibration]:
    """One summary for each level of the suite's calibration axis, then one for all of them."""
    items = [item for item in suite.items if item.axis == "calibration"]
    out = []
    rows: list[Row] = []
    for level in dict.fromkeys(item.level for item in items):
        found = [
            row
            for item in items
            if item.level == level
            and (row := results.find(item.cell.key, method, suite.budget)) is not None
        ]
        rows += found
        made = calibration(level, found)
        if made is not None:
            out.append(made)
    every = calibration("all", rows)
    return out if every is None else [*out, every]


# --------------------------------------------------------------------------------------- text


def calibration_text(summaries: Sequence[Calibration]) -> list[str]:
    """Lines of a terminal: coverage by level, then probabilities, then the legend."""
    if not summaries:
        return []
    wide = max(len(s.label) for s in summaries) + 2
    levels = "".join(f"{level:>5}" for level in NOMINAL)
    head = (
        f"{'nominal %':<{wide}}{'sets':>5}{'ranks':>6}{'held':>6} |{levels} |{levels} |{levels} |"
        f"{'middle':>7}{'gap':>6}{'worst':>6}{'Brier':>7}{'log':>7} |"
        f"{'top p':>6}{'true':>6}{'held back':>11}"
    )
    heads = "".join(f" | {name:<19}" for name in ("coefficients", "own bands", "unseen starts"))
    title = f"{'':<{wide}}{'':>17}{heads} |"
    lines = ["Coverage in per cent, and probabilities", title, head]
    lines += [_line(summary, wide) for summary in summaries]
    return [*lines, "", *_inclusion_lines(summaries[-1]), *_rank_lines(summaries[-1]), *LEGEND]


LEGEND = (
    "ranks: true coefficients whose term 20 draws or more hold; held: share of the draws that hold"
    " a true term.  Coefficients: central intervals of the draws that hold the term.",
    "middle: inclusion probabilities between 0.25 and 0.95; gap: their calibration error"
    " (|mean probability - share true|, bins weighted by size); worst: the largest gap of a bin of"
    " 20 or more.",
    "top p: mean probability of the first model; true: how often it is the true one.  held back:"
    " data sets whose probabilities were withheld.",
)


def _line(summary: Calibration, wide: int) -> str:
    def shares(rates: Mapping[int, Rate]) -> str:
        return "".join(f"{_percent(rates[level][0]):>5}" for level in NOMINAL)

    out = f"{summary.label:<{wide}}{summary.n:>5}{summary.pit.size:>6}{_number(summary.held):>6} |"
    out += f"{shares(summary.coefficients)} |{shares(summary.fitted)} |{shares(summary.fresh)} |"
    table, top = summary.inclusion, summary.top
    if table is None:
        out += f"{'-':>7}{'-':>6}{'-':>6}{'-':>7}{'-':>7} |"
    else:
        out += f"{table.middle_n:>7}{_number(table.middle_gap):>6}{_number(table.largest_gap()):>6}"
        out += f"{_number(table.brier, 4):>7}{_number(table.log_score, 4):>7} |"
    if top is None:
        return f"{out}{'-':>6}{'-':>6}{summary.withheld:>11}"
    mean, true = top.total.sum() / top.n.sum(), top.true.sum() / top.n.sum()
    return f"{out}{_number(mean):>6}{_number(true):>6}{summary.withheld:>11}"


def _inclusion_lines(summary: Calibration) -> list[str]:
    """Reliability tables: inclusion of terms, all ranked models, the first model."""
    out = []
    for name, table in (
        ("inclusion", summary.inclusion), ("models", summary.models), ("first model", summary.top)
    ):  # fmt: skip
        if table is None:
            continue
        out.append(f"{name}: mean probability -> share true [95 %] (number)")
        for n, total, true in zip(table.n, table.total, table.true, strict=True):
            if n:
                low, high = wilson(float(true), float(n))
                out.append(
                    f"  {total / n:5.3f} -> {true / n:5.3f} [{low:.2f}, {high:.2f}] ({int(n)})"
                )
    return out


def _rank_lines(summary: Calibration) -> list[str]:
    out = []
    for name, pit in (("coefficients", summary.pit), ("forecasts", summary.pit_fresh)):
        if pit.size:
            excess = ecdf_excess(pit)
            words = "inside" if excess <= 1.0 else "outside"
            out.append(
                f"Ranks of {name}: the distribution lies {words} the simultaneous 95 % envelope of"
                f" {pit.size} uniform values ({excess:.2f} times its half width at most)."
            )
    return out


def _number(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


def _percent(value: float) -> str:
    return f"{100 * value:.0f}" if math.isfinite(value) else "-"

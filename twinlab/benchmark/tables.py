"""Tables of a suite: what each method is worth at each level of each axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from .adapters import find_method
from .calibration import calibration_text, calibrations
from .published import PUBLISHED
from .results import Results, Row
from .scoring import ERROR_CAP
from .statistics import Reliability, bootstrap, clustered, wilson
from .suites import Suite

Interval = tuple[float, float]
#: Outcomes that say nothing about a method: it is not judged on them.
NOT_JUDGED = ("absent", "skipped", "fault")


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval."""

    value: float
    interval: Interval = (math.nan, math.nan)


@dataclass(frozen=True)
class Totals:
    """One method over some rows.

    Attributes
    ----------
    n, failed : int
        Rows judged, and how many of them came to no answer (crashed, failed or overran).
    f1, precision, recall : Estimate
        Means; bootstrap intervals.
    exact : Estimate
        Rate; Wilson interval.
    coefficient_error, nrmse, nrmse_condition, seconds, memory : float
        Medians.
    covered90, covered50, band90, band50 : Estimate
        Rates; intervals from whole data sets drawn again.  NaN for a method that gives none.
    held90 : Estimate
        As `covered90`, of the true terms that the answer holds.
    diverged : float
        Share of forecasts.
    reliability : Reliability or None
    hidden : float
    """

    n: int
    failed: int
    f1: Estimate
    precision: Estimate
    recall: Estimate
    exact: Estimate
    coefficient_error: float
    nrmse: float
    nrmse_condition: float
    diverged: float
    covered90: Estimate
    covered50: Estimate
    held90: Estimate
    band90: Estimate
    band50: Estimate
    reliability: Reliability | None
    hidden: float
    seconds: float
    memory: float


def totals(rows: Sequence[Row]) -> Totals | None:
    """Sum up rows of one method; None where it was judged on none of them."""
    judged = [row for row in rows if row["outcome"] not in NOT_JUDGED]
    if not judged:
        return None
    metrics = [row["metrics"] for row in judged]
    hits = sum(bool(m["exact"]) for m in metrics)
    tables = [Reliability.from_json(m["reliability"]) for m in metrics if m["reliability"]]
    return Totals(
        n=len(judged),
        failed=sum(row["outcome"] != "answered" for row in judged),
        f1=_mean(metrics, "f1"),
        precision=_mean(metrics, "precision"),
        recall=_mean(metrics, "recall"),
        exact=Estimate(hits / len(judged), wilson(hits, len(judged))),
        coefficient_error=_median(metrics, "coefficient_error"),
        nrmse=_median(metrics, "nrmse"),
        nrmse_condition=_median(metrics, "nrmse_condition"),
        diverged=sum(m["diverged"] for m in metrics) / sum(m["n_forecast"] for m in metrics),
        covered90=_rate(metrics, "covered90", "n_true"),
        covered50=_rate(metrics, "covered50", "n_true"),
        held90=_rate([m for m in metrics if m.get("n_held")], "covered90", "n_held"),
        band90=_rate(metrics, "band90", "n_band"),
        band50=_rate(metrics, "band50", "n_band"),
        reliability=sum(tables[1:], tables[0]) if tables else None,
        hidden=_median(metrics, "hidden_correlation"),
        seconds=_median(judged, "seconds"),
        memory=_median(judged, "memory_mb"),
    )


def _known(rows: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [float(row[name]) for row in rows if row[name] is not None]


def _mean(rows: Sequence[Mapping[str, Any]], name: str) -> Estimate:
    values = _known(rows, name)
    return Estimate(sum(values) / len(values), bootstrap(values))


def _median(rows: Sequence[Mapping[str, Any]], name: str) -> float:
    values = _known(rows, name)
    return median(values) if values else math.nan


def _rate(rows: Sequence[Mapping[str, Any]], name: str, size: str) -> Estimate:
    kept = [row for row in rows if row[name] is not None]
    hits, sizes = _known(kept, name), _known(kept, size)
    if not sum(sizes):
        return Estimate(math.nan)
    return Estimate(sum(hits) / sum(sizes), clustered(hits, sizes))


# ------------------------------------------------------------------------------------- blocks


@dataclass(frozen=True)
class Line:
    """A level and a method of a table."""

    level: str
    at: float | None
    method: str
    totals: Totals


@dataclass(frozen=True)
class Block:
    """The table of one axis."""

    axis: str
    title: str
    challenge: str
    unit: str
    lines: tuple[Line, ...]


def blocks(suite: Suite, methods: Sequence[str], results: Results) -> tuple[Block, ...]:
    """One table for each axis, lines by level and then by method, in the suite's order."""
    pairs = {(item.cell.key, method) for item in suite.items for method in methods}
    rows = results.wanted(sorted(pairs), suite.budget)
    out = []
    for axis, (title, challenge, unit) in suite.axes.items():
        items = [item for item in suite.items if item.axis == axis]
        lines = []
        for level in dict.fromkeys(item.level for item in items):
            here = [item for item in items if item.level == level]
            for method in methods:
                found = [rows[k] for item in here if (k := (item.cell.key, method)) in rows]
                total = totals(found)
                if total is not None:
                    lines.append(Line(level, here[0].at, method, total))
        if lines:
            out.append(Block(axis, title, challenge, unit, tuple(lines)))
    return tuple(out)


def overall(suite: Suite, methods: Sequence[str], results: Results) -> dict[str, Totals]:
    """Every method over every cell it was judged on."""
    out = {}
    for method in methods:
        rows = results.wanted([(cell.key, method) for cell in suite.cells()], suite.budget)
        total = totals(list(rows.values()))
        if total is not None:
            out[method] = total
    return out


def bad_lines(block_list: Sequence[Block], own: str = "twinlab") -> list[tuple[Block, Line, str]]:
    """Lines of our own method that ask for attention, worst first, each with the reason."""
    out = []
    for block in block_list:
        for line in block.lines:
            if line.method != own:
                continue
            reasons = _reasons(block, line)
            if reasons:
                out.append((block, line, "; ".join(reasons)))
    return sorted(out, key=lambda row: (row[1].totals.f1.value, row[0].axis, row[1].level))


def _reasons(block: Block, line: Line) -> list[str]:
    total, reasons = line.totals, []
    rivals = [
        other
        for other in block.lines
        if other.level == line.level and not find_method(other.method).told and other is not line
    ]
    ahead = [o for o in rivals if o.totals.f1.value > total.f1.value + 0.005]
    if ahead:
        best = max(ahead, key=lambda other: other.totals.f1.value)
        reasons.append(f"{find_method(best.method).label} has F1 {best.totals.f1.value:.2f}")
    if total.failed:
        reasons.append(f"{total.failed} of {total.n} without an answer")
    if total.f1.value < 0.9:
        reasons.append(f"F1 {total.f1.value:.2f}")
    for name, estimate in (("coefficients", total.covered90), ("bands", total.band90)):
        if estimate.interval[1] < 0.9:  # one data set alone has no interval, and proves nothing
            reasons.append(f"90 % {name} cover {100 * estimate.value:.0f} %")
    return reasons


# --------------------------------------------------------------------------------------- text

_HEAD = (
    f"{'method':<17}{'n':>4}{'F1':>6}{'':>12}{'exact':>7}{'':>11}{'prec':>6}{'rec':>6}{'coef':>8}"
    f"{'NRMSE':>8}{'cond':>8}{'cov90':>7}{'cov50':>7}{'held90':>8}{'band90':>8}{'band50':>8}{'Brier':>7}"
    f"{'ECE':>6}{'hidden':>8}{'failed':>8}"
)
_COSTS = f"{'s':>8}{'MB':>7}"


def text(suite: Suite, methods: Sequence[str], results: Results, *, costs: bool = True) -> str:
    """Everything a terminal shows of a suite; without costs it depends on the answers alone."""
    made = blocks(suite, methods, results)
    lines = [headline(suite, methods, results)]
    lines += ["", *_bad_text(made)]
    for block in made:
        lines += ["", f"{block.title}   [challenge {block.challenge}]"]
        wide = max(len(line.level) for line in block.lines) + 2
        lines.append(f"{'level':<{wide}}{_HEAD}{_COSTS if costs else ''}")
        previous = ""
        for line in block.lines:
            level = "" if line.level == previous else line.level
            previous = line.level
            lines.append(f"{level:<{wide}}{_line(line.method, line.totals, costs)}")
        lines += published_lines(suite, block)
    lines += ["", "All cells", f"{'':<2}{_HEAD}{_COSTS if costs else ''}"]
    for method, total in overall(suite, methods, results).items():
        lines.append(f"{'':<2}{_line(method, total, costs)}")
    if "calibration" in suite.axes:
        for method in methods:
            summaries = calibrations(suite, method, results)
            lines += ["", f"{find_method(method).label}:", *calibration_text(summaries)]
    lines += ["", *left_out(suite, methods, results), *legend(methods), suite.note]
    return "\n".join(lines)


def headline(suite: Suite, methods: Sequence[str], results: Results) -> str:
    """Title, how many of the answers there are, and the budget."""
    pairs = [(cell.key, method) for cell in suite.cells() for method in methods]
    there = len(results.wanted(pairs, suite.budget))
    return (
        f"{suite.title}: {len(suite.cells())} data sets, {there} of {len(pairs)} answers, budget "
        f"{suite.budget:g} s each"
    )


def _line(method: str, total: Totals, costs: bool) -> str:
    reliability = total.reliability
    brier = reliability.brier if reliability else math.nan
    error = reliability.calibration_error() if reliability else math.nan
    shown = (
        f"{find_method(method).label:<17}{total.n:>4}{number(total.f1.value, 2):>6}"
        f"{_range(total.f1.interval, 2):>12}{percent(total.exact.value):>7}"
        f"{_range(tuple(100 * v for v in total.exact.interval), 0):>11}"
        f"{number(total.precision.value, 2):>6}{number(total.recall.value, 2):>6}"
        f"{number(total.coefficient_error, 3):>8}{number(total.nrmse, 3):>8}"
        f"{number(total.nrmse_condition, 3):>8}{percent(total.covered90.value):>7}"
        f"{percent(total.covered50.value):>7}{percent(total.held90.value):>8}"
        f"{percent(total.band90.value):>8}"
        f"{percent(total.band50.value):>8}{number(brier, 3):>7}{number(error, 2):>6}"
        f"{number(total.hidden, 2):>8}{total.failed:>8}"
    )
    if costs:
        shown += f"{number(total.seconds, 2):>8}{number(total.memory, 0):>7}"
    return shown


def number(value: float, digits: int) -> str:
    """A number, or a dash for one that is not there."""
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


def percent(value: float) -> str:
    """A rate in per cent, or a dash."""
    return f"{100 * value:.0f} %" if math.isfinite(value) else "-"


def _range(interval: Sequence[float], digits: int) -> str:
    low, high = interval
    return f"[{low:.{digits}f},{high:.{digits}f}]" if math.isfinite(low) else ""


def _bad_text(made: Sequence[Block]) -> list[str]:
    bad = bad_lines(made)
    if not bad:
        return ["Nowhere is TwinLab behind a peer, below F1 0.90 or short of coverage."]
    out = ["Where TwinLab does badly, worst first:"]
    out += [f"  {b.title}, {line.level} (n {line.totals.n}): {why}" for b, line, why in bad]
    return out


def published_lines(suite: Suite, block: Block) -> list[str]:
    out = []
    for level in dict.fromkeys(line.level for line in block.lines):
        published = PUBLISHED.get((suite.name, level))
        if published is not None:
            out.append(
                f"  published, {level}: {published.method}: exact {100 * published.exact:.0f} %"
            )
    return out


def left_out(suite: Suite, methods: Sequence[str], results: Results) -> list[str]:
    """Which methods were not judged on which number of cells, and why."""
    out = []
    for method in methods:
        rows = results.wanted([(cell.key, method) for cell in suite.cells()], suite.budget)
        reasons: dict[str, int] = {}
        for row in rows.values():
            if row["outcome"] in NOT_JUDGED:
                words = f"{row['outcome']}: {row['failure']}"
                reasons[words] = reasons.get(words, 0) + 1
        out += [
            f"{find_method(method).label}: not judged on {n} of {len(rows)} ({words})"
            for words, n in sorted(reasons.items())
        ]
    return out


def legend(methods: Sequence[str]) -> list[str]:
    """What the methods and the columns are."""
    return [
        *(f"{find_method(m).label}: {find_method(m).note}." for m in methods),
        "F1, prec(ision), rec(all): (equation, term) pairs, means over data sets with 95 %"
        " bootstrap intervals.  exact: every equation's support right, Wilson 95 % interval.",
        "coef: Euclidean error of the coefficients over the size of the true ones, median.",
        "NRMSE: forecasts from unseen initial states, each state in units of its sd, median; cond:"
        f" an unseen condition.  A divergence counts {ERROR_CAP:g}, the cap.",
        "cov90, cov50: true coefficients inside nominal intervals; a missing term is not covered."
        "  band90, band50: points of the true forecasts inside the bands.  A dash: none given.",
        "Brier, ECE: of inclusion probabilities over all candidates.  hidden: |correlation| of"
        " hidden states.  failed: crashed, gave up or overran (scored as an empty model).",
        "s, MB: medians of wall time and of memory needed on top of the process's own.",
    ]

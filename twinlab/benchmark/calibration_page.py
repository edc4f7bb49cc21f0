"""The plots of calibration: coverage, ranks with their envelope, reliability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinlab.report.charts import Curve, curve_figure, envelope_figure

from .adapters import find_method
from .calibration import Calibration, Rate, calibration_text, calibrations
from .places import key_entry, place_of
from .results import Results
from .statistics import Reliability, wilson
from .suites import Suite
from .uniformity import counts_below, envelope, histogram_envelope, places

Array = NDArray[np.float64]
COVERED = ("coefficients", "bands of the data", "bands from unseen starts")
BINS = 20  #: of the rank histograms


def calibration_part(
    suite: Suite, method: str, results: Results, figures: dict[str, Any]
) -> dict[str, Any] | None:
    """Parts of a method's calibration for the page; its plots are put into `figures`.

    None for a suite that does not ask for it, or a method without posterior draws.
    """
    if "calibration" not in suite.axes:
        return None
    summaries = calibrations(suite, method, results)
    if not summaries:
        return None
    every, place = summaries[-1], place_of(method)
    made = {
        "Coverage of central intervals and bands": _coverage(every),
        "Inclusion probabilities": _reliability(every.inclusion, place),
        "Probabilities of ranked models": _reliability(every.models, place),
        "Probability of the first model": _reliability(every.top, place),
    }
    for name, pit in (("coefficients", every.pit), ("unseen forecasts", every.pit_fresh)):
        if pit.size:
            made[f"Ranks of {name}"] = _histogram(pit, place)
            made[f"Distribution of the ranks of {name}, less uniform"] = _difference(pit, place)
    plots = []
    for number, (caption, figure) in enumerate(made.items()):
        if figure is not None:
            figures[f"calibration-{place}-{number}"] = figure
            plots.append((f"calibration-{place}-{number}", caption))
    return {
        "method": find_method(method).label,
        "plots": plots,
        "key": [key_entry(label, number) for number, label in enumerate(COVERED)],
        "text": "\n".join(calibration_text(summaries)),
    }


def _coverage(summary: Calibration) -> Any:
    """Nominal against empirical coverage of coefficients and bands."""

    def curve(label: str, place: int, rates: Mapping[int, Rate]) -> Curve:
        levels = [level for level in rates if np.isfinite(rates[level][0])]
        ends = [rates[level] for level in levels]
        return Curve(
            label,
            place,
            [level / 100.0 for level in levels],
            [rate for rate, _, _ in ends],
            [low if np.isfinite(low) else rate for rate, low, _ in ends],
            [high if np.isfinite(high) else rate for rate, _, high in ends],
        )

    kinds = (summary.coefficients, summary.fitted, summary.fresh)
    pairs = zip(COVERED, kinds, strict=True)
    curves = [curve(label, place, rates) for place, (label, rates) in enumerate(pairs)]
    return curve_figure(curves, "nominal level", "share inside", diagonal=True)


def _reliability(table: Reliability | None, place: int) -> Any | None:
    """Share that is true against the probability given, with Wilson bars."""
    if table is None:
        return None
    filled = np.flatnonzero(table.n > 0)
    bounds = [wilson(float(table.true[k]), float(table.n[k])) for k in filled]
    curve = Curve(
        "observed",
        place,
        (table.total / np.maximum(table.n, 1))[filled].tolist(),
        (table.true / np.maximum(table.n, 1))[filled].tolist(),
        [low for low, _ in bounds],
        [high for _, high in bounds],
    )
    return curve_figure([curve], "probability given", "share that is true", diagonal=True)


def _histogram(pit: Array, place: int) -> Any:
    counts, edges = np.histogram(pit, bins=BINS, range=(0.0, 1.0))
    low, high = histogram_envelope(pit.size, BINS)
    centre = 0.5 * (edges[1:] + edges[:-1])
    curve = Curve("ranks", place, centre.tolist(), counts.tolist(), [low] * BINS, [high] * BINS)
    return envelope_figure(
        curve, "rank of the truth among the draws", "count", bars=True, level=pit.size / BINS
    )


def _difference(pit: Array, place: int) -> Any:
    at = places()
    low, high = envelope(pit.size)
    share = counts_below(pit, at) / pit.size
    curve = Curve(
        "ranks",
        place,
        at.tolist(),
        (share - at).tolist(),
        (low - at).tolist(),
        (high - at).tolist(),
    )
    return envelope_figure(curve, "rank of the truth among the draws", "share below, less uniform")

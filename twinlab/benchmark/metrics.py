"""What one answer is worth: the numbers of one row of results."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinlab.discovery import QUANTILES
from twinlab.expressions import parse_term

from .axes.prior import named_shares
from .calibration_metrics import calibration_metrics, model_pairs
from .cells import BenchmarkCase, Forecast
from .hidden import in_true_units, names_hidden, whole
from .integration import simulate_equations
from .matching import matched_text
from .scoring import ERROR_CAP, Answer
from .statistics import Reliability

Array = NDArray[np.float64]
Edge = tuple[str, str]
Coefficients = dict[Edge, float]
COEFFICIENT_ERROR_CAP = 100.0


def judge(answer: Answer, case: BenchmarkCase) -> dict[str, Any]:
    """All metrics of an answer, JSON-able; None where a metric does not apply.

    A failed answer has the scores of an empty model, the error cap for its forecasts, and
    uncovered coefficients and bands.  One with equations of hidden states is held against all
    equations, in the units of the true states.
    """
    told = case
    if names_hidden(answer, case):
        answer, case = in_true_units(answer, case), whole(case)
    true = {(s, parse_term(t, case.library.names).text): float(v) for s, t, v in _rows(case.truth)}
    found = {} if answer.failure else written(answer, case, true)
    unwritten = 0 if answer.failure else sum(answer.unwritten.values())
    return {
        **support_metrics(found, true, unwritten),
        "coefficient_error": coefficient_error(found, true),
        **_interval_metrics(answer, case, true),
        **_forecast_metrics(answer, case),
        **_inclusion_metrics(answer, case, true),
        "calibration": calibration_metrics(answer, case, true),
        "models": _models(answer, case, true),
        "hidden_correlation": hidden_correlation(answer, case),
        **_named_metrics(answer, told),
    }


def _named_metrics(answer: Answer, case: BenchmarkCase) -> dict[str, float | None]:
    """Shares of the wrong and of the right edges told that are said to be contradicted."""
    if answer.named is None or not case.knowledge.edges:
        return {"wrong_named": None, "right_named": None}
    wrong, right = named_shares(answer.named, case.knowledge, case.library, case.truth)
    return {
        "wrong_named": wrong if wrong == wrong else None,
        "right_named": right if right == right else None,
    }


def _rows(equations: Mapping[str, Mapping[str, float]]) -> list[tuple[str, str, float]]:
    return [(s, t, v) for s, row in equations.items() for t, v in row.items()]


def _models(
    answer: Answer, case: BenchmarkCase, true: Mapping[Edge, float]
) -> list[list[float]] | None:
    """Probabilities of the ranked models; None where no candidate model is the truth."""
    if not case.truth_in_library:
        return None
    return model_pairs(answer, lambda other: written(other, case, true).keys() == true.keys())


# ------------------------------------------------------------------------------------ support


def written(answer: Answer, case: BenchmarkCase, true: Mapping[Edge, float]) -> Coefficients:
    """Coefficients by (state, canonical term); nearly true constants count as the true ones."""
    out: Coefficients = {}
    for state, text, value in _rows(answer.equations):
        if value != 0.0:
            key = matched_text(state, text, true, case.library.names)
            out[key] = out.get(key, 0.0) + float(value)
    return out


def support_metrics(
    found: Mapping[Edge, float], true: Mapping[Edge, float], unwritten: int = 0
) -> dict[str, Any]:
    """Exact support, precision, recall and F1 over (state, term) pairs."""
    hits, n_found = len(found.keys() & true.keys()), len(found) + unwritten
    return {
        "exact": found.keys() == true.keys() and not unwritten,
        "precision": hits / n_found if n_found else 0.0,
        "recall": hits / len(true) if true else 1.0,
        "f1": 2.0 * hits / (n_found + len(true)) if n_found + len(true) else 1.0,
        "n_found": n_found,
        "n_true": len(true),
        "n_held": hits,
        "missing": sorted(":".join(key) for key in true.keys() - found.keys())[:12],
        "extra": sorted(":".join(key) for key in found.keys() - true.keys())[:12],
    }


def coefficient_error(found: Mapping[Edge, float], true: Mapping[Edge, float]) -> float:
    """``|found - true| / |true|`` over all coefficients (Euclidean), capped."""
    keys = found.keys() | true.keys()
    off = math.sqrt(sum((found.get(k, 0.0) - true.get(k, 0.0)) ** 2 for k in keys))
    size = math.sqrt(sum(v * v for v in true.values()))
    return min(COEFFICIENT_ERROR_CAP, off / size) if size else math.nan


# ---------------------------------------------------------------------------------- intervals


def _interval_metrics(
    answer: Answer, case: BenchmarkCase, true: Mapping[Edge, float]
) -> dict[str, Any]:
    """True coefficients inside their intervals; one without an interval is not covered."""
    out: dict[str, Any] = {}
    for level, given in (("90", answer.intervals), ("50", answer.intervals50)):
        if not given and not answer.failure and answer.equations and _size(answer):
            out[f"covered{level}"] = None  # a method without intervals
            continue
        table = {
            matched_text(s, t, true, case.library.names): pair for (s, t), pair in given.items()
        }
        out[f"covered{level}"] = sum(
            table[key][0] <= value <= table[key][1] for key, value in true.items() if key in table
        )
    return out


def _size(answer: Answer) -> int:
    return sum(len(row) for row in answer.equations.values())


# ---------------------------------------------------------------------------------- forecasts


def _forecast_metrics(answer: Answer, case: BenchmarkCase) -> dict[str, Any]:
    """Errors by kind of forecast, and points of unseen initial states inside the bands."""
    errors: dict[str, list[float]] = {"initial": [], "condition": []}
    diverged, n_band = 0, 0
    inside = {"90": 0, "50": 0}
    for test in case.tests:
        error = ERROR_CAP if answer.failure else forecast_error(answer, case, test)
        diverged += error is None
        errors[test.kind].append(ERROR_CAP if error is None else error)
        if test.kind != "initial":
            continue
        n_band += test.clean[1:].size  # the first point is given
        if answer.forecaster is not None and not answer.failure:
            bands = answer.forecaster(test.start, test.time, test.inputs)
            for level in inside:
                inside[level] += _inside(bands, test, float(level) / 100.0)
    silent = answer.forecaster is None and not answer.failure and _size(answer) > 0
    return {
        "nrmse": float(np.mean(errors["initial"])) if errors["initial"] else None,
        "nrmse_condition": float(np.mean(errors["condition"])) if errors["condition"] else None,
        "diverged": diverged,
        "n_forecast": len(case.tests),
        "band90": None if silent else inside["90"],
        "band50": None if silent else inside["50"],
        "n_band": n_band,
    }


def forecast_error(answer: Answer, case: BenchmarkCase, test: Forecast) -> float | None:
    """Root mean square error, each state in units of its sd; capped; None for a divergence.

    The known effect of an intervention (a rate changed or knocked out) is applied to the terms
    that the model has.
    """
    if answer.simulator is not None:
        found = answer.simulator(test.start, test.time, test.inputs)
    elif names_hidden(answer, case):
        found = None  # nothing says where the hidden states begin
    else:
        equations = {
            state: {t: v * _factor(state, t, test, case) for t, v in row.items()}
            for state, row in answer.equations.items()
        }
        signals = {n: (test.time, u) for n, u in zip(case.inputs, test.inputs.T, strict=True)}
        found = simulate_equations(
            equations, case.states, test.start, test.time, relative=1e-7, inputs=signals
        )
    if found is None:
        return None
    spread = test.clean.std(axis=0)
    usual = np.concatenate(case.clean).std(axis=0)
    scaled = (found - test.clean) / np.maximum(spread, 0.05 * usual + 1e-12)
    return min(ERROR_CAP, float(np.sqrt(np.mean(scaled**2))))


def _factor(state: str, text: str, test: Forecast, case: BenchmarkCase) -> float:
    if not test.factors:
        return 1.0
    names = (*case.system.states, *case.system.inputs)
    known = {(s, parse_term(t, names).text): f for (s, t), f in test.factors.items()}
    key = matched_text(state, text, known, names)
    return float(known.get(key, 1.0))


def _inside(bands: Array, test: Forecast, level: float) -> int:
    """Points inside the central band; a hair's breadth of integration error is allowed."""
    low = bands[QUANTILES.index(round(0.5 - level / 2.0, 2))][1:]
    high = bands[QUANTILES.index(round(0.5 + level / 2.0, 2))][1:]
    hair = 1e-5 * (np.abs(test.clean).max(axis=0) + 1e-300)
    return int(((low - hair <= test.clean[1:]) & (test.clean[1:] <= high + hair)).sum())


# ------------------------------------------------------------------- inclusion, hidden states


def _inclusion_metrics(
    answer: Answer, case: BenchmarkCase, true: Mapping[Edge, float]
) -> dict[str, Any]:
    """Reliability table over all candidates (and the true terms that are none)."""
    if answer.failure or answer.inclusion is None:
        return {"reliability": None}
    library = case.library
    candidates = {
        (library.states[library.column_state(c)], library.term_of(c).text)
        for c in range(len(library.columns))
        if library.column_state(c) >= 0
    }
    given: dict[Edge, float] = {}
    for (s, t), p in answer.inclusion.items():
        # Nearly true constants are the true term, written in several ways.
        key = matched_text(s, t, true, library.names)
        given[key] = min(given.get(key, 0.0) + float(p), 1.0)
    pairs = [(given.get(key, 0.0), key in true) for key in sorted(candidates | given.keys())]
    return {"reliability": Reliability.of(pairs).to_json()}


def hidden_correlation(answer: Answer, case: BenchmarkCase) -> float | None:
    """Mean over hidden states of the best |correlation| with a reconstructed one.

    A hidden state is known up to its unit and zero only, which correlation does not see.
    """
    if not case.hidden:
        return None
    if not answer.hidden:
        return 0.0
    best = []
    for k in range(len(case.hidden)):
        true = np.concatenate([values[:, k] for values in case.hidden_states])
        found = [np.concatenate(parts) for parts in answer.hidden.values()]
        fitting = [f for f in found if f.size == true.size and f.std() > 0]
        best.append(max((abs(float(np.corrcoef(f, true)[0, 1])) for f in fitting), default=0.0))
    return float(np.mean(best))

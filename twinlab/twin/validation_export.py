"""A validation as plain JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from twinlab.discovery import QUANTILES
from twinlab.discovery.export import _number as number
from twinlab.discovery.export import _numbers as numbers
from twinlab.discovery.export import versions

from .held_out import HeldOut
from .scores import Score
from .validation_result import Validation
from .verdict import coverage_range, verdict

SCHEMA = 1


def validation_mapping(validation: Validation) -> dict[str, Any]:
    """The content of ``validation.json``: lists, numbers and strings only.

    Parameters
    ----------
    validation : Validation

    Returns
    -------
    dict
        Schema 1: what was left out, the verdict, scores, folds, and every prediction with its
        quantiles, probability integral transform, log score and baselines.
    """
    study, provenance = validation.study, validation.study.provenance
    return {
        "schema": SCHEMA,
        "versions": versions(),
        "study": {"name": study.name, "sha256": provenance.sha256 if provenance else None},
        "leave": validation.leave,
        "given": validation.given,
        "fixed_structure": validation.fixed_structure,
        "seed": validation.seed,
        "verdict": verdict(validation),
        "coverage90_interval95": numbers(np.array(coverage_range(validation))),
        "scale": dict(zip(validation.variables, numbers(validation.scale), strict=True)),
        "overall": _score(validation.overall),
        "by_variable": {k: _score(s) for k, s in validation.by_variable.items()},
        "by_condition": {k: _score(s) for k, s in validation.by_condition.items()},
        "by_subject": {k: _score(s) for k, s in validation.by_subject.items()},
        "folds": [
            {"name": f.name, "status": f.status, "terms": list(f.terms), "notes": list(f.notes)}
            for f in validation.folds
        ],
        "not_predicted": [
            {"subject": m.subject, "condition": m.condition, "why": m.why}
            for m in validation.missing
        ],
        "predictions": [_prediction(p, validation.variables) for p in validation.predictions],
        "seconds": round(validation.seconds, 3),
    }


def _score(score: Score) -> dict[str, Any]:
    return {
        "n": score.n,
        "n_censored": score.n_censored,
        "nrmse": number(score.nrmse),
        "r_squared": number(score.r_squared),
        "coverage50": number(score.coverage50),
        "coverage90": number(score.coverage90),
        "log_score": number(score.log_score),
        "baselines": {
            name: {"n": b.n, "nrmse": number(b.nrmse), "model": number(b.model)}
            for name, b in score.baselines.items()
        },
    }


def _prediction(prediction: HeldOut, variables: tuple[str, ...]) -> dict[str, Any]:
    own: dict[str, Any] = {
        "subject": prediction.subject,
        "condition": prediction.condition,
        "fold": prediction.fold,
        "start": prediction.start,
        "given_time": numbers(prediction.given_time),
        "time": numbers(prediction.time),
        "failed_draws": prediction.n_failed,
    }
    for v, name in enumerate(variables):
        own[name] = {
            "value": numbers(prediction.value[:, v]),
            "censored": [bool(c) for c in prediction.censored[:, v]],
            **{
                f"q{round(100 * q):02d}": numbers(values[:, v])
                for q, values in zip(QUANTILES, prediction.quantiles, strict=True)
            },
            "transform": numbers(prediction.transform[:, v]),
            "log_score": numbers(prediction.log_score[:, v]),
            "baselines": {k: numbers(b[:, v]) for k, b in prediction.baselines.items()},
        }
    return own

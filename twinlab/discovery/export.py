"""A discovery as plain JSON."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping
from typing import Any

import numba
import numpy as np
import scipy
from numpy.typing import NDArray

import twinlab

from .dose_words import dosing_mapping
from .library_criticism import withheld
from .local_coefficients import variation_mapping
from .reliability import Reliability
from .result import QUANTILES, Band, Discovery, FamilyInclusion, RankedModel, RefinedShape
from .verdict import PriorVerdict

SCHEMA = 1
#: Significant digits written: more than any coefficient has, fewer than rounding errors touch.
DIGITS = 10


def discovery_mapping(discovery: Discovery) -> dict[str, Any]:
    """The content of ``discovery.json``: lists, numbers and strings only.

    Parameters
    ----------
    discovery : Discovery

    Returns
    -------
    dict
        Schema 1: versions, seed, study, status, noise, models by rank, inclusion probabilities
        per state and term, families, classes of equivalent models, trajectories with quantiles,
        warnings, seconds.
    """
    study, library = discovery.study, discovery.library
    provenance = study.provenance
    return {
        "schema": SCHEMA,
        "versions": versions(),
        "seed": discovery.seed,
        "study": {
            "name": study.name,
            "sha256": provenance.sha256 if provenance else None,
            "subjects": len(study.subjects),
            "conditions": len(study.conditions),
            "points": study.n_points,
        },
        "settings": dict(vars(discovery.settings)),
        "status": discovery.status,
        "chi2_per_point": _number(discovery.chi2_per_point),
        "noise": {
            "model": discovery.noise_model,
            "sd": {state: _number(sd) for state, sd in discovery.noise_sd.items()},
            "log_evidence": {
                model: _number(value)
                for model, value in discovery.diagnostics.get("noise_evidence", {}).items()
            },
        },
        "models": [
            _model(discovery, rank, model) for rank, model in enumerate(discovery.models, 1)
        ],
        "inclusion": {
            state: {
                _term(discovery, column): _number(discovery.inclusion[column])
                for column in library.columns_of(state)
            }
            for state in library.states
        },
        "families": _families(discovery),
        "saturating_families": [_saturating(discovery, f) for f in discovery.families],
        "classes": [
            {
                "models": [place + 1 for place in group.models],
                "probability": _number(group.probability),
                "text": group.text,
            }
            for group in discovery.classes
        ],
        "latent": {name: dict(told) for name, told in discovery.latent.items()},
        "doses": dosing_mapping(discovery),
        "variation": variation_mapping(discovery),
        "r_squared": {
            label: dict(zip(discovery.problem.observables, map(_number, row), strict=True))
            for label, row in zip(study.labels, discovery.r_squared, strict=True)
        },
        "trajectories": {
            label: _trajectory(band, discovery.problem.observables)
            for label, band in zip(study.labels, discovery.bands, strict=True)
        },
        "withheld": withheld(discovery),
        "proposals": [
            {
                "state": p.state,
                "term": p.term,
                "gain": _number(p.gain),
                "instead_of": list(p.instead_of),
            }
            for p in discovery.proposals
        ],
        "prior": [_verdict(v) for v in discovery.prior_verdicts],
        "edge_reliability": _reliability(discovery.reliability),
        "warnings": [{"code": w.code, "text": w.text} for w in discovery.warnings],
        "seconds": round(discovery.seconds, 3),
    }


def _reliability(found: Reliability | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"levels": found.levels.tolist(), "posterior": found.posterior.tolist()}


def versions() -> dict[str, str]:
    """Versions of what computed the result."""
    return {
        "twinlab": twinlab.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "numba": numba.__version__,
    }


def dumps(mapping: Mapping[str, Any]) -> str:
    """Deterministic JSON text of a mapping."""
    return json.dumps(mapping, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _number(value: float) -> float | None:
    """A finite number with ten significant digits; None for NaN and infinity."""
    value = float(value)
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    return [_number(v) for v in values]


def _term(discovery: Discovery, column: int) -> str:
    library = discovery.library
    return library.terms[library.columns[column].term].text


def _model(discovery: Discovery, rank: int, model: RankedModel) -> dict[str, Any]:
    library = discovery.library
    equations: dict[str, list[dict[str, Any]]] = {state: [] for state in library.states}
    for column, w, sd, interval in zip(
        model.columns, model.coefficients, model.sd, model.interval90, strict=True
    ):
        for state, share in library.columns[column].stoichiometry:
            equations[library.states[state]].append(
                {
                    "term": _term(discovery, int(column)),
                    "coefficient": _number(share * w),
                    "sd": _number(abs(share) * sd),
                    "interval90": sorted(_numbers(share * interval)),  # type: ignore[type-var]
                    "inclusion": _number(discovery.inclusion[column]),
                }
            )
    initial = {
        label: dict(zip(library.states, _numbers(row), strict=True))
        for label, row in zip(discovery.study.labels, model.initial, strict=True)
    }
    return {
        "rank": rank,
        "probability": _number(model.probability),
        "evidence": _number(model.evidence),
        "equations": equations,
        "parameters": {
            "initial": initial,
            "constants": [_shape(discovery, shape) for shape in model.shapes],
        },
    }


def _verdict(verdict: PriorVerdict) -> dict[str, Any]:
    """Infinite log-odds, of a certainty, are written as null."""
    return {
        "kind": verdict.kind,
        "label": verdict.label,
        "source": verdict.source,
        "sentences": list(verdict.sentences),
        "prior_log_odds": _number(verdict.prior),
        "data_log_bayes_factor": _number(verdict.data),
        "posterior_log_odds": _number(verdict.posterior),
        "log_evidence_with": _number(verdict.evidence_with),
        "log_evidence_without": _number(verdict.evidence_without),
        "verdict": verdict.verdict,
        "opposite_sign": verdict.opposite,
        "conflict": verdict.conflict,
        "text": verdict.text,
    }


def _shape(discovery: Discovery, shape: RefinedShape) -> dict[str, Any]:
    library = discovery.library
    states = [library.states[s] for s, _ in library.columns[shape.column].stoichiometry]
    return {
        "equation": ", ".join(states),
        "term": _term(discovery, shape.column),
        "variable": library.term_of(shape.column).factors[shape.factor].variable,
        "half_saturation": _number(shape.half_saturation),
        "half_saturation_interval90": _numbers(shape.half_saturation90),
        "hill_coefficient": _number(shape.hill_coefficient),
        "hill_coefficient_interval90": _numbers(shape.hill_coefficient90),
    }


def _saturating(discovery: Discovery, family: FamilyInclusion) -> dict[str, Any]:
    return {
        "equation": family.equation,
        "variables": list(family.variables),
        "roles": list(family.roles),
        "times": family.times,
        "terms": [_term(discovery, column) for column in family.columns],
        "probability": _number(family.probability),
    }


def _families(discovery: Discovery) -> dict[str, float | None]:
    """Probability that a family other than the polynomials is present at all, per equation."""
    library = discovery.library
    members: dict[str, set[int]] = {}
    for index, column in enumerate(library.columns):
        if column.family != "polynomial":
            for state, _ in column.stoichiometry:
                key = f"{library.states[state]}: {column.family}"
                members.setdefault(key, set()).add(index)
    return {
        key: _number(
            sum(m.probability for m in discovery.models if own.intersection(m.columns.tolist()))
        )
        for key, own in members.items()
    }


def _trajectory(band: Band, states: tuple[str, ...]) -> dict[str, Any]:
    out: dict[str, Any] = {"time": _numbers(band.time)}
    for e, state in enumerate(states):
        out[state] = {"mean": _numbers(band.mean[:, e])}
        for q, values in zip(QUANTILES, band.quantiles, strict=True):
            if q != 0.5:
                out[state][f"q{round(100 * q):02d}"] = _numbers(values[:, e])
    return out

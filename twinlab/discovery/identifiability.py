"""Can the data determine a model with latent states?  Rank of the sensitivities, in words.

The information of the data about the coefficients, initial states eliminated and priors left out,
is taken in units of the coefficients themselves: its smallest eigenvalue tells how far the least
known combination may move in proportion, and its eigenvector which combination that is (Rothenberg
1971, Econometrica 39, 577; Raue et al. 2009, Bioinformatics 25, 1923, for the profile).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import null_space

from .exchange import exchange_text
from .frame import Frame
from .gauge import free_scales, unit_powers
from .latent_search import Gauge
from .problem import Problem
from .result import FitWarning
from .search import Weighed
from .steps import polish_point, solve_scaled

Array = NDArray[np.float64]

#: A combination whose relative standard deviation is beyond this is called not identifiable.
VAGUE = 1.0
#: Coefficients named: those with at least this share of the largest part in a direction.
NAMED = 0.35
#: Factors at which the profile is taken, and the polishing each is given.
PROFILE, PROFILE_ITERATIONS = (0.5, 0.8, 1.25, 2.0), 12
#: Sd of the measurement that is imagined of a latent state, over its scale.
IMAGINED_SD = 0.1


def direction(frame: Frame, best: Weighed) -> tuple[float, Array]:
    """Relative standard deviation of the least known combination, and the combination (k,).

    Changes of a latent state's unit, which nothing tells, are left out.

    Parameters
    ----------
    frame : Frame
    best : Weighed
        At its optimum.
    """
    problem, columns = frame.problem, best.fit.columns
    powers = [unit_powers(problem, int(e)) for e in free_scales(problem)]
    sign = np.sign(best.fit.coefficients)
    units = [sign * p[columns] for p in powers if p is not None and p[columns].any()]
    if units:
        # Without the values that fix the scales, and across the changes of scale.
        count = problem.count.copy()
        count[:, : problem.n_state][problem.gauge[:, : problem.n_state]] = 0
        frame = replace(frame, problem=replace(problem, count=count))
    fit = polish_point(frame, best.fit, best.noise, 0.0, 0) or best.fit
    k = len(columns)
    n_local = fit.h_x.shape[1]
    h_w = fit.h_w[:k, :k] - np.diag(frame.precision[fit.columns])
    prior = frame.initial_prior.precision
    # What is known of an initial state is information; the weak prior around a smooth is none.
    weak = np.where(prior * _squares(frame.problem, n_local) < 1.0, prior, 0.0)
    h_x = fit.h_x - weak[:, :, None] * np.eye(n_local)
    h_x = h_x + 1e-9 * np.einsum("rii->ri", fit.h_x)[:, :, None] * np.eye(n_local)
    cross = fit.cross[:, :k]
    own = h_w - np.einsum("rkd,rdm->km", cross, solve_scaled(h_x, np.swapaxes(cross, 1, 2)))
    size = np.abs(fit.coefficients)
    across = null_space(np.array(units)) if units else np.eye(k)
    values, vectors = np.linalg.eigh(across.T @ (own * np.outer(size, size)) @ across)
    vector = across @ vectors[:, 0]
    return float(1.0 / np.sqrt(max(values[0], 1e-12))), np.asarray(vector, float)


def _squares(problem: Problem, n_local: int) -> Array:
    """Squares of the states' scales; the prior of deviations between subjects is never weak."""
    out = np.full(n_local, np.inf)
    out[: problem.n_state] = problem.scale**2
    return out


def judge_latent(frame: Frame, best: Weighed, gauges: tuple[Gauge, ...]) -> dict[str, Any]:
    """Verdict on each latent state, as ``discovery.json`` holds it under ``latent``.

    Parameters
    ----------
    frame : Frame
    best : Weighed
        The model of highest evidence, at its optimum.
    gauges : tuple of Gauge
    """
    problem, fit = frame.problem, best.fit
    names = [problem.library.states[e] for e in problem.unseen_states]
    if not names or not len(fit.columns):
        return {}
    spread, vector = direction(frame, best)
    part = np.abs(vector) > NAMED * np.abs(vector).max()
    labels = [problem.library.column_label(int(c)) for c in fit.columns[part]]
    signs = np.sign(vector[part] * vector[part][0])
    together = [
        f"{label} {'up' if sign > 0 else 'down'}" for label, sign in zip(labels, signs, strict=True)
    ]
    identified = spread < VAGUE
    if identified:
        text = (
            "The data determine the coefficients of the best model once the scale is fixed: the "
            f"least known combination ({'; '.join(together)}) to {100 * spread:.0f} %."
        )
    else:
        text = (
            f"Not identifiable from these data: {'; '.join(together)} can move together "
            f"(relative sd {min(spread, 999.0):.2g}) with hardly a change of what was measured."
        )
    mend = _mend(frame, best, spread)
    fixed = {gauge.state: gauge.text for gauge in gauges}
    verdict = {
        "identified": identified,
        "verdict": text + ("" if identified else f" {mend}"),
        "weakest": dict(zip(labels, (float(v) for v in vector[part]), strict=True)),
        "relative_sd": min(spread, 1e6),
        "profile": _profile(frame, best, int(np.argmax(np.abs(vector)))),
    }
    twofold, used = exchange_text(frame, best), _used(problem, fit.columns)
    return {
        name: {
            "gauge": fixed.get(
                name,
                f"The scale of {name} is that of its doses, known values or observables.",
            ),
            "scale": float(problem.scale[problem.library.states.index(name)]),
            **verdict,
            "twofold": twofold.get(name, ""),
            "used": name in used,
        }
        for name in names
    }


def _used(problem: Problem, columns: NDArray[np.int64]) -> set[str]:
    """States on which something measured depends, by way of others too."""
    library = problem.library
    observed = problem.numerator[:, :-1].any(axis=0) | problem.denominator[:, :-1].any(axis=0)
    measured = problem.seen[: problem.n_state] | observed
    used = {name for name, seen in zip(library.states, measured, strict=True) if seen}
    for _ in library.states:
        for c in columns:
            driven = {library.states[e] for e, _ in library.columns[int(c)].stoichiometry}
            if driven & used:
                used |= set(library.term_of(int(c)).variables) & set(library.states)
    return used


def _mend(frame: Frame, best: Weighed, spread: float) -> str:
    """Which measurement would tell the least known combination: the best of the latent states."""
    found = []
    for e in frame.problem.unseen_states:
        problem = frame.problem
        tables = {k: getattr(problem, k).copy() for k in ("value", "sd", "count")}
        tables["value"][:, e], tables["count"][:, e] = best.fit.x[:, e], 1
        tables["sd"][:, e] = IMAGINED_SD * problem.scale[e]
        imagined = replace(frame, problem=replace(problem, **tables))
        found.append((direction(imagined, best)[0], problem.library.states[e]))
    if found and min(found)[0] < min(VAGUE, 0.5 * spread):
        return f"Measurements of {min(found)[1]} would mend it."
    return "More conditions with other initial states, or a known coefficient, may mend it."


def _profile(frame: Frame, best: Weighed, place: int) -> dict[str, Any]:
    """Rise of -2 log posterior where one coefficient is held at other values."""
    fit, column = best.fit, int(best.fit.columns[place])
    rise: list[float | None] = []
    for factor in PROFILE:
        value = factor * fit.coefficients[place]
        lower, upper = frame.prior.lower.copy(), frame.prior.upper.copy()
        lower[column] = upper[column] = value
        held = replace(frame, prior=frame.prior._replace(lower=lower, upper=upper))
        start = fit.coefficients.copy()
        start[place] = value
        moved = polish_point(
            held, replace(fit, coefficients=start), best.noise, 0.0, PROFILE_ITERATIONS
        )
        rise.append(None if moved is None else float(moved.cost - fit.cost))
    return {
        "term": frame.problem.library.column_label(column),
        "factor": list(PROFILE),
        "rise": rise,
    }


def latent_warnings(problem: Problem, latent: Mapping[str, Any]) -> list[FitWarning]:
    """What has to be said of states never measured."""
    out = []
    for name, told in latent.items():
        text = f"{name} was never measured: its course is inferred. {told['gauge']}"
        if problem.study.initial.get(name) == 0.0:
            text += " It begins at 0."
        if not told["used"]:
            text = (
                f"{name} was never measured, and nothing that was measured depends on it in the "
                "best model: the data do not ask for it."
            )
        out.append(FitWarning("latent_state", text))
        if told["twofold"]:
            out.append(FitWarning("not_identifiable", told["twofold"]))
    for verdict in dict.fromkeys(t["verdict"] for t in latent.values() if not t["identified"]):
        out.append(FitWarning("not_identifiable", verdict))
    return out

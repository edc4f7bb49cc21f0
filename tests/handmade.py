"""A small Discovery put together by hand: predator and prey, two subjects, three models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from twinlab.discovery.noise import Noise
from twinlab.discovery.problem import make_problem
from twinlab.discovery.result import (
    Band,
    Discovery,
    FitWarning,
    Gram,
    Path,
    Posterior,
    RankedModel,
    Settings,
)
from twinlab.knowledge import Belief, Knowledge
from twinlab.library import Library
from twinlab.study import Dose, Study

RATES = {"prey": {"prey": 1.0, "prey*predator": -0.5}, "predator": {"predator": -1.0}}
RATES["predator"]["prey*predator"] = 0.5
NOISE_SD = 0.05


def small_discovery(
    *,
    subjects: tuple[str, ...] = ("anna", "bert"),
    status: str = "converged",
    chi2_per_point: float = 1.02,
    name: str = "foxes & geese",
    seed: int = 0,
    doses: Mapping[str, tuple[Dose, ...]] | None = None,
) -> Discovery:
    """Make a converged discovery of Lotka-Volterra, with draws that scatter by about 1 %.

    The values are those without doses; `doses` are told of and simulated all the same.
    """
    rng = np.random.default_rng(seed)
    initial = np.array([[2.0, 0.7 + 0.1 * (i % 5)] for i in range(len(subjects))])
    time = np.linspace(0.0, 8.0, 25)
    truth = [lotka_volterra(x0, time) for x0 in initial]
    values = [x + NOISE_SD * rng.standard_normal(x.shape) for x in truth]
    values[0][3, 1] = np.nan
    study = Study.from_arrays(
        name,
        ("prey", "predator"),
        [time] * len(subjects),
        values,
        subjects=subjects,
        time_unit="week",
        units={"prey": "heads"},
    )
    dosed = tuple(replace(t, doses=(doses or {}).get(t.subject, ())) for t in study.trajectories)
    study = replace(study, trajectories=dosed)
    library = Library.polynomial(study, degree=2)
    knowledge = Knowledge(
        (Belief("predator", "predator", sign=-1, source="predators starve alone"),)
    )
    columns = np.sort([library.find(s, t) for s, row in RATES.items() for t in row])
    truth_at = {library.find(s, t): v for s, row in RATES.items() for t, v in row.items()}
    best = _model([truth_at[c] for c in columns], columns, 0.9, 0.0, initial)
    more = np.sort([*columns, library.find("prey", "1")])
    second = _model([truth_at.get(c, 0.01) for c in more], more, 0.08, -2.4, initial)
    fewer = columns[1:]
    third = _model([truth_at[c] for c in fewer], fewer, 0.02, -3.8, initial)
    n_column, n_draw = len(library.columns), 120
    coefficients = np.zeros((n_draw, n_column))
    coefficients[:, columns] = best.coefficients * (1 + 0.01 * rng.standard_normal((n_draw, 4)))
    states = initial + 0.01 * rng.standard_normal((n_draw, *initial.shape))
    inclusion = np.full(n_column, 0.004)
    inclusion[columns] = [0.98, 1.0, 1.0, 1.0]
    inclusion[library.find("prey", "1")] = 0.08
    residuals = tuple((v - x) / NOISE_SD for v, x in zip(values, truth, strict=True))
    penalty = np.geomspace(1.0, 1e-3, 30)
    path = np.zeros((30, n_column))
    path[:, columns] = np.outer(1 - penalty, best.coefficients)
    path[15:, library.find("prey", "1")] = 0.05
    problem = make_problem(study, library, knowledge)
    noise = Noise("constant", np.full(2, NOISE_SD), np.ones((problem.time.size, 2)), np.zeros(2))
    return Discovery(
        study=study,
        library=library,
        knowledge=knowledge,
        settings=Settings(draws=n_draw),
        seed=seed,
        status=status,
        chi2_per_point=chi2_per_point,
        noise_model="constant",
        noise_sd={"prey": NOISE_SD, "predator": NOISE_SD},
        models=(best, second, third),
        inclusion=inclusion,
        posterior=Posterior(coefficients, states),
        bands=tuple(_band(x0) for x0 in initial),
        path=Path(penalty, path),
        r_squared=np.array([_r_squared(v, x) for v, x in zip(values, truth, strict=True)]),
        fitted=tuple(truth),
        residuals=residuals,
        warnings=(FitWarning("sparse", f"Subject '{subjects[0]}' has few points."),),
        seconds=1.5,
        gram=Gram(
            np.eye(n_column),
            np.zeros(n_column),
            1.0,
            100.0,
            initial,
            np.zeros((len(subjects), 2, n_column)),
            np.tile(1e4 * np.eye(2), (len(subjects), 1, 1)),
        ),
        problem=problem,
        slab=np.ones(n_column),
        noise=noise,
    )


def lotka_volterra(initial: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Integrate the truth by classical Runge-Kutta with small steps."""

    def rate(x: np.ndarray) -> np.ndarray:
        return np.array([x[0] - 0.5 * x[0] * x[1], -x[1] + 0.5 * x[0] * x[1]])

    x, at, rows = np.array(initial, float), float(time[0]), []
    for t in time:
        n = max(1, int(np.ceil((t - at) / 0.01)))
        h = (t - at) / n
        for _ in range(n):
            k1 = rate(x)
            k2 = rate(x + h / 2 * k1)
            k3 = rate(x + h / 2 * k2)
            k4 = rate(x + h * k3)
            x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        at = float(t)
        rows.append(x)
    return np.array(rows)


def _model(
    coefficients: list[float],
    columns: np.ndarray,
    probability: float,
    evidence: float,
    initial: np.ndarray,
) -> RankedModel:
    w = np.array(coefficients)
    sd = 0.02 * np.abs(w)
    interval = np.column_stack([w - 1.645 * sd, w + 1.645 * sd])
    return RankedModel(
        columns.astype(np.int64), probability, evidence, w, sd, interval, np.diag(sd**2), initial
    )


def _band(initial: np.ndarray) -> Band:
    time = np.linspace(0.0, 8.0, 97)
    mean = lotka_volterra(initial, time)
    spread = np.array([-0.08, -0.03, 0.0, 0.03, 0.08])[:, None, None]
    return Band(time, mean, mean + spread, mean + 2 * spread)


def _r_squared(value: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    rest = np.nansum((value - fitted) ** 2, axis=0)
    return 1 - rest / np.nansum((value - np.nanmean(value, axis=0)) ** 2, axis=0)


def never_measured(discovery: Discovery, name: str = "predator") -> Discovery:
    """The same discovery as if one state had no data."""
    problem = discovery.problem
    e = problem.library.states.index(name)
    value, count = problem.value.copy(), problem.count.copy()
    value[:, e], count[:, e] = np.nan, 0
    residuals = tuple(r.copy() for r in discovery.residuals)
    r_squared = discovery.r_squared.copy()
    r_squared[:, e] = np.nan
    for r in residuals:
        r[:, e] = np.nan
    library = replace(discovery.library, latent=(name,))
    return replace(
        discovery,
        library=library,
        problem=replace(problem, library=library, value=value, count=count),
        residuals=residuals,
        r_squared=r_squared,
    )

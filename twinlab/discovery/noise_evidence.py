"""Which form of the noise the data speak for, and the size that goes with a fit."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

from .noise import make_noise
from .problem import Problem
from .search import POLISHED_BEFORE, Weighed, settle
from .steps import Frame, log_evidence, n_parameters, polish_point

Array = NDArray[np.float64]

#: Nats by which a noise model may be behind another, before it has settled, and yet be the better:
#: where coefficients vary, settling has raised one by 32.
FAR_BEHIND = 100.0


def problem_sd(problem: Problem, residual: Array) -> Array:
    """Root mean square (n_observable,) of residuals; the scale where nothing was measured."""
    known = np.isfinite(residual).any(axis=0)
    out = problem.data_scale
    out[known] = np.sqrt(np.nanmean(residual[:, known] ** 2, axis=0))
    return out


def compare_noise(
    frame: Frame, best: Weighed, models: Iterable[str], executor: Executor
) -> dict[str, float]:
    """Log evidence of one support under each noise model, its size taken from the fit.

    Models far behind after the first polish are polished no further.
    """
    problem = frame.problem
    sd = problem_sd(problem, problem.measured - best.fit.x)
    n = n_parameters(frame, best.fit)

    def first(name: str) -> Weighed | None:
        noise = make_noise(problem, name, sd, best.fit.x).estimate(problem, best.fit.x, n)
        fit = polish_point(frame, best.fit, noise, 0.0, POLISHED_BEFORE[0], near=True)
        return None if fit is None else Weighed(fit, noise, log_evidence(frame, fit, noise))

    names = tuple(models)
    begun = list(executor.map(first, names))
    bar = max((w.evidence for w in begun if w is not None), default=0.0) - FAR_BEHIND

    def evidence(weighed: Weighed | None) -> float:
        if weighed is not None and weighed.evidence > bar:
            weighed = settle(frame, weighed.fit, weighed.noise, POLISHED_BEFORE[1:])
        return -np.inf if weighed is None else weighed.evidence

    return dict(zip(names, executor.map(evidence, begun), strict=True))

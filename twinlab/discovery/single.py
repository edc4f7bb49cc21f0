"""One trajectory of a problem by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .frame import Frame
from .noise import Noise
from .problem import Problem
from .varying import nothing_varies

T = TypeVar("T", bound=np.generic)


def single_problem(problem: Problem, r: int) -> Problem:
    """The problem of trajectory `r` alone; scales stay those of all."""
    rows = problem.rows(r)

    def own(table: NDArray[T]) -> NDArray[T]:
        return np.ascontiguousarray(table[rows])

    return replace(
        problem,
        start=np.array([0, rows.stop - rows.start], np.int64),
        time=own(problem.time),
        value=own(problem.value),
        sd=own(problem.sd),
        count=own(problem.count),
        spread=own(problem.spread),
        censored=own(problem.censored),
        gauge=own(problem.gauge),
        schedule=problem.schedule.one(r),
    )


def single_noise(noise: Noise, problem: Problem, r: int) -> Noise:
    """The noise of trajectory `r` alone."""
    return replace(noise, shape=np.ascontiguousarray(noise.shape[problem.rows(r)]))


def single_frame(frame: Frame, r: int) -> Frame:
    """The frame of trajectory `r` alone, in which nothing varies."""
    start, d = frame.initial_prior, frame.problem.n_state
    return replace(
        frame,
        problem=single_problem(frame.problem, r),
        initial_prior=type(start)(
            np.ascontiguousarray(start.mean[r : r + 1, :d]),
            np.ascontiguousarray(start.precision[r : r + 1, :d]),
        ),
        smooth=replace(frame.smooth, target=np.ascontiguousarray(frame.smooth.target[r : r + 1])),
        varies=nothing_varies(frame.problem.n_column),
    )

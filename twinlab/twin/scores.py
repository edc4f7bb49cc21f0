"""How far predictions were from what was measured, in figures and in a sentence.

Censored values count in the log score alone: of them only a limit is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .held_out import HeldOut

Array = NDArray[np.float64]

#: Smallest log density that is averaged: one impossible value must not hide all others.
WORST_LOG = -700.0


@dataclass(frozen=True)
class Baseline:
    """Error of a forecast without a model, where it says something.

    Attributes
    ----------
    n : int
        How many values it says something of.
    nrmse, model : float
        Its normalised root mean square error over these values, and the model's.
    """

    n: int
    nrmse: float
    model: float


@dataclass(frozen=True)
class Score:
    """Figures of one group of predictions.

    Attributes
    ----------
    n, n_censored : int
        Scored values; those below their limits.
    nrmse : float
        Root mean square error, each variable in units of its standard deviation in the study.
    r_squared : float
        ``1 - SS_error / SS_total`` with the group's own mean of each variable; NaN below 3 values.
    coverage50, coverage90 : float
        Share of the values inside the 50 % and 90 % predictive intervals.
    log_score : float
        Mean log density of the values, in units of each variable's standard deviation.
    baselines : mapping of str to Baseline
    """

    n: int
    n_censored: int
    nrmse: float
    r_squared: float
    coverage50: float
    coverage90: float
    log_score: float
    baselines: Mapping[str, Baseline] = field(default_factory=dict)


@dataclass(frozen=True)
class Flat:
    """Every scored value in one row: (n,) arrays."""

    held: NDArray[np.int64]
    variable: NDArray[np.int64]
    time: Array
    value: Array
    censored: NDArray[np.bool_]
    median: Array
    transform: Array
    log_score: Array
    baselines: Mapping[str, Array]

    def pick(self, keep: NDArray[np.bool_]) -> Flat:
        """Some of the rows."""
        own = {name: value[keep] for name, value in vars(self).items() if name != "baselines"}
        return Flat(**own, baselines={k: v[keep] for k, v in self.baselines.items()})


def flatten(predictions: Sequence[HeldOut]) -> Flat:
    """Put the scored values of all predictions into rows."""
    names = list(dict.fromkeys(name for p in predictions for name in p.baselines))
    seen = [np.isfinite(p.value) for p in predictions]

    def rows(get: Callable[[HeldOut], Any]) -> Array:
        parts = [get(p)[s] for p, s in zip(predictions, seen, strict=True)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def baseline(name: str, p: HeldOut) -> Array:
        return p.baselines.get(name, np.full(p.value.shape, np.nan))

    return Flat(
        held=np.repeat(np.arange(len(seen)), [int(s.sum()) for s in seen]),
        variable=np.concatenate([np.nonzero(s)[1] for s in seen] or [np.zeros(0, np.int64)]),
        time=rows(lambda p: np.broadcast_to(p.time[:, None], p.value.shape)),
        value=rows(lambda p: p.value),
        censored=rows(lambda p: p.censored).astype(bool),
        median=rows(lambda p: p.median),
        transform=rows(lambda p: p.transform),
        log_score=rows(lambda p: p.log_score),
        baselines={name: rows(partial(baseline, name)) for name in names},
    )


def score(flat: Flat, scale: Array) -> Score:
    """Figures of some scored values.

    Parameters
    ----------
    flat : Flat
    scale : (n_variable,) array
        Standard deviation of each variable in the study.
    """
    sure = flat.pick(~flat.censored)
    unit = scale[sure.variable]
    error = (sure.median - sure.value) / unit
    total = 0.0
    for v in np.unique(sure.variable):
        y = sure.value[sure.variable == v]
        total += float((((y - y.mean()) / scale[v]) ** 2).sum())
    known = {k: np.isfinite(b) for k, b in sure.baselines.items()}
    log = np.maximum(flat.log_score, WORST_LOG)
    log = log + np.where(flat.censored, 0.0, np.log(scale[flat.variable]))
    return Score(
        n=int(sure.value.size),
        n_censored=int(flat.censored.sum()),
        nrmse=_root_mean_square(error),
        r_squared=1.0 - float((error**2).sum()) / total
        if total > 0 and error.size > 2
        else float("nan"),
        coverage50=_mean(np.abs(sure.transform - 0.5) <= 0.25),
        coverage90=_mean(np.abs(sure.transform - 0.5) <= 0.45),
        log_score=_mean(log),
        baselines={
            k: Baseline(
                int(known[k].sum()),
                _root_mean_square(((b - sure.value) / unit)[known[k]]),
                _root_mean_square(error[known[k]]),
            )
            for k, b in sure.baselines.items()
        },
    )


def grouped(flat: Flat, labels: Sequence[str], scale: Array) -> dict[str, Score]:
    """Score of every group; `labels` (n,) names the group of each row."""
    names = np.asarray(labels, dtype=object)
    return {str(name): score(flat.pick(names == name), scale) for name in dict.fromkeys(labels)}


def _root_mean_square(values: Array) -> float:
    return float(np.sqrt((values**2).mean())) if values.size else float("nan")


def _mean(values: NDArray[np.generic]) -> float:
    return float(np.asarray(values, float).mean()) if values.size else float("nan")

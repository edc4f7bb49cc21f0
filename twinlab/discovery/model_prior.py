"""Log prior probabilities of models: of supports, of signs, and of coefficients."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from twinlab.knowledge import ColumnPrior, EdgeTable

from .problem import Problem

Array = NDArray[np.float64]
Columns = NDArray[np.int64]

#: Scale of the Cauchy slab over the sd of the normal one that the selection works with.
SLAB_SHARE = 0.3


@lru_cache(maxsize=1024)
def log_size_prior(n_column: int, max_size: int) -> Array:
    """Log prior of each support of a size: beta-binomial(1, 1).

    All sizes are alike beforehand, and all supports of a size (Scott and Berger 2010, Ann. Stat.
    38, 2587).  Left out: the same constant, ``-log(C + 1)``, for every support.
    """
    k = np.minimum(np.arange(max_size + 1), n_column)
    out = gammaln(1 + k) + gammaln(n_column - k + 1) - gammaln(n_column + 1.0)
    out.flags.writeable = False  # kept and shared
    return np.asarray(out, float)


def size_prior(prior: ColumnPrior, max_size: int) -> Array:
    """`log_size_prior` of supports by all their columns, those that are known not counted."""
    n_known = int(prior.held.sum())
    sizes = log_size_prior(prior.log_odds.size - n_known, max(max_size - n_known, 0))
    return np.concatenate([np.full(min(n_known, max_size), sizes[0]), sizes])[: max_size + 1]


def log_support_prior(prior: ColumnPrior, columns: Columns) -> float:
    """Log prior of a support: odds of its columns, its size, and its edges."""
    told = 0.0 if prior.table is None else prior.table.log_prior(columns)
    return float(prior.log_odds[columns].sum() + size_prior(prior, len(columns))[-1]) + told


def log_slab(precision: Array, coefficients: Array) -> float:
    """Log prior density of coefficients, the width of the slab integrated out.

    A normal slab whose variance is inverse-gamma(1/2) is Cauchy (Zellner and Siow 1980): a term
    is not charged for how wide the slab must be to hold the largest coefficient of any model.

    Parameters
    ----------
    precision : (k,) array
        Of the normal slab that the selection works with.
    coefficients : (k,) array
    """
    scale = SLAB_SHARE / np.sqrt(precision)
    return float(-(np.log(np.pi * scale) + np.log1p((coefficients / scale) ** 2)).sum())


def log_sign_prior(problem: Problem, columns: Columns, coefficients: Array) -> float:
    """Log of twice the prior probability of the coefficients' signs, summed; edges left out."""
    agreement = np.sign(coefficients) * problem.sign_log_odds[columns]
    return float((np.log(2.0) - np.log1p(np.exp(-agreement))).sum())


def log_told(
    problem: Problem, table: EdgeTable | None, columns: Columns, coefficients: Array
) -> float:
    """Log prior of signs, and of the edges of a table that a model holds and lacks."""
    if table is None:
        return log_sign_prior(problem, columns, coefficients)
    return table.log_prior(columns, np.sign(coefficients), problem.sign_log_odds[columns])


def log_model_prior(
    problem: Problem, prior: ColumnPrior, columns: Columns, coefficients: Array
) -> float:
    """Log prior of a support and of the signs of its coefficients."""
    own = float(prior.log_odds[columns].sum() + size_prior(prior, len(columns))[-1])
    return own + log_told(problem, prior.table, columns, coefficients)

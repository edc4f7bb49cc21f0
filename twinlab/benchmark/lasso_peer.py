"""Plain lasso: derivatives of smoothing splines regressed on the candidate terms.

The spline's penalty is chosen by generalised cross-validation (Craven and Wahba 1978, Numer.
Math. 31, 377), that of the lasso by five-fold cross-validation over whole stretches of time.
"""

from __future__ import annotations

import time
import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_smoothing_spline

from twinlab.knowledge import Knowledge
from twinlab.library import Library
from twinlab.study import Study

from .peer_data import PeerError, by_equation, candidates, coefficient_table
from .scoring import Answer

Array = NDArray[np.float64]
LEAST_POINTS = 5  #: of a smoothing spline
MAX_ITERATIONS = 20_000


def prepare() -> None:
    """Load scikit-learn, so that no run is charged with it."""
    import sklearn.linear_model  # noqa: F401


def answer(
    study: Study, library: Library, knowledge: Knowledge, seed: int, budget: float
) -> Answer:
    """Fit every equation by cross-validated lasso; no intervals come with it."""
    start = time.perf_counter()
    allowed = candidates(library)
    x, slopes = spline_states(study, library)
    values = dict(zip(library.names, x.T, strict=True))
    features = np.stack([term.evaluate(values) for term in library.terms], axis=1)
    fit = by_equation(allowed, features, slopes[:, : len(library.states)], _lasso)
    return Answer(coefficient_table(library, fit), seconds=time.perf_counter() - start)


def _lasso(features: Array, slopes: Array) -> Array:
    """Coefficients (n_target, n_feature), chosen by cross-validation for each target."""
    from sklearn.linear_model import LassoCV

    centre, spread = features.mean(axis=0), features.std(axis=0)
    flat = spread <= 1e-12 * (np.abs(features).max(axis=0) + 1e-300)
    unit = np.where(flat, 1.0, spread)
    scaled = np.where(flat, 0.0, (features - centre) / unit)
    constant = np.flatnonzero(flat & (centre != 0.0))[:1]
    fit = np.zeros((slopes.shape[1], features.shape[1]))
    for row, response in zip(fit, slopes.T, strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = LassoCV(cv=5, max_iter=MAX_ITERATIONS).fit(scaled, response)
        row[:] = np.where(flat, 0.0, model.coef_ / unit)
        # the intercept, back in the units of the terms; without a constant term it is lost
        row[constant] = (response.mean() - centre @ row) / centre[constant]
    return fit


def spline_states(study: Study, library: Library) -> tuple[Array, Array]:
    """Smoothed variables (states, then inputs) and derivatives at all times, (n, n_variable).

    Raises
    ------
    PeerError
        Fewer than five measurements of a state in one of the trajectories.
    """
    index = [study.variables.index(name) for name in library.names]
    states, slopes = [], []
    for trajectory in study.trajectories:
        at = trajectory.time
        columns = []
        for j in index:
            known = np.isfinite(trajectory.value[:, j])
            if known.sum() < LEAST_POINTS:
                raise PeerError(f"a smoothing spline needs {LEAST_POINTS} measurements of a state")
            columns.append(make_smoothing_spline(at[known], trajectory.value[known, j]))
        states.append(np.stack([spline(at) for spline in columns], axis=1))
        slopes.append(np.stack([spline.derivative()(at) for spline in columns], axis=1))
    return np.concatenate(states), np.concatenate(slopes)

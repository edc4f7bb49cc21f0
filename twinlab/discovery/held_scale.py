"""Answers in the units in which states that were never measured are shown.

While a search runs the scale of such a state is held by one value of its course.  What is shown has
the coefficient of its production at 1: uncertainty is then that of everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .known import without_known
from .latent_search import Gauge
from .search import Weighed
from .steps import Fit, Frame, inverse_scaled, polish_point

Array = NDArray[np.float64]


def with_scale_held(
    frame: Frame, model: Weighed, gauges: Sequence[Gauge]
) -> tuple[Frame, Fit, Array] | None:
    """A model at its optimum, its scales held by production coefficients and not by values.

    Returns
    -------
    frame : Frame
        With bounds that hold the coefficients.
    fit : Fit
    covariance : (k, k) array
        Of the coefficients, none of those that are held.
    None where no scale of the model is held so, or its constants were fitted.
    """
    fit, problem, prior = model.fit, frame.problem, frame.prior
    held = [g for g in gauges if g.column is not None and g.column in fit.columns]
    if not held or len(fit.free):
        return None
    lower, upper, required = prior.lower.copy(), prior.upper.copy(), prior.required.copy()
    count = problem.count.copy()
    for gauge in held:
        c, e = gauge.column, problem.library.states.index(gauge.state)
        lower[c] = upper[c] = fit.coefficients[fit.columns == c][0]
        required[c] = True
        count[problem.gauge[:, e], e] = 0
    prior = prior._replace(lower=lower, upper=upper, required=required)
    frame = replace(frame, problem=replace(problem, count=count), prior=prior)
    again = polish_point(frame, fit, model.noise, 0.0, 0)
    if again is None:
        return None
    covariance = inverse_scaled(again.schur)
    return frame, again, without_known(prior, fit.columns, 0.5 * (covariance + covariance.T))

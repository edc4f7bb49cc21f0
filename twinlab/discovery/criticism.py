"""What is wrong or doubtful with a fit, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .continuation import Outcome
from .library_criticism import LARGEST_CHI2, LibraryVerdict, library_warnings
from .posterior import freedom_of, goodness, standardised_residuals
from .problem import Problem
from .result import Band, FitWarning, RankedModel
from .search import Start, Weighed

Array = NDArray[np.float64]

LOW_R_SQUARED = 0.5
#: Share of a state's values below the limit from which on it is said.
MANY_CENSORED = 0.5


def describes(problem: Problem, x: Array) -> bool:
    """Whether a fit explains half of the variation of at least one observable, all data together.

    Of what was measured on the log scale, where decades count alike, it is the variation there.

    Parameters
    ----------
    problem : Problem
    x : (n_row, n_observable) array
        Fitted observables at the measured times.
    """
    value, x = problem.observation.on_scale(problem.measured), problem.observation.on_scale(x)
    value, x = value[:, problem.seen], x[:, problem.seen]
    seen = np.isfinite(value)
    rest = np.where(seen, (value - x) ** 2, 0.0).sum(axis=0)
    total = np.where(seen, (value - np.nanmean(value, axis=0)) ** 2, 0.0)
    return bool((1.0 - rest / total.sum(axis=0) >= LOW_R_SQUARED).any())


def criticise(
    problem: Problem,
    best: Weighed,
    shown: RankedModel,
    outcomes: Sequence[Outcome],
    starts: Sequence[Start],
    bands: Sequence[Band],
    converged: bool,
    chi2: float,
    verdict: LibraryVerdict,
) -> tuple[FitWarning, ...]:
    """Collect the warnings of a discovery.

    Parameters
    ----------
    problem : Problem
    best : Weighed
        The model of highest probability.
    shown : RankedModel
        The same, with its standard deviations.
    outcomes, starts : sequences
        Ends of the starts and what they began with.
    bands : sequence of Band
    converged : bool
    chi2 : float
        Weighted squares per degree of freedom.
    verdict : LibraryVerdict
    """
    out = []
    if not converged:
        out.append(_not_converged(outcomes, best))
    if chi2 > LARGEST_CHI2:
        text = (
            f"The misfit is {chi2:.2f} times what the measurement error explains: inclusion "
            "probabilities are withheld, because they assume that some model here is right."
        )
        out.append(FitWarning("misfit", text))
    out += library_warnings(problem.library.states, verdict)
    out += _data_warnings(problem)
    out += _residual_warnings(problem, best)
    out += _noise_warnings(problem, best, starts)
    out += _coefficient_warnings(problem, shown)
    out += _band_warnings(problem, bands)
    return tuple(out)


def _not_converged(outcomes: Sequence[Outcome], best: Weighed) -> FitWarning:
    if not outcomes:
        text = "No start of the search could follow the data."
    elif all(outcome.kappa > 0 for outcome in outcomes):
        text = (
            "The model follows the data only while it is pulled toward them: no model from this "
            "library could be run freely and stay near the data."
        )
    elif len(best.fit.columns) == 0:
        text = "The best model has no terms: nothing in this library explains the change."
    else:
        text = "The best model explains less than half of the variation of every state."
    return FitWarning("not_converged", text + " Try other candidate terms or fewer states.")


def _data_warnings(problem: Problem) -> list[FitWarning]:
    out = []
    if problem.dropped:
        n = len(problem.dropped)
        text = (
            f"{n} {'series was' if n == 1 else 'series were'} left out, measured at fewer than two "
            "times: a model of change needs two at least."
        )
        out.append(FitWarning("series_left_out", text))
    if problem.homeless_doses:
        text = (
            "The data hold doses and do not say into which state they go: they are left out, and "
            "the equations describe the measured course without its cause. Name their target "
            "(dosing: target), or leave them out on purpose (dosing: false)."
        )
        out.append(FitWarning("doses_ignored", text))
    share = problem.censored.sum(axis=0) / np.maximum((problem.count > 0).sum(axis=0), 1)
    for name, below in zip(problem.observables, share, strict=True):
        if below > MANY_CENSORED:
            text = (
                f"{100 * below:.0f} % of the values of {name} lie below the limit of "
                "quantification: its equation rests on the others."
            )
            out.append(FitWarning("mostly_censored", text))
    return out


def _residual_warnings(problem: Problem, best: Weighed) -> list[FitWarning]:
    """Neighbouring residuals that agree in sign betray a term that is missing."""
    out = []
    residuals = standardised_residuals(problem, best.noise, best.fit.x)
    for e, name in enumerate(problem.observables):
        product, square, n = 0.0, 0.0, 0
        for r in residuals:
            own = r[:, e][np.isfinite(r[:, e])]
            product += float((own[1:] * own[:-1]).sum())
            square += float((own**2).sum())
            n += max(own.size - 1, 0)
        # Under independence the lag-1 correlation has sd 1/sqrt(n) (Bartlett 1946).
        correlation = product / square if square > 0 else 0.0
        if n >= 8 and correlation > 3.0 / np.sqrt(n):
            text = (
                f"Residuals of {name} are not random (neighbours correlate at {correlation:.2f}): "
                "the true term may not be in the library."
            )
            out.append(FitWarning("structured_residuals", text))
    r_squared = goodness(problem, best.fit.x)
    for e, name in enumerate(problem.observables):
        poor = np.nanmedian(r_squared[:, e]) if np.isfinite(r_squared[:, e]).any() else 1.0
        if poor < LOW_R_SQUARED:
            text = f"{name} is poorly described (median R2 {poor:.2f})."
            out.append(FitWarning("poor_fit", text))
    return out


def _noise_warnings(problem: Problem, best: Weighed, starts: Sequence[Start]) -> list[FitWarning]:
    out = []
    smooth = starts[0].frame.smooth
    sd = best.noise.sd * best.noise.typical(problem)
    for e, name in enumerate(problem.observables):
        believable = problem.seen[e] and smooth.sd[e] > 0.03 * problem.data_scale[e]
        if believable and sd[e] > 1.5 * smooth.sd[e]:
            text = (
                f"The model leaves {sd[e] / smooth.sd[e]:.1f} times the scatter of a smooth curve "
                f"through {name}: part of it may be dynamics that the library cannot express."
            )
            out.append(FitWarning("excess_noise", text))
    return out


def _coefficient_warnings(problem: Problem, shown: RankedModel) -> list[FitWarning]:
    # As the normal approximation has it: the sd that is shown is that of a t distribution.
    freedom = freedom_of(problem, len(shown.columns))
    sd = shown.sd * np.sqrt((freedom - 2.0) / freedom)
    vague = [
        problem.library.column_label(int(c))
        for c, w, s in zip(shown.columns, shown.coefficients, sd, strict=True)
        if s > 0.5 * abs(w)
    ]
    if not vague:
        return []
    text = "The data hardly determine the coefficient of " + "; ".join(vague) + "."
    return [FitWarning("vague_coefficient", text)]


def _band_warnings(problem: Problem, bands: Sequence[Band]) -> list[FitWarning]:
    out = []
    failed = sum(band.n_failed for band in bands)
    if failed:
        text = f"{failed} simulated draws diverged and are left out of the bands."
        out.append(FitWarning("diverged_draws", text))
    beyond = [
        label
        for r, (label, band) in enumerate(zip(problem.study.labels, bands, strict=True))
        if band.time[-1] > problem.times(r)[-1] * (1 + 1e-9)
    ]
    if beyond:
        text = (
            "Beyond the last measurement the curves are extrapolation: their bands hold only if "
            "the discovered equations go on holding."
        )
        out.append(FitWarning("extrapolation", text))
    return out

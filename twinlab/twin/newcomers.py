"""Coefficients of a trajectory that a model never saw: those of the population, as it varies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twinlab.discovery import Discovery
from twinlab.discovery.varying import Effect
from twinlab.errors import UserError
from twinlab.study import Trajectory

Array = NDArray[np.float64]


def population_draws(
    discovery: Discovery, trajectory: Trajectory, rng: np.random.Generator
) -> Array:
    """Draws (n_draw, n_column) of the coefficients of a subject that was not in the fit.

    Every draw of the posterior has a deviation of its own, normal with the population's standard
    deviation omega, and the effects of the subject's condition and covariates (the marginal
    model of Lindstrom and Bates 1990, Biometrics 46, 673, section 2).  What is switched off in the
    subject's condition is zero.

    Parameters
    ----------
    discovery : Discovery
    trajectory : Trajectory
        Whose condition and covariates count; its measurements do not.
    rng : Generator

    Raises
    ------
    UserError
        The subject lacks a covariate that a coefficient depends on.
    """
    posterior, varying = discovery.posterior, discovery.varying
    coefficients = posterior.coefficients
    if varying is None or posterior.local is None:
        return coefficients
    n = len(coefficients)
    log_factor = np.zeros((n, varying.n_slot))
    n_own = varying.omega.size
    log_factor[:, :n_own] = varying.omega * rng.standard_normal((n, n_own))
    for j, effect in enumerate(varying.effects):
        value = effect_value(effect, trajectory)
        log_factor[:, effect.slot] += posterior.local.effects[:, j] * value
    for off in varying.off:
        if off.name == trajectory.condition:
            log_factor[:, off.slot] = -np.inf
    slot = posterior.local.slot
    factor = np.exp(log_factor)[:, np.maximum(slot, 0)]
    return np.where(slot >= 0, coefficients * factor, coefficients)


def effect_value(effect: Effect, trajectory: Trajectory) -> float:
    """What an effect's size is multiplied by in one trajectory.

    Raises
    ------
    UserError
        The covariate is missing, or not positive where a power of it is taken.
    """
    if effect.kind == "condition":
        return float(trajectory.condition == effect.name)
    value = float(trajectory.covariates.get(effect.name, np.nan))
    if not np.isfinite(value) or (effect.kind == "power" and value <= 0.0):
        raise UserError(
            f"{trajectory.label} has no usable {effect.name}, on which a coefficient depends.",
            mend=f"Give {effect.name} for this subject, or leave it out of the covariates.",
        )
    if effect.kind == "power":
        return float(np.log(value / effect.centre))
    if effect.kind == "linear":
        return (value - effect.centre) / effect.scale
    return float(f"{value:g}" == effect.level)

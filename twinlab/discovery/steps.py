"""The moves a discovery is made of: linearise, select, polish, weigh."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twinlab.kernels import (
    OK,
    Initial,
    Regression,
    Tolerance,
    normal_equations,
    polish,
    spike_slab_search,
)
from twinlab.knowledge import ColumnPrior

from .frame import Fit, Frame, Point
from .gauge import in_own_units, known_log_determinant, log_sign_changes
from .known import known_as_offset
from .model_prior import SLAB_SHARE, log_model_prior, log_slab, size_prior
from .noise import Noise
from .problem import Problem
from .result import Gram
from .scaled import inverse_scaled, log_determinant, solve_scaled
from .smoothing import Smooth
from .varying import Varying

Array = NDArray[np.float64]
Columns = NDArray[np.int64]

#: Prior precision of an initial state around the smooth, over the state's variance.
INITIAL_PRECISION = 1e-2
#: The same of an initial state that is known.
KNOWN_PRECISION = 1e6
#: Degrees of freedom of the prior of the noise scale in the selection.
SCALE_FREEDOM, SCALE_FREEDOM_NUDGED = 20.0, 4.0
#: Largest support: at least this many columns, or this many for each state.
MAX_ACTIVE, MAX_ACTIVE_EACH = 64, 10
#: Steps of a blind walk that one informed jump, which weighs every column, is worth.
STEPS_PER_JUMP = 50
#: Damping that a fit begins with: anywhere, and near its optimum.
DAMPING, DAMPING_NEAR = 1e-3, 1e-7
#: Twice the nats by which a step must raise a fit: else it was the last one.
STANDSTILL, ROUGH_STANDSTILL = 1e-3, 0.1
#: Integrator tolerance of fits; simulations for show use a tighter one.
FIT_TOLERANCE = 1e-5
#: Steps along a trajectory, and between two measurements, that a model with states never measured
#: may take while it is fitted: wrong guesses at them give models that need any number.
STEPS_HIDDEN, STEPS_BETWEEN = 500, 10


@dataclass(frozen=True)
class Supports:
    """Supports met by a selection, by descending log posterior (up to a constant)."""

    columns: tuple[Columns, ...]
    log_posterior: Array


def initial_prior(problem: Problem, smooth: Smooth) -> Initial:
    """Weak normal prior of the initial states around the smooth, a tight one of known values."""
    precision = np.tile(INITIAL_PRECISION / problem.scale**2, (problem.n_trajectory, 1))
    mean = np.array(smooth.mean[:, 0, :])
    for name, value in problem.study.initial.items():
        e = problem.library.states.index(name)
        mean[:, e], precision[:, e] = value, KNOWN_PRECISION / problem.scale[e] ** 2
    return Initial(mean, precision)


def fit_tolerance(problem: Problem) -> Tolerance:
    """Integrator tolerances of fits."""
    tolerance = problem.tolerance(FIT_TOLERANCE)
    if not problem.unseen_states.size:
        return tolerance
    most = max(STEPS_HIDDEN, STEPS_BETWEEN * int(np.diff(problem.start).max()))
    return tolerance._replace(max_steps=min(tolerance.max_steps, most))


def linearise(frame: Frame, point: Point, noise: Noise, kappa: float) -> Gram | None:
    """Regression of the data on all columns around a model; None if it cannot be simulated.

    What is local and the effects are integrated out.
    """
    gram = linearise_everywhere(frame, point, noise, kappa, frame.varying)
    if gram is None or not frame.varying.effects:
        return gram
    n = frame.problem.n_column
    return without_columns(gram, n, frame.varying.effect_precision, np.zeros(gram.vector.size - n))


def linearise_everywhere(
    frame: Frame, point: Point, noise: Noise, kappa: float, varying: Varying
) -> Gram | None:
    """Regression of the data on all columns, then on effects, around a model.

    Parameters
    ----------
    varying : Varying
        The frame's, or one with more effects behind those of the frame.
    """
    problem, n = frame.problem, frame.problem.n_column
    terms, entries = problem.active(point.columns)
    initial, effects = frame.start(point)
    coefficients = np.zeros(n + len(varying.effects))
    coefficients[point.columns] = point.coefficients
    coefficients[n : n + effects.size] = effects
    data, x = noise.data(problem), np.empty(problem.value.shape)
    status, cost, *blocks = normal_equations(
        initial,
        np.concatenate([point.coefficients, effects]),
        terms,
        entries,
        frame.varying.local(point.columns, problem.n_trajectory),
        coefficients,
        problem.terms,
        problem.entries,
        varying.local(np.arange(n), problem.n_trajectory),
        data,
        frame.initial_prior,
        problem.drive(kappa, frame.smooth.target),
        problem.tolerance(FIT_TOLERANCE),
        np.zeros(coefficients.size),
        x,
    )
    if status != OK or not all(np.isfinite(block).all() for block in blocks):
        return None
    excess, information = noise.excess(problem, x)
    n_free = information - problem.n_state * problem.n_trajectory
    gram = eliminate_initial(coefficients, initial, cost - excess, tuple(blocks), n_free)
    return known_as_offset(gram, frame.prior)


def without_columns(gram: Gram, n: int, precision: Array, shift: Array) -> Gram:
    """Integrate the columns from `n` on out of a Gram, under their normal prior around `shift`."""
    if len(gram.vector) == n:
        return gram
    matrix = gram.matrix[n:, n:] + np.diag(precision)
    vector = gram.vector[n:] + precision * shift
    slope = solve_scaled(matrix, gram.matrix[n:, :n])
    mean = solve_scaled(matrix, vector[:, None])[:, 0]
    local = gram.initial_slope[:, :, n:]
    return replace(
        gram,
        matrix=np.ascontiguousarray(gram.matrix[:n, :n] - gram.matrix[:n, n:] @ slope),
        vector=gram.vector[:n] - slope.T @ vector,
        yy=float(gram.yy + (precision * shift**2).sum() - vector @ mean),
        initial_offset=gram.initial_offset - local @ mean,
        initial_slope=gram.initial_slope[:, :, :n] - local @ slope,
    )


def eliminate_initial(
    coefficients: Array, initial: Array, cost: float, blocks: tuple[Array, ...], n: float
) -> Gram:
    """Integrate initial states and deviations out of Gauss-Newton equations.

    With ``z = r + X w``: ``G = X'X - X'X0 H^-1 X0'X``, ``g = X'z - X'X0 H^-1 X0'z``,
    ``yy = z'z - z'X0 H^-1 X0'z`` where ``H = X0'X0 + P0`` (METHODS section 2).

    Parameters
    ----------
    coefficients : (n_column,) array
    initial : (n_trajectory, n_local) array
    cost : float
    blocks
        ``X'X, X'r, H, X0'r, X'X0`` as `twinlab.kernels.normal_equations` returns them.
    cost : float
        Squares of the rows' residuals, prior costs included.
    n : float
        Number of values (by their information) less initial states.
    """
    xx, xr, hessian, x0r, cross = blocks
    moved = xx @ coefficients
    b = x0r + np.einsum("rkd,k->rd", cross, coefficients)
    slope = solve_scaled(hessian, np.swapaxes(cross, 1, 2))
    shift = solve_scaled(hessian, b[:, :, None])[:, :, 0]
    gram = xx - np.tensordot(cross, slope, axes=([0, 2], [0, 1]))
    vector = xr + moved - np.einsum("rkd,rd->k", cross, shift)
    yy = cost + 2.0 * coefficients @ xr + coefficients @ moved - (b * shift).sum()
    return Gram(np.ascontiguousarray(gram), vector, float(yy), n, initial + shift, slope, hessian)


def select(
    gram: Gram,
    precision: Array,
    prior: ColumnPrior,
    start: Columns,
    *,
    freedom: float,
    n_steps: int,
    seed: int,
    keep: int = 200,
    from_nothing: bool = True,
) -> Supports:
    """Posterior over supports on a Gram; empty where every support contradicts a sign.

    Parameters
    ----------
    gram : Gram
    precision : (n_column,) array
    prior : ColumnPrior
    start : int array
        Support to start from; required columns are added, excluded ones taken out.
    freedom : float
        Degrees of freedom of the noise scale's prior.
    n_steps, seed, keep : int
        Proposals, random seed, supports returned.
    from_nothing : bool
        Also start from the required columns alone.
    """
    n_column, n_local = precision.size, gram.initial_offset.shape[1]
    n_required = int(prior.required.sum())
    max_size = min(n_column, max(MAX_ACTIVE, MAX_ACTIVE_EACH * n_local, n_required + 8))
    starts = np.zeros((2, n_column), bool)
    if len(start) < max_size:
        starts[1, start] = True
    starts[1, prior.excluded] = False
    starts |= prior.required
    if np.array_equal(*starts) or not from_nothing:
        starts = starts[1:]
    # A required column stays whatever its sign in the linear equations (there, two fast rates in
    # balance are not told apart); polishing holds it within its bounds.
    sign = np.where(prior.required, 0, prior.sign)
    keys = np.random.default_rng(20_240_607).integers(1, 2**63, n_column, dtype=np.uint64)
    regression = Regression(
        gram.matrix, gram.vector, gram.yy, gram.n, precision, prior.search_odds,
        size_prior(prior, max_size), prior.required, ~prior.excluded & ~prior.required,
        sign, freedom,
    )  # fmt: skip
    columns, values = spike_slab_search(
        regression, keys, starts, n_steps // STEPS_PER_JUMP + 1, seed, keep
    )
    keep = int((values > values[0] - 30.0).sum()) if values.size else 0
    return Supports(tuple(columns[:keep]), values[:keep])


def conditional(gram: Gram, precision: Array, columns: Columns) -> tuple[Array, Array]:
    """Posterior mean (k,) and half Hessian (k, k) of the coefficients of one support."""
    matrix = gram.matrix[np.ix_(columns, columns)] + np.diag(precision[columns])
    return solve_scaled(matrix, gram.vector[columns][:, None])[:, 0], matrix


def polish_point(
    frame: Frame,
    point: Point,
    noise: Noise,
    kappa: float,
    iterations: int,
    near: bool = False,
    roughly: bool = False,
) -> Fit | None:
    """Least-squares fit of one support from a start; None if the start cannot be simulated.

    `near` says that the start is an optimum under a little different noise.  Where states were
    never measured that is not relied upon: an undamped step may exchange their rates.  It is done
    `roughly` where another fit begins at it.
    """
    problem, varying = frame.problem, frame.varying
    hidden = problem.unseen_states.size > 0
    terms, entries = problem.active(point.columns)
    initial, effects = frame.start(point)
    k, free = len(point.columns), np.full(effects.size, np.inf)
    status, w, initial, cost, h_w, h_x, cross, x = polish(
        initial,
        np.concatenate([point.coefficients, effects]),
        terms,
        entries,
        varying.local(point.columns, problem.n_trajectory),
        noise.data(problem),
        frame.initial_prior,
        problem.drive(kappa, frame.smooth.target),
        fit_tolerance(problem),
        np.concatenate([frame.precision[point.columns], varying.effect_precision]),
        np.concatenate([frame.prior.lower[point.columns], -free]),
        np.concatenate([frame.prior.upper[point.columns], free]),
        iterations,
        # Coefficients and the mean of their deviations move against each other with nothing but
        # the deviations' prior to hold them: damping would stop that short.
        DAMPING_NEAR if (near and not hidden) or varying.n_slot else DAMPING,
        ROUGH_STANDSTILL if roughly else STANDSTILL,
    )
    # where sensitivities overflow, the cost may still be finite
    if status != OK or not all(np.isfinite(part).all() for part in (cost, h_w, h_x, cross)):
        return None
    return Fit(point.columns, w[:k], initial, float(cost), h_w, h_x, cross, x, effects=w[k:].copy())


def n_parameters(frame: Frame, fit: Fit) -> float:
    """Parameters of a fit; of deviations as many as the data determine, not their prior.

    That is one less the ratio of posterior to prior variance of each (Hodges and Sargent 2001,
    Biometrika 88, 367, section 2).
    """
    d = frame.problem.n_state
    known = int(frame.prior.held.sum())
    plain = len(fit.h_w) - known + fit.h_x.shape[0] * d
    if fit.h_x.shape[1] == d:
        return plain
    variance = np.einsum("rvv->rv", inverse_scaled(fit.h_x))[:, d:]
    return float(plain + (1.0 - variance * frame.initial_prior.precision[:, d:]).sum())


def log_evidence(frame: Frame, fit: Fit, noise: Noise) -> float:
    """Laplace approximation of the log evidence of a polished model at kappa = 0.

    It is given the standard deviations of what varies, and that it varies.
    """
    prior = log_model_prior(frame.problem, frame.prior, fit.columns, fit.coefficients)
    return laplace(frame, fit, noise, frame.precision[fit.columns], prior)


def laplace(frame: Frame, fit: Fit, noise: Noise, precision: Array, log_prior: float) -> float:
    """Log evidence of a fit whose coefficients have slabs of `precision`.

    ``log L + log p(w) + k/2 log 2 pi - 1/2 log|H_w| - 1/2 sum (log|H_x| - log|P|) +
    log p(support)``, x all that is local to a trajectory, with the
    noise's own normaliser and prior, so that models under different noise can be compared
    (Tierney and Kadane 1986, eq. 2.3).

    Parameters
    ----------
    frame, fit, noise
    precision : (k,) array
    log_prior : float
        Of the support and of signs; half the log precision of every free constant, whose normal
        prior is in the cost.
    """
    hidden = bool(frame.problem.library.latent)
    if hidden:
        frame, fit, precision = in_own_units(frame, fit, precision)
        log_prior = log_prior + log_sign_changes(frame.problem, fit.x)
    sign_w, log_w = log_determinant(fit.schur)
    sign_x, log_x = log_determinant(fit.h_x)
    if sign_w <= 0 or (sign_x <= 0).any():
        return -np.inf
    w = np.concatenate([fit.coefficients, fit.effects])
    precision = np.concatenate([precision, frame.varying.effect_precision])
    if hidden and len(fit.h_w) == w.size:
        log_w = np.asarray(known_log_determinant(fit.schur, SLAB_SHARE / np.sqrt(precision)))
    log_x = log_x.sum() - np.log(frame.initial_prior.precision).sum()
    # The cost holds the normal slab that the polish needs; the evidence has its own.
    likelihood = -0.5 * (fit.cost - precision @ w**2) + noise.log_normaliser(frame.problem)
    occam = 0.5 * (w.size * np.log(2.0 * np.pi) - log_w - log_x)
    slab = log_slab(precision, w)
    return float(likelihood + slab + occam + noise.log_prior(frame.problem) + log_prior)

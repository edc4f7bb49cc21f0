"""Many draws of one model at once: trajectories side by side, each with its own step.

Reading the tables of a model costs more than the arithmetic they ask for.  Here every entry read
serves up to 64 draws, and the arithmetic runs in vector instructions.  Each lane keeps its own time
and step (Dormand and Prince's pair, as in `integrate`) and takes the next draw when it is done.
A draw that this explicit method cannot finish is left to `integrate`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinlab.expressions.kinds import HILL_ACTIVATION, HILL_REPRESSION, POWER

from .compiled import jit
from .drive import Drive, stretches
from .flow import Tolerance, factor_value, given_until, grid_place, piece_at, power
from .integrate import DIVERGED, OK, STEP_TOO_SMALL, TOO_MANY_STEPS, integrate, next_step_factor
from .lanes_state import empty_lanes, load
from .lanes_steps import errors, first_step, polynomials, stage_states, write
from .tableau import NODES

Array = NDArray[np.float64]

LANES = 64  #: at most
# With fewer draws the vectors are too short to be worth it.
_FEWEST = 6
# The step is held by stability, not accuracy (Hairer and Wanner 1996, Solving ODEs II, IV.2):
# its size times the estimated eigenvalue is beyond this, so many accepted steps in a row.
_STABILITY, _STIFF_STEPS = 3.25, 15


@jit
def _multiply_power(v, row, exponent, out, n):
    """Multiply the lanes of ``out[n]`` by ``v[row]**exponent``."""
    width = out.shape[1]
    if exponent == 1.0:
        for i in range(width):
            out[n, i] *= v[row, i]
    elif exponent == 2.0:
        for i in range(width):
            out[n, i] *= v[row, i] * v[row, i]
    elif exponent == 4.0:
        for i in range(width):
            out[n, i] *= (v[row, i] * v[row, i]) * (v[row, i] * v[row, i])
    else:
        for i in range(width):
            out[n, i] *= power(v[row, i], exponent)


@jit
def _terms(factor_count, factor_kind, factor_variable, exponents, scale, constant, inverse,
           exponent_of, differs, hill, point, theta):  # fmt: skip
    """Fill `theta` at `point`; the first five are of a `TermTable`.

    Constants and their inverses are those of each lane; so are the exponents of the Hill
    functions that `differs` (n_term, 3) marks.
    """
    width = theta.shape[1]
    for n in range(factor_count.size):
        first = 0
        if factor_count[n] > 0 and factor_kind[n, 0] == POWER and exponents[n, 0] == 1.0:
            v, first = factor_variable[n, 0], 1
            for i in range(width):
                theta[n, i] = scale[n] * point[v, i]
        else:
            for i in range(width):
                theta[n, i] = scale[n]
        for f in range(first, factor_count[n]):
            kind, exponent, v = factor_kind[n, f], exponents[n, f], factor_variable[n, f]
            if kind == POWER:
                _multiply_power(point, v, exponent, theta, n)
            elif kind == HILL_ACTIVATION or kind == HILL_REPRESSION:
                for i in range(width):
                    hill[0, i] = max(point[v, i] * inverse[n, f, i], 1e-12)
                    hill[1, i] = 1.0
                if differs[n, f]:
                    for i in range(width):
                        hill[1, i] = hill[0, i] ** exponent_of[n, f, i]
                else:
                    _multiply_power(hill, 0, exponent, hill, 1)
                if kind == HILL_REPRESSION:
                    for i in range(width):
                        theta[n, i] /= 1.0 + hill[1, i]
                else:
                    for i in range(width):
                        theta[n, i] *= hill[1, i] / (1.0 + hill[1, i])
            else:
                for i in range(width):
                    theta[n, i] *= factor_value(kind, exponent, constant[n, f, i], point[v, i])


@jit
def _slopes(stage, state, term, column, value, coefficients, theta, rate, k):
    """Fill ``k[stage]`` from `rate` and the terms; the second to fifth are `Entries`."""
    width = theta.shape[1]
    for e in range(k.shape[1]):
        for i in range(width):
            k[stage, e, i] = rate[e]
    for j in range(state.size):
        e, n, c, factor = state[j], term[j], column[j], value[j]
        for i in range(width):
            # a term may be undefined where it is not used
            a = theta[n, i] if coefficients[c, i] != 0.0 else 0.0
            k[stage, e, i] += factor * coefficients[c, i] * a


@jit
def _inputs(stage, knot, pieces, t, h, d, point):
    """Fill the inputs at the stage's times."""
    for i in range(h.size):
        at = t[i] + NODES[stage] * h[i]
        piece = piece_at(at, knot)
        u = max(at - knot[piece], 0.0)
        for m in range(pieces.shape[2]):
            c = pieces[piece, :, m]
            point[d + m, i] = ((c[0] * u + c[1]) * u + c[2]) * u + c[3]


@jit
def _nudge(stage, row, drive, t, h, point, k):
    """Add the nudging at the stage's times."""
    trajectory = drive.trajectory[row]
    for e in range(k.shape[1]):
        if drive.kappa[e] == 0.0:
            continue
        for i in range(h.size):
            at = t[i] + NODES[stage] * h[i]
            cell, u = grid_place(at, trajectory, drive)
            c = drive.target[trajectory, cell, :, e]
            target = ((c[0] * u + c[1]) * u + c[2]) * u + c[3] + given_until(at, e, row, drive)
            k[stage, e, i] += drive.kappa[e] * (target - point[e, i])


@jit
def _advance(i, limit, x, point, before, k):
    """Take over the step's end in lane `i`.

    Returns
    -------
    bounded : bool
    eigenvalue : float
        Estimated modulus of the largest eigenvalue (Hairer and Wanner 1996, IV.2, eq. 2.6).
    """
    bounded = True
    change = apart = 0.0
    for e in range(x.shape[0]):
        new = point[e, i]
        change += (k[6, e, i] - k[5, e, i]) ** 2
        apart += (new - before[e, i]) ** 2
        x[e, i], k[0, e, i] = new, k[6, e, i]
        bounded = bounded and abs(new) <= limit[e]
    return bounded, np.sqrt(change / apart) if apart > 0.0 else 0.0


@jit
def _run(
    initial, time, terms, entries, coefficients, constants, exponents, differs, row, drive,
    tolerance, lanes, out, status,
):  # fmt: skip
    """Integrate all draws through a stretch, a row of `drive`; ``time`` ends where it does.

    What fails here other than by divergence keeps its status.
    """
    # Plain arrays for the functions below: a tuple of arrays costs more to pass than they do.
    h, error, point, x, before = lanes.h, lanes.error, lanes.point, lanes.x, lanes.before
    theta, k, coefficient, t = lanes.theta, lanes.k, lanes.coefficients, lanes.t
    constant, inverse, hill = lanes.constant, lanes.inverse, lanes.hill
    poly, steps = lanes.poly, lanes.steps
    draw, following, stiff, rejected = lanes.draw, lanes.next, lanes.stiff, lanes.rejected
    count, kind, variable = terms.factor_count, terms.factor_kind, terms.factor_variable
    exponent, exponent_of, scale = terms.exponent, lanes.exponent, terms.scale
    state, term, column, value = entries.state, entries.term, entries.column, entries.value
    absolute, relative, limit = tolerance.absolute, tolerance.relative, tolerance.limit
    most = tolerance.max_steps
    driven, nudged = drive.inputs.shape[3] > 0, drive.kappa.any()
    knot, pieces, rate = drive.knot[row], drive.inputs[row], drive.rate[row]
    # A bare 0 is a type of its own to numba: `load` would be compiled twice.
    waiting = active = np.int64(0)
    width = h.size
    end, d, span = time[time.size - 1], x.shape[0], time[time.size - 1] - time[0]
    while True:
        first = 1
        for i in range(width):
            if draw[i] < 0 and waiting < initial.shape[0]:
                load(i, waiting, initial, time[0], coefficients, constants, exponents, lanes)
                waiting, active, first = waiting + 1, active + 1, 0
        if active == 0:
            return
        for i in range(width):
            h[i] = min(h[i], end - t[i]) if draw[i] >= 0 else 0.0
        for stage in range(first, 7):
            if stage == 6:
                for e in range(d):
                    for i in range(width):
                        before[e, i] = point[e, i]
            stage_states(stage, h, x, k, point)
            if driven:
                _inputs(stage, knot, pieces, t, h, d, point)
            _terms(
                count, kind, variable, exponent, scale, constant, inverse, exponent_of, differs,
                hill, point, theta,
            )  # fmt: skip
            _slopes(stage, state, term, column, value, coefficient, theta, rate, k)
            if nudged:
                _nudge(stage, row, drive, t, h, point, k)
            if stage == 0:
                for i in range(width):
                    if h[i] < 0.0:
                        h[i] = first_step(i, span, absolute, relative, x, k)
        errors(absolute, relative, h, x, point, k, error)
        polynomials(h, x, k, poly)
        for i in range(width):
            r = draw[i]
            if r < 0:
                continue
            steps[i] += 1
            factor = next_step_factor(error[i]) if error[i] < 1e10 else 0.1
            if error[i] <= 1.0:
                begun = following[i]
                last = t[i] + h[i] >= end - 1e-12 * span
                following[i] = write(i, r, begun, t[i], h[i], last, time, poly, out)
                bounded, eigenvalue = _advance(i, limit, x, point, before, k)
                stiff[i] = stiff[i] + 1 if h[i] * eigenvalue > _STABILITY else 0
                if not bounded:
                    for n in range(begun, following[i]):
                        for e in range(d):
                            out[r, n, e] = np.nan
                    status[r] = DIVERGED
                elif stiff[i] >= _STIFF_STEPS:
                    status[r] = STEP_TOO_SMALL
                t[i] += h[i]
                h[i] *= min(factor, 1.0) if rejected[i] else factor
                rejected[i] = 0
            else:
                h[i] *= factor
                rejected[i] = 1
                if h[i] < 1e-13 * span:
                    status[r] = STEP_TOO_SMALL
            if status[r] == OK and following[i] < time.size:
                if steps[i] < most:
                    continue
                status[r] = TOO_MANY_STEPS
            draw[i] = -1
            active -= 1


def _run_all(
    initial: Array, time: Array, terms: Any, entries: Any, coefficients: Array, constants: Array,
    exponents: Array, differs: NDArray[np.bool_], trajectory: int, drive: Drive,
    tolerance: Tolerance, out: Array, status: NDArray[np.int64],
) -> None:  # fmt: skip
    """Integrate all draws through all stretches; the statuses are those of `_run`."""
    sizes = initial.shape[1], drive.inputs.shape[3], len(terms.scale), coefficients.shape[1]
    status[:] = OK
    alive, x = np.arange(len(initial)), initial
    for n, (row, rows, times) in enumerate(stretches(time, trajectory, drive)):
        x = x + drive.jump[row] if n else x
        if times.size == 1:
            continue
        own = status[alive]
        whole = times.size == time.size and alive.size == len(initial)
        part = out if whole else np.full((alive.size, times.size, x.shape[1]), np.nan)
        fitted = constants[alive % len(constants)], exponents[alive % len(exponents)]
        _run(
            x, times, terms, entries, coefficients[alive], *fitted, differs, row, drive, tolerance,
            empty_lanes(*sizes, min(LANES, alive.size)), part, own,
        )  # fmt: skip
        status[alive] = own
        if whole:
            return
        out[alive, rows] = part[:, 1 : 1 + rows.stop - rows.start]
        alive, x = alive[own == OK], np.ascontiguousarray(part[own == OK, -1])
        if not alive.size:
            return


def integrate_lanes(
    initial: Array,
    time: Array,
    terms: Any,
    entries: Any,
    coefficients: Array,
    trajectory: int,
    drive: Drive,
    tolerance: Tolerance,
    out: Array,
    status: NDArray[np.int64],
    constants: Array | None = None,
    exponents: Array | None = None,
) -> None:
    """`integrate_draws`, up to 64 draws at a time; the results agree to rounding.

    Parameters
    ----------
    initial : (n_draw, n_state) array
    time, terms, entries, trajectory, drive, tolerance
        As in `integrate`.
    coefficients : (n_draw, n_column) array
    out : (n_draw, n_time, n_state) array
        Result; rows after a failure are NaN.
    status : (n_draw,) int array
        As `integrate` returns it, per draw.
    constants, exponents : (n_draw, n_term, 3) arrays, optional
        Constants and exponents of the terms' factors where they differ between draws; exponents
        may differ in Hill functions alone.
    """
    out[:, 0] = initial
    out[:, 1:] = np.nan
    own = terms.constant[None] if constants is None else constants
    powers = terms.exponent[None] if exponents is None else exponents
    status[:] = STEP_TOO_SMALL
    if len(initial) >= _FEWEST:
        # An exponent that all draws share is worked out by multiplication.
        shared, differs = powers[0], (powers != powers[0]).any(axis=0)
        _run_all(
            initial, time, terms._replace(exponent=np.ascontiguousarray(shared)), entries,
            coefficients, own, powers, differs, trajectory, drive, tolerance, out, status,
        )  # fmt: skip
    for r in np.flatnonzero((status != OK) & (status != DIVERGED)).tolist():
        mine = terms._replace(
            constant=np.ascontiguousarray(own[min(r, len(own) - 1)]),
            exponent=np.ascontiguousarray(powers[min(r, len(powers) - 1)]),
        )
        status[r] = integrate(
            initial[r], time, mine, entries, coefficients[r], trajectory, drive, tolerance, out[r]
        )

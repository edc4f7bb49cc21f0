"""Adaptive explicit Runge-Kutta integration of table-driven models, with dense output.

A trajectory is integrated stretch by stretch: no step crosses an event.
"""

from __future__ import annotations

import numpy as np

from .compiled import jit, jit_inline
from .control import (
    DIVERGED,
    OK,
    STATUS_TEXT,
    STEP_TOO_SMALL,
    STIFF_STEPS,
    TOO_MANY_STEPS,
    TOO_STIFF,
    WORTH_SWITCHING,
    first_step,
    next_step_factor,
    out_of_bounds,
)
from .flow import flow
from .rosenbrock import integrate_stiff
from .tableau import (
    A21,
    A31,
    A32,
    A41,
    A42,
    A43,
    A51,
    A52,
    A53,
    A54,
    A61,
    A62,
    A63,
    A64,
    A65,
    A71,
    A73,
    A74,
    A75,
    A76,
    DENSE,
    E1,
    E3,
    E4,
    E5,
    E6,
    E7,
    NODES,
)

__all__ = [
    "DIVERGED",
    "OK",
    "STATUS_TEXT",
    "STEP_TOO_SMALL",
    "TOO_MANY_STEPS",
    "TOO_STIFF",
    "integrate",
    "integrate_draws",
]

#: Step times the dominant eigenvalue beyond which accuracy no longer holds a step.  The stable
#: region ends at 3.3; close to it step control settles between 2.8 (tight tolerances) and 3.3.
STABILITY_LIMIT = 2.0


@jit
def held_by_stability(x, k, tolerance):
    """Whether a step is as long as stability allows, not accuracy: the sign of stiffness.

    The last two stages are at one time, so ``|k7 - k6| / |x7 - x6|`` estimates the Jacobian's
    dominant eigenvalue (Hairer and Wanner 1996, Solving ODEs II, IV.2, eq. 2.12).  Each state is
    measured in its tolerance.
    """
    rates = states = 0.0
    for e in range(x.size):
        scale = tolerance.absolute[e] + tolerance.relative * abs(x[e])
        # x7 - x6 over the step.
        a = (A71 - A61) * k[0, e] - A62 * k[1, e] + (A73 - A63) * k[2, e]
        a += (A74 - A64) * k[3, e] + (A75 - A65) * k[4, e] + A76 * k[5, e]
        states += (a / scale) ** 2
        rates += ((k[6, e] - k[5, e]) / scale) ** 2
    return rates > STABILITY_LIMIT**2 * states


@jit
def stage_state(s, x, k, h, out):
    """Fill ``out`` with the state at stage ``s`` (0 to 6; the last is the solution)."""
    for e in range(x.size):
        if s == 0:
            a = 0.0
        elif s == 1:
            a = A21 * k[0, e]
        elif s == 2:
            a = A31 * k[0, e] + A32 * k[1, e]
        elif s == 3:
            a = A41 * k[0, e] + A42 * k[1, e] + A43 * k[2, e]
        elif s == 4:
            a = A51 * k[0, e] + A52 * k[1, e] + A53 * k[2, e] + A54 * k[3, e]
        elif s == 5:
            a = A61 * k[0, e] + A62 * k[1, e] + A63 * k[2, e] + A64 * k[3, e] + A65 * k[4, e]
        else:
            a = A71 * k[0, e] + A73 * k[2, e] + A74 * k[3, e] + A75 * k[4, e] + A76 * k[5, e]
        out[e] = x[e] + h * a


@jit
def first_stretch(t, trajectory, drive):
    """Stretch of a trajectory that holds the time ``t``, before what happens at just this time."""
    row = drive.first[trajectory]
    while row + 1 < drive.first[trajectory + 1] and drive.begin[row + 1] < t:
        row += 1
    return row


@jit
def stretch_end(row, i, trajectory, drive, time):
    """End of a stretch, and the index of the first output from `i` on that lies behind it."""
    end, stop = time[time.size - 1], time.size
    if row + 1 < drive.first[trajectory + 1] and drive.begin[row + 1] < end:
        end, stop = drive.begin[row + 1], i
        while time[stop] <= end:
            stop += 1
    return end, stop


@jit
def add_jump(row, drive, x):
    """Add what a stretch begins with to the state."""
    for e in range(x.size):
        x[e] += drive.jump[row, e]


@jit_inline
def integrate_stretch(
    t, end, x, i, stop, time, terms, entries, coefficients, row, drive, tolerance, out
):
    """Integrate through one stretch, from ``x`` at ``t``, and leave the state at ``end`` in ``x``.

    Fills the rows of `out` from `i` up to, not with, `stop`; the rest is as `integrate` has it.
    """
    d = x.size
    z = np.empty(d + drive.inputs.shape[3])
    theta = np.empty(terms.factor_count.size)
    k, weight = np.empty((7, d)), np.empty(7)
    x_stage, x_new = np.empty(d), np.empty(d)
    span = end - t
    h, first, rejected = 0.0, 0, False
    held = 0
    for count in range(tolerance.max_steps):
        h = min(h, end - t)
        for s in range(first, 7):
            stage_state(s, x, k, h, x_stage)
            # The one place that calls `flow`, since every call is compiled in full.
            flow(
                t + NODES[s] * h,
                x_stage,
                terms,
                entries,
                coefficients,
                row,
                drive,
                z,
                theta,
                k[s],
            )
            if s == 0:
                h = first_step(x, k[0], span, tolerance)
        first = 1
        error = 0.0
        for e in range(d):
            x_new[e] = x_stage[e]
            a = E1 * k[0, e] + E3 * k[2, e] + E4 * k[3, e] + E5 * k[4, e] + E6 * k[5, e]
            a += E7 * k[6, e]
            scale = tolerance.absolute[e] + tolerance.relative * max(abs(x[e]), abs(x_new[e]))
            error += (h * a / scale) ** 2
        error = np.sqrt(error / d)
        if not error <= 1.0:
            h *= next_step_factor(error) if error < 1e10 else 0.1
            rejected = True
            if not t + 0.1 * h > t:
                return STEP_TOO_SMALL
            continue
        last = t + h >= end - 1e-12 * span
        while i < stop and (time[i] <= t + h or last):
            s1 = min((time[i] - t) / h, 1.0)
            for q in range(7):
                weight[q] = s1 * (
                    DENSE[q, 0] + s1 * (DENSE[q, 1] + s1 * (DENSE[q, 2] + s1 * DENSE[q, 3]))
                )
            for e in range(d):
                a = weight[0] * k[0, e]
                for q in range(2, 7):
                    a += weight[q] * k[q, e]
                out[i, e] = x[e] + h * a
            i += 1
        if end - t > WORTH_SWITCHING * h:
            held = held + 1 if held_by_stability(x, k, tolerance) else max(held - 1, 0)
        t_before = t
        t += h
        for e in range(d):
            x[e] = x_new[e]
            k[0, e] = k[6, e]
        if out_of_bounds(x, tolerance):
            for j in range(i):
                if time[j] > t_before:
                    for e in range(d):
                        out[j, e] = np.nan
            return DIVERGED
        if last:
            return OK
        factor = next_step_factor(error)
        h *= min(factor, 1.0) if rejected else factor
        rejected = False
        if held == STIFF_STEPS:
            return integrate_stiff(
                t,
                h,
                end,
                x,
                i,
                stop,
                tolerance.max_steps - count - 1,
                time,
                terms,
                entries,
                coefficients,
                row,
                drive,
                tolerance,
                out,
            )
    return TOO_MANY_STEPS


@jit
def integrate(initial, time, terms, entries, coefficients, trajectory, drive, tolerance, out):
    """Integrate from ``time[0]`` and fill ``out`` (n_time, n_state) at every time.

    Parameters
    ----------
    initial : (n_state,) array
        State at ``time[0]``, before what happens at this time.
    time : (n_time,) array, increasing
    terms : TermTable; entries : Entries; coefficients : (n_column,) array
    trajectory : int
        Trajectory of `drive` that applies.
    drive : Drive
    tolerance : Tolerance
    out : (n_time, n_state) array
        Result, at the time of an event before it; rows after a failure are NaN.

    Returns
    -------
    int
        0, or the reason of the failure (``STATUS_TEXT``).
    """
    n_time = time.size
    x = initial.copy()
    for e in range(x.size):
        out[0, e] = x[e]
        for j in range(1, n_time):
            out[j, e] = np.nan
    # A literal 1 would have the stretches compiled once more.
    t, i = time[0], min(n_time, 1)
    row = first_stretch(t, trajectory, drive)
    while i < n_time:
        end, stop = stretch_end(row, i, trajectory, drive, time)
        if end > t:
            status = integrate_stretch(
                t,
                end,
                x,
                i,
                stop,
                time,
                terms,
                entries,
                coefficients,
                row,
                drive,
                tolerance,
                out,
            )
            if status != OK:
                return status
        t, i = end, stop
        if i < n_time:
            row += 1
            add_jump(row, drive, x)
    return OK


@jit
def integrate_draws(
    initial, time, terms, entries, coefficients, trajectory, drive, tolerance, out, status
):
    """Integrate many parameter draws of one trajectory.

    Parameters
    ----------
    initial : (n_draw, n_state) array
    coefficients : (n_draw, n_column) array
    out : (n_draw, n_time, n_state) array
    status : (n_draw,) int array
        As `integrate` returns it, per draw.
    """
    for r in range(initial.shape[0]):
        status[r] = integrate(
            initial[r],
            time,
            terms,
            entries,
            coefficients[r],
            trajectory,
            drive,
            tolerance,
            out[r],
        )

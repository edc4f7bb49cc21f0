"""What the integrators share: reasons of failure, step control, and bounds."""

from __future__ import annotations

import numpy as np

from .compiled import jit

OK, TOO_MANY_STEPS, DIVERGED, STEP_TOO_SMALL, TOO_STIFF = 0, 1, 2, 3, 4
#: The reasons in the words that users read, to follow "The model cannot be simulated: ".
STATUS_TEXT = {
    OK: "done",
    TOO_MANY_STEPS: "it oscillates or changes too fast for so long a time (the solver's step cap "
    "was reached)",
    DIVERGED: "it diverges, a state grows far beyond the range of its data",
    STEP_TOO_SMALL: "it is singular, a rate becomes infinite or is not defined (the solver's step "
    "shrinks to nothing)",
    TOO_STIFF: "it is too stiff, its fastest and slowest rates lie too far apart (the implicit "
    "solver's step cap was reached)",
}

#: An explicit method that would need no more steps than this to the end is not worth leaving.
WORTH_SWITCHING = 200
#: Steps in a row (those that do not fit take one away) before a model counts as stiff: Hairer and
#: Wanner (1996), Solving ODEs II, IV.2, "Stiffness detection".
STIFF_STEPS = 15


@jit
def first_step(x, dx, span, tolerance):
    """Initial step: 1 % of the time in which the fastest state changes by its own size.

    Hairer, Norsett and Wanner (1993), Solving ODEs I, II.4, first half of the algorithm.
    """
    d0 = d1 = 0.0
    for e in range(x.size):
        scale = tolerance.absolute[e] + tolerance.relative * abs(x[e])
        d0 += (x[e] / scale) ** 2
        d1 += (dx[e] / scale) ** 2
    if d0 < 1e-10 or d1 < 1e-10:
        return 1e-3 * span
    return min(0.01 * np.sqrt(d0 / d1), span)


@jit
def next_step_factor(error):
    """Factor for the next step of an order-5 pair, safety 0.9, between 0.2 and 5."""
    return min(5.0, max(0.2, 0.9 * max(error, 1e-12) ** -0.2))


@jit
def out_of_bounds(x, tolerance):
    """Whether a state is not finite or beyond its limit."""
    for e in range(x.size):
        if not abs(x[e]) <= tolerance.limit[e]:
            return True
    return False

"""Newton steps of the elastic net on its support, by an inverse that follows the support.

On a fixed support with fixed signs the objective is a quadratic, so that one solve finds its
minimiser (Lee et al. 2007, feature-sign search).  The inverse of the support's block of
``G + diag(b)`` is kept from step to step and from penalty to penalty and changed by bordering as
columns enter and leave (Bjorck 1996, Numerical Methods for Least Squares Problems, section 3.2),
O(k^2) each, as in least-angle regression (Efron et al. 2004).  With an l1 ratio below 1 the inverse
is that of an earlier penalty's ``b``: the step is then a preconditioned one, with an exact
line search, so that the objective can never rise.

References
----------
Lee, Battle, Raina, Ng (2007), NIPS 19.  Efron, Hastie, Johnstone, Tibshirani (2004), Ann. Stat. 32.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compiled import jit

Array = NDArray[np.float64]

# A column whose part outside the span of the others is smaller than this stays with the sweeps.
_INDEPENDENT = 1e-9

AT_MINIMUM, MOVED, INVERSE_LOST = 0, 1, 2


class Support(NamedTuple):
    """The inverse over the members of the support; work arrays beside it.

    Attributes
    ----------
    inverse : (n, n) array
        Leading block in use.
    member : (n,) int array
        Coordinates in the order of the inverse.
    slot : (n,) int array
        Place of each coordinate in `member`, -1 where it has none.
    members : (1,) int array
        How many.
    u, step, change : (n,) arrays
        Work space.
    """

    inverse: Array
    member: NDArray[np.int64]
    slot: NDArray[np.int64]
    members: NDArray[np.int64]
    u: Array
    step: Array
    change: Array


def empty_support(size: int) -> Support:
    """Room for `size` coordinates, none of them a member."""
    return Support(
        np.empty((size, size)),
        np.zeros(size, np.int64),
        np.full(size, -1),
        np.zeros(1, np.int64),
        np.zeros(size),
        np.zeros(size),
        np.zeros(size),
    )


@jit
def add_multiple(factor, source, target, size):
    """Add ``factor * source`` to the first `size` entries of `target`."""
    for i in range(size):
        target[i] += factor * source[i]


@jit
def _enter(matrix, ridge, j, support):
    """Border the inverse by coordinate `j`; unchanged where it depends on the members."""
    inverse, member, slot, members, u, step, _ = support
    m = members[0]
    diagonal = matrix[j, j] + ridge[j]
    row = matrix[j]
    for q in range(m):
        u[q] = 0.0
        step[q] = row[member[q]]
    for q in range(m):
        add_multiple(step[q], inverse[q], u, m)
    rest = diagonal
    for q in range(m):
        rest -= step[q] * u[q]
    if not rest > _INDEPENDENT * diagonal:
        return
    scale = 1.0 / rest
    for q in range(m):
        add_multiple(scale * u[q], u, inverse[q], m)
        inverse[q, m] = inverse[m, q] = -scale * u[q]
    inverse[m, m] = scale
    member[m], slot[j], members[0] = j, m, m + 1


@jit
def _leave(j, support):
    """Take coordinate `j` out of the inverse."""
    inverse, member, slot, members, u, _, _ = support
    place, last = slot[j], members[0] - 1
    other = member[last]
    a, b = inverse[place], inverse[last]
    for q in range(last + 1):
        a[q], b[q] = b[q], a[q]
    for q in range(last + 1):
        inverse[q, place], inverse[q, last] = inverse[q, last], inverse[q, place]
    for q in range(last):
        u[q] = b[q]
    scale = -1.0 / b[last]
    for q in range(last):
        add_multiple(scale * u[q], u, inverse[q], last)
    member[place], slot[other] = other, place
    slot[j], members[0] = -1, last


@jit
def follow_support(matrix, w, terms, size, support):
    """Let every coordinate that is free to move, and no other, be a member.

    Free is what is off zero (or unpenalised) and strictly inside its bounds.
    """
    l1, ridge, lower, upper, _ = terms
    for j in range(size):
        free = (w[j] != 0.0 or l1[j] == 0.0) and lower[j] < w[j] < upper[j]
        if support.slot[j] >= 0 and not free:
            _leave(j, support)
    for j in range(size):
        free = (w[j] != 0.0 or l1[j] == 0.0) and lower[j] < w[j] < upper[j]
        if free and support.slot[j] < 0:
            _enter(matrix, ridge, j, support)


@jit
def newton_step(matrix, w, v, terms, size, support, enough):
    """Move the members toward their minimiser, up to the first change of sign or bound met.

    Parameters
    ----------
    enough : float
        No step where the largest slope times the l1 norm of `w`, which bounds what the slopes
        add to the duality gap, is within this.

    Returns
    -------
    int
        AT_MINIMUM, MOVED or INVERSE_LOST (by rounding: nothing was done).
    """
    l1, ridge, lower, upper, _ = terms
    inverse, member, _, members, u, step, change = support
    m = members[0]
    largest = total = 0.0
    for q in range(m):
        j = member[q]
        u[q] = v[j] - l1[j] * np.sign(w[j]) - ridge[j] * w[j]
        step[q] = 0.0
        largest = max(largest, abs(u[q]))
        total += abs(w[j])
    if largest * total <= enough:
        return AT_MINIMUM
    for q in range(m):
        add_multiple(u[q], inverse[q], step, m)
    for i in range(size):
        change[i] = 0.0
    gain = curvature = 0.0
    for q in range(m):
        add_multiple(step[q], matrix[member[q]], change, size)
        gain += u[q] * step[q]
    for q in range(m):
        j = member[q]
        curvature += step[q] * (change[j] + ridge[j] * step[q])
    if not gain > 0.0 or not curvature > 0.0:
        return INVERSE_LOST
    length, stop, target = gain / curvature, -1, 0.0
    for q in range(m):
        j = member[q]
        limit = upper[j] if step[q] > 0.0 else lower[j]
        if l1[j] > 0.0 and w[j] * step[q] < 0.0 and limit * w[j] <= 0.0:
            limit = 0.0
        if step[q] != 0.0 and (limit - w[j]) / step[q] < length:
            length, stop, target = (limit - w[j]) / step[q], q, limit
    for q in range(m):
        j = member[q]
        w[j] = target if q == stop else w[j] + length * step[q]
    add_multiple(-length, change, v, size)
    return MOVED


@jit
def forget(support):
    """Start the inverse anew, after rounding errors or a penalty far away."""
    support.members[0] = 0
    for j in range(support.slot.size):
        support.slot[j] = -1

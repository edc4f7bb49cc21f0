"""Spike-and-slab selection on a Gram matrix: informed search over supports.

Coefficients are integrated out exactly (conjugate normal slab, inverse-gamma scale; George and
McCulloch 1997, Statistica Sinica 7, section 4), so the search walks over supports alone.  At every
support the posterior of *all* its neighbours is known at the price of one move (see
`spike_slab_state`), which is used three ways:

- climbing: the best flip, and where none gains the best swap, until that does not gain either;
- informed jumps: a neighbour is drawn with probability proportional to the square root of its
  posterior (locally balanced proposals; Zanella 2020, J. Am. Stat. Assoc. 115, 852, section 2),
  and none is refused.  Excursions of such jumps leave the best support, every other one by giving
  up one of its columns, and end in a climb, which may come home or find a better support;
- every neighbour weighed is remembered under a 64-bit hash (Zobrist 1970), so the posterior can
  be renormalised over all of them (shotgun stochastic search; Hans, Dobra and West 2007, J. Am.
  Stat. Assoc. 102, 507).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compiled import jit
from .spike_slab_state import (
    IMPOSSIBLE,
    WRONG_SIGN,
    Regression,
    State,
    clear,
    copy_state,
    exclude,
    include,
    log_posterior,
    right_signs,
    weigh_flips,
    weigh_swaps,
)

#: Supports this many nats below the best so far are not remembered: while climbing, in jumps.
CLIMB_WINDOW, JUMP_WINDOW = 30.0, 14.0
#: Jumps from the best support before the next climb; then the factorisation is made anew.
EXCURSION = 20
#: The search ends early when so many excursions in a row have come home to the same support.
ENOUGH_RETURNS = 5
#: A climb goes on while the log posterior gains more than this.
LEAST_GAIN = 1e-7


class Table(NamedTuple):
    """Supports met, each a support that was visited with one or two columns flipped.

    Attributes
    ----------
    slots : (power of two,) int array; keys : uint64 array
        Open addressing by hash.
    value : float array
    parent, flip, other : int arrays
        Visited support and the columns flipped in it (-1: none).
    visited : (n_visit, max_size) int array; size : (n_visit,) int array
    used : (2,) int array
        Supports met; supports visited.
    key : (1,) uint64 array; best : (2,) array
        Hash of the current support; its log posterior, and the best so far.
    """

    slots: NDArray[np.int64]
    keys: NDArray[np.uint64]
    value: NDArray[np.float64]
    parent: NDArray[np.int32]
    flip: NDArray[np.int32]
    other: NDArray[np.int32]
    visited: NDArray[np.int32]
    size: NDArray[np.int64]
    used: NDArray[np.int64]
    key: NDArray[np.uint64]
    best: NDArray[np.float64]


@jit
def remember(table, key, value, flip, other):
    """Put a support into the table; False if it is there already or there is no room."""
    mask = np.uint64(table.slots.size - 1)
    slot = key & mask
    while table.slots[slot] >= 0:
        if table.keys[table.slots[slot]] == key:
            return False
        slot = (slot + np.uint64(1)) & mask
    i = table.used[0]
    if i == table.value.size:
        return False
    table.slots[slot] = i
    table.keys[i], table.value[i], table.parent[i] = key, value, table.used[1] - 1
    table.flip[i], table.other[i] = flip, other
    table.used[0] = i + 1
    return True


@jit
def visit(state, table, hash_keys, gain, window):
    """Remember the current support and its neighbours by flips that come within `window`."""
    # A bare -1 is a type of its own to numba: `remember` would be compiled three times.
    this, value, nothing = table.used[1], table.best[0], np.int64(-1)
    if this == table.size.size:
        return
    for m in range(state.size[0]):
        table.visited[this, m] = state.support[m]
    table.size[this] = state.size[0]
    table.used[1] = this + 1
    table.best[1] = max(table.best[1], value)
    if value > table.best[1] - CLIMB_WINDOW:
        remember(table, table.key[0], value, nothing, nothing)
    # The nearer the table is to being full, the better a neighbour must be; the last places are
    # kept for what will be visited.
    used = table.used[0] / (table.value.size - table.size.size)
    floor = table.best[1] - window * min(1.0, 2.0 - 2.0 * used)
    for j in range(gain.size):
        if value + gain[j] > floor and table.used[0] + table.size.size < table.value.size:
            remember(table, table.key[0] ^ hash_keys[j], value + gain[j], j, nothing)


@jit
def largest(values):
    """Place of the largest value (numba compiles a loop in a fraction of ``np.argmax``)."""
    best = 0
    for j in range(values.size):
        if values[j] > values[best]:
            best = j
    return best


@jit
def best_swap(regression, state, table, hash_keys, signed, work, gain):
    """Best swap as (gain, column out, column in); all that count are remembered."""
    top, out, into = 0.0, -1, -1
    for p in range(state.size[0]):
        j = state.support[p]
        if regression.required[j]:
            continue
        # What neither is remembered nor gains need not be known.
        least = min(table.best[1] - JUMP_WINDOW - table.best[0], 0.0)
        weigh_swaps(regression, state, j, least, work, gain)
        for i in range(gain.size):
            if gain[i] > top:
                top, out, into = gain[i], j, i
            value = table.best[0] + gain[i]
            # Signs after a swap are not known until it is made.
            room = table.used[0] + table.size.size < table.value.size
            if room and not signed and value > table.best[1] - JUMP_WINDOW:
                remember(table, table.key[0] ^ hash_keys[i] ^ hash_keys[j], value, i, j)
    return top, out, into


@jit
def draw(gain):
    """Draw a neighbour with probability proportional to the square root of its posterior."""
    top = gain[largest(gain)]
    if top < -0.5 * WRONG_SIGN:
        return -1
    total = 0.0
    for j in range(gain.size):
        if gain[j] > top - 60.0:
            total += np.exp(0.5 * (gain[j] - top))
    level = total * np.random.random()
    chosen = -1
    for j in range(gain.size):
        if gain[j] > top - 60.0:
            chosen = j
            level -= np.exp(0.5 * (gain[j] - top))
            if level <= 0.0:
                break
    return chosen


@jit
def fill(queue, member):
    """Put the columns where `member` is true into a queue; returns their number."""
    n = 0
    for j in range(member.size):
        if member[j]:
            queue[n] = j
            n += 1
    return n


@jit
def walk(regression, state, kept, table, hash_keys, starts, n_jumps, seed):
    """Climb from every start, then make excursions from the best support; fills the table.

    One loop, so that every part is called, and compiled, once.

    Parameters
    ----------
    regression, state, kept, table
        `kept` holds the best support, factorised anew, from which excursions begin.
    hash_keys : (n_column,) uint64 array
        Random words, one a column.
    starts : (n_start, n_column) bool array
        Supports to climb from (required columns included).
    n_jumps, seed : int
    """
    np.random.seed(seed)
    n_column, n_start = regression.precision.size, starts.shape[0]
    work, gain = np.empty(n_column), np.empty(n_column)
    moved, queue = np.zeros(n_column, np.bool_), np.empty(n_column, np.int64)
    signed = regression.sign.any()
    best, home, returns, mode_size = -np.inf, np.uint64(0), 0, 0
    mode, most = np.empty(n_column, np.int64), 8 * regression.log_size.size
    episode, jump, steps, climbing, stuck = 0, 0, 0, True, False
    is_kept, to_keep = False, False
    clear(regression, state)
    n_queue = fill(queue, starts[0])
    while True:
        for m in range(n_queue):
            table.key[0] ^= hash_keys[queue[m]]
            if state.place[queue[m]] >= 0:
                exclude(regression, state, queue[m])
            else:
                include(regression, state, queue[m])
        if to_keep:
            copy_state(state, kept)
            is_kept, to_keep = True, False
        swapped, n_queue = climbing and n_queue == 2 and steps > 0, 0
        table.best[0] = log_posterior(regression, state)
        if signed and not right_signs(regression, state):
            table.best[0] -= WRONG_SIGN
        weigh_flips(regression, state, signed, gain)
        if climbing:
            steps += 1
            if swapped and table.best[0] < -0.5 * WRONG_SIGN:
                # The swap gave a wrong sign: take it back.
                queue[0], queue[1] = queue[1], queue[0]
                n_queue, stuck = 2, True
                continue
            queue[0] = largest(gain)
            if gain[queue[0]] > LEAST_GAIN and steps < most:
                n_queue = 1
                continue
        visit(state, table, hash_keys, gain, CLIMB_WINDOW if climbing else JUMP_WINDOW)
        if climbing and not stuck and steps < most:
            top, queue[0], queue[1] = best_swap(
                regression, state, table, hash_keys, signed, work, gain
            )
            if top > LEAST_GAIN:
                n_queue = 2
                continue
        if not climbing:
            for j in range(n_column):
                if moved[j]:
                    gain[j] = IMPOSSIBLE
            queue[0] = draw(gain)
            if jump == 0 and episode % 2 == 1 and mode_size > 0:
                # What would the others do without this column?
                out = mode[np.random.randint(mode_size)]
                if regression.free[out]:
                    queue[0] = out
            jump += 1
            climbing = jump == EXCURSION or queue[0] < 0
            steps, stuck = 0, False
            if queue[0] >= 0:
                n_queue = 1
                moved[queue[0]] = True
            continue
        # A climb has ended: keep what it found and go on with the next start or excursion.
        returns = returns + 1 if episode >= n_start and table.key[0] == home else 0
        if table.best[0] > best + LEAST_GAIN:
            best, home, mode_size = table.best[0], table.key[0], state.size[0]
            is_kept = False
            for m in range(mode_size):
                mode[m] = state.support[m]
        episode += 1
        if returns == ENOUGH_RETURNS or (episode - n_start) * EXCURSION >= n_jumps:
            return
        steps, stuck = 0, False
        if episode >= n_start:
            climbing, jump, n_queue = False, 0, 0
            for j in range(n_column):
                moved[j] = False
            if is_kept:
                copy_state(kept, state)
                table.key[0] = home
                continue
        clear(regression, state)
        table.key[0] = np.uint64(0)
        if episode < n_start:
            n_queue = fill(queue, starts[episode])
        else:
            to_keep, n_queue = True, mode_size
            for m in range(mode_size):
                queue[m] = mode[m]


def empty_state(max_size: int, n_column: int) -> State:
    """Room for supports of up to `max_size` columns."""
    return State(
        np.empty((max_size, n_column)),
        np.empty((max_size, max_size)),
        np.empty(max_size),
        np.empty(n_column),
        np.empty(n_column),
        np.empty(max_size, np.int64),
        np.empty(n_column, np.int64),
        np.zeros(1, np.int64),
        np.empty(2),
    )


def spike_slab_search(
    regression: Regression,
    hash_keys: NDArray[np.uint64],
    starts: NDArray[np.bool_],
    n_jumps: int,
    seed: int,
    keep: int,
) -> tuple[list[NDArray[np.int64]], NDArray[np.float64]]:
    """Supports of highest posterior, with their log posteriors up to a constant.

    Parameters
    ----------
    regression : Regression
    hash_keys : (n_column,) uint64 array
        Random words, one a column.
    starts : (n_start, n_column) bool array
        Supports to climb from, required columns included.
    n_jumps : int
        Informed jumps after the climbs; each weighs every column.
    seed, keep : int

    Returns
    -------
    supports : list of int arrays
        Columns in ascending order; by descending posterior, at most `keep`.
    log_posterior : (n,) array
    """
    n_column, max_size = regression.precision.size, regression.log_size.size - 1
    n_visit = 2 * n_jumps + 64
    room = max(1 << 16, 8 << n_visit.bit_length())
    table = Table(
        np.full(2 * room, -1, np.int64),
        np.empty(room, np.uint64),
        np.empty(room),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty((n_visit, max_size), np.int32),
        np.empty(n_visit, np.int64),
        np.zeros(2, np.int64),
        np.zeros(1, np.uint64),
        np.full(2, -np.inf),
    )
    state, kept = empty_state(max_size, n_column), empty_state(max_size, n_column)
    walk(regression, state, kept, table, hash_keys, starts, n_jumps, seed)
    values = table.value[: table.used[0]]
    order = np.argsort(-values, kind="stable")[:keep]
    supports = []
    for i in order:
        visited = table.parent[i]
        own = set(table.visited[visited, : table.size[visited]].tolist())
        own ^= {int(j) for j in (table.flip[i], table.other[i]) if j >= 0}
        supports.append(np.array(sorted(own), np.int64))
    return supports, values[order]
